"""``elfgate verify``: hold what ``elfgate try`` has reported against a new prediction."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.cli.forms import TABLED, add_outputs, tell_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elfgate.trial.replay import Replayed

USAGE = "elfgate verify --against REPORT... [-o FORMAT]"
DESCRIPTION = """Predict again each start that `elfgate try --report` has written down, from the
facts in the report, and compare with what happened then. No image, registry or store is asked."""
EPILOG = """REPORT is a file, or a folder of files called *.json.

exit codes: 0 no prediction is contradicted; 1 one is; 2 bad usage, or a report cannot be read; 3 \
none is, but some
are unknown

example:
  elfgate try registry.example/team/app:1.2 --report reports/app.json
  elfgate verify --against reports
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "--against",
        nargs="+",
        required=True,
        type=Path,
        metavar="REPORT",
        help="what happened: files of `elfgate try --report`, or folders of them",
    )
    parser.add_argument(
        "--isolation",
        choices=("required", "preferred", "none"),
        default="preferred",
        metavar="HOW",
        help="look into facts in confined processes: required, preferred (default), or none, for "
        "reports that you trust",
    )
    add_outputs(parser, TABLED)


def run(options: argparse.Namespace) -> int:
    """Replay, print, and return the exit code."""
    import asyncio

    from elfgate.cli.verify_output import VerifyOutput, verify_table, verify_text
    from elfgate.policy.rulebook import shipped

    replayed = asyncio.run(_replayed(options))
    document = VerifyOutput.of(replayed, shipped())
    tell_table(options, lambda: verify_text(replayed), document, verify_table(replayed))
    return exit_code(replayed)


def exit_code(replayed: "Sequence[Replayed]") -> int:
    """0 no prediction is contradicted; 1 one is; 3 none is, but some are unknown."""
    from elfgate.trial.agreement import Agreement

    if any(each.contradicts for each in replayed):
        return 1
    return 3 if any(each.agreement is Agreement.UNKNOWN for each in replayed) else 0


async def _replayed(options: argparse.Namespace) -> "list[Replayed]":
    from elfgate.trial.replay import replay
    from elfgate.trial.report import read_reports
    from elfgate.wiring.isolation import untrusted_work

    reports = [each for path in options.against for each in read_reports(path)]
    async with untrusted_work(options.isolation, ()) as work:
        try:
            return [await replay(place, report, work.predictor) for place, report in reports]
        finally:
            await work.predictor.close()
