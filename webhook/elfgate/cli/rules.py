"""``elfgate rules``: every rule of the policies, in a table."""

import argparse
import sys
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.cli.options import add_output, add_policies, judging

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from elfgate.cli.output import ExemptionOutput

USAGE = """elfgate rules [--policies DIR] [--rules DIR] [--config FILE] [-o FORMAT]
       elfgate rules new NAME [--rules DIR]"""
DESCRIPTION = (
    "List the rules: their codes, what their findings lead to, and what they mean in a few "
    "words; and the exemptions: how long they hold, and whose they are."
)
EPILOG = """`rules new NAME` writes a rule to begin with and its test, into the folder of --rules or this one.

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
    add_output(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """List the rules, or write one."""
    if options.action == "new":
        return _write(options)
    from tabulate import tabulate

    from elfgate.cli.explain import output
    from elfgate.cli.output import RulesOutput, print_model
    from elfgate.policy.cautions import cautions
    from elfgate.policy.metadata import NO_COMMON_PLATFORM, rules

    bundle = judging(options).bundle()
    found = sorted((*rules(bundle), NO_COMMON_PLATFORM), key=attrgetter("code"))
    settings = bundle.data["elfgate"]["config"]
    exemptions = _exemptions(settings.get("exemptions", []))
    told = cautions(settings, datetime.now(UTC).date())
    if options.output == "json":
        print_model(
            RulesOutput(
                revision=bundle.revision,
                rules=[output(rule) for rule in found],
                exemptions=exemptions,
                cautions=told,
            ),
            "json",
        )
    else:
        rows = [(rule.code, rule.mode, rule.title) for rule in found]
        sys.stdout.write(tabulate(rows, ("CODE", "MODE", "MEANING"), tablefmt="plain") + "\n")
        sys.stdout.write(_table(exemptions))
        sys.stdout.write("".join(f"\ncaution: {line}" for line in told) + "\n" * bool(told))
    return 0


def _write(options: argparse.Namespace) -> int:
    from elfgate.cli.new_rule import write
    from elfgate.errors import InputError

    if not options.name:
        raise InputError("rules new needs a NAME")
    written = write(options.name, options.rules or Path())
    sys.stdout.write("".join(f"{path}\n" for path in written))
    return 0


def _exemptions(found: "Sequence[Mapping[str, Any]]") -> "list[ExemptionOutput]":
    from elfgate.cli.output import ExemptionOutput
    from elfgate.policy.validity import validity

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
