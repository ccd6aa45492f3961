"""``elfgate rules``: every rule of the policies, in a table."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.cli.forms import add_outputs, tell_plainly
from elfgate.cli.options import add_policies, judging

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from elfgate.results.rules import ExemptionOutput, RulesOutput

USAGE = """elfgate rules [--policies DIR] [--rules DIR] [--config FILE] [-o FORMAT]
       elfgate rules new NAME [--rules DIR]"""
DESCRIPTION = """List the rules: their codes, what their findings lead to, and what they mean in
a few words; and the exemptions: how long they hold, and whose they are."""
EPILOG = """`rules new NAME` writes a rule to begin with and its test, into the folder of --rules \
or this one.

exit codes: 0 listed or written; 2 bad usage, or no such policies

example:
  elfgate rules
  elfgate rules --config elfgate.yaml -o json
  elfgate rules new our_registries --rules rules && elfgate bundle test --rules rules
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "action", nargs="?", choices=["new"], metavar="new", help="write a rule instead"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="what to call it")
    add_policies(parser)
    add_outputs(parser)


def run(options: argparse.Namespace) -> int:
    """List the rules, or write one."""
    if options.action == "new":
        return _write(options)
    from elfgate.policy.cases import example
    from elfgate.policy.days import told_of
    from elfgate.policy.rulebook import Rulebook
    from elfgate.results.rules import RuleOutput, RulesOutput

    bundle = judging(options).bundle()
    found = Rulebook.of(bundle).rules.values()
    settings = bundle.data["elfgate"]["config"]
    listed = RulesOutput(
        revision=bundle.revision,
        rules=[RuleOutput.of(rule, example(rule.code)) for rule in found],
        exemptions=_exemptions(settings.get("exemptions", [])),
        cautions=told_of(bundle, datetime.now(UTC).date()),
    )
    tell_plainly(options, lambda: _text(listed), listed)
    return 0


def _text(listed: "RulesOutput") -> str:
    from tabulate import tabulate

    rows = [(rule.code, rule.mode, rule.title) for rule in listed.rules]
    table = tabulate(rows, ("CODE", "MODE", "MEANING"), tablefmt="plain")
    told = [f"\ncaution: {line}" for line in listed.cautions]
    end = "\n" if told else ""
    return "".join((table, "\n", _table(listed.exemptions), *told, end))


def _write(options: argparse.Namespace) -> int:
    from elfgate.cli.new_rule import write
    from elfgate.errors import InputError

    if not options.name:
        raise InputError("rules new needs a NAME")
    written = write(options.name, options.rules or Path())
    sys.stdout.write("".join(f"{path}\n" for path in written))
    return 0


def _exemptions(found: "Sequence[Mapping[str, Any]]") -> "list[ExemptionOutput]":
    from elfgate.policy.validity import validity
    from elfgate.results.rules import ExemptionOutput

    today = datetime.now(UTC).date()
    return [
        ExemptionOutput.model_validate({**exemption, "state": validity(exemption, today).value})
        for exemption in found
    ]


def _table(exemptions: "Sequence[ExemptionOutput]") -> str:
    from tabulate import tabulate

    if not exemptions:
        return ""
    rows = [
        (each.state, each.expires, each.ends, each.owner, each.namespace, each.image, each.workload)
        for each in exemptions
    ]
    heads = ("EXEMPTION", "EXPIRES", "ENDS", "OWNER", "NAMESPACE", "IMAGE", "WORKLOAD")
    return "\n" + tabulate(rows, heads, tablefmt="plain", disable_numparse=True) + "\n"
