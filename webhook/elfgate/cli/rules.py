"""``elfgate rules``: every rule of the policies, in a table."""

import argparse
import sys
from operator import attrgetter

from elfgate.cli.options import add_output, add_policies, judging

USAGE = "elfgate rules [--policies DIR] [--rules DIR] [--config FILE] [-o FORMAT]"
DESCRIPTION = (
    "List the rules: their codes, what their findings lead to, and what they mean in a few words."
)
EPILOG = """exit codes: 0 listed; 2 bad usage, or no such policies

example:
  elfgate rules
  elfgate rules --config elfgate.yaml -o json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_policies(parser)
    add_output(parser, "text", "json")


def run(options: argparse.Namespace) -> int:
    """List the rules."""
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
