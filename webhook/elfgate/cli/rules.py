"""``elfgate rules``: every rule of the policies, in a table."""

import argparse
import sys
from operator import attrgetter
from pathlib import Path

from elfgate.cli.options import add_output, add_policies, judging

USAGE = """elfgate rules [--policies DIR] [--rules DIR] [--config FILE] [-o FORMAT]
       elfgate rules new NAME [--rules DIR]"""
DESCRIPTION = (
    "List the rules: their codes, what their findings lead to, and what they mean in a few words."
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
    from elfgate.policy.metadata import NO_COMMON_PLATFORM, rules

    bundle = judging(options).bundle()
    found = sorted((*rules(bundle), NO_COMMON_PLATFORM), key=attrgetter("code"))
    if options.output == "json":
        print_model(
            RulesOutput(revision=bundle.revision, rules=[output(rule) for rule in found]), "json"
        )
    else:
        rows = [(rule.code, rule.mode, rule.title) for rule in found]
        sys.stdout.write(tabulate(rows, ("CODE", "MODE", "MEANING"), tablefmt="plain") + "\n")
    return 0


def _write(options: argparse.Namespace) -> int:
    from elfgate.cli.new_rule import write
    from elfgate.errors import InputError

    if not options.name:
        raise InputError("rules new needs a NAME")
    written = write(options.name, options.rules or Path())
    sys.stdout.write("".join(f"{path}\n" for path in written))
    return 0
