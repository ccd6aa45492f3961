"""``elfgate explain``: what a rule's code means, with an example and the way out."""

import argparse
import sys
import textwrap
from typing import TYPE_CHECKING

from elfgate.cli.options import add_output, add_policies, judging

if TYPE_CHECKING:
    from elfgate.cli.output import RuleOutput
    from elfgate.policy.metadata import Rule

USAGE = "elfgate explain CODE [--policies DIR] [--rules DIR] [--config FILE] [-o FORMAT]"
DESCRIPTION = (
    "Tell what a rule means, what its findings lead to, "
    "what people are told in a case of it, and the way out."
)
EPILOG = """exit codes: 0 explained; 2 bad usage, or there is no such rule

example:
  elfgate explain loader_missing
"""
_WIDTH = 100


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "code", metavar="CODE", help="the code in a finding's brackets, such as loader_missing"
    )
    add_policies(parser)
    add_output(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """Explain the rule."""
    from elfgate.cli.output import print_model
    from elfgate.errors import InputError
    from elfgate.likely import meant
    from elfgate.policy.metadata import NO_COMMON_PLATFORM, rules

    found = {rule.code: rule for rule in (*rules(judging(options).bundle()), NO_COMMON_PLATFORM)}
    code = options.code.strip("[]").lower()
    if code not in found:
        raise InputError(f"unknown rule {options.code!r}", hint=meant(code, sorted(found)))
    told = output(found[code])
    if options.output == "json":
        print_model(told, "json")
    else:
        sys.stdout.write(_text(told))
    return 0


def output(rule: "Rule") -> "RuleOutput":
    """All that is to be told of a rule: with what people see in a case of it."""
    from elfgate.cli.output import RuleOutput
    from elfgate.policy.cases import example

    return RuleOutput.of(rule, example(rule.code))


def _text(rule: "RuleOutput") -> str:
    parts = [f"{rule.code}: {rule.title} ({rule.mode})", textwrap.fill(rule.description, _WIDTH)]
    if rule.example:
        parts.append("For example:\n" + textwrap.indent(rule.example, "  "))
    if rule.remedy:
        parts.append(textwrap.fill(f"What to do: {rule.remedy}.", _WIDTH))
    return "\n\n".join(part for part in parts if part) + "\n"
