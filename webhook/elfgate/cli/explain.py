"""``elfgate explain``: what a rule's code means, with an example and the way out."""

import argparse
import textwrap
from typing import TYPE_CHECKING

from elfgate.cli.forms import add_outputs, tell_plainly
from elfgate.cli.options import add_policies, judging

if TYPE_CHECKING:
    from elfgate.results.rules import RuleOutput

USAGE = "elfgate explain CODE [--policies DIR] [--rules DIR] [--config FILE] [-o FORMAT]"
DESCRIPTION = """Tell what a rule means, what its findings lead to, what people are told in a
case of it, and the way out."""
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
    add_outputs(parser)


def run(options: argparse.Namespace) -> int:
    """Explain the rule."""
    from elfgate.errors import InputError
    from elfgate.likely import meant
    from elfgate.policy.cases import example
    from elfgate.policy.rulebook import Rulebook
    from elfgate.results.rules import ExplainOutput

    found = Rulebook.of(judging(options).bundle()).rules
    code = options.code.strip("[]").lower()
    if code not in found:
        raise InputError(f"unknown rule {options.code!r}", hint=meant(code, sorted(found)))
    told = ExplainOutput.of(found[code], example(code))
    tell_plainly(options, lambda: _text(told), told)
    return 0


def _text(rule: "RuleOutput") -> str:
    parts = [f"{rule.code}: {rule.title} ({rule.mode})", textwrap.fill(rule.description, _WIDTH)]
    if rule.example:
        parts.append("For example:\n" + textwrap.indent(rule.example, "  "))
    if rule.remedy:
        parts.append(textwrap.fill(f"What to do: {rule.remedy}.", _WIDTH))
    return "\n\n".join(part for part in parts if part) + "\n"
