"""The reports that ``elfgate audit --write-reports`` leaves in the cluster."""

import argparse
import sys
from typing import TYPE_CHECKING

from elfgate.errors import InputError

if TYPE_CHECKING:
    from elfgate.audit.report import Report
    from elfgate.policy.rulebook import Rulebook

FORMS = ("openreports", "policyreport")


def add_reports(parser: argparse.ArgumentParser) -> None:
    """Add the option that asks for reports."""
    parser.add_argument(
        "--write-reports",
        choices=FORMS,
        metavar="FORM",
        help="write a report into each namespace of the cluster: openreports "
        "(reports.openreports.io) or policyreport (policyreports.wgpolicyk8s.io)",
    )
    parser.add_argument(
        "--report-name",
        default="elfgate",
        metavar="NAME",
        help="the name of each report in the cluster (default: elfgate); give each installation of "
        "elfgate a name of its own",
    )


def check(options: argparse.Namespace) -> None:
    """Refuse what reports cannot be about.

    Raises:
        InputError: if objects are not a cluster's, or judged for another one.
    """
    if not options.write_reports:
        return
    for name in ("files", "to_come", "arch", "nodes"):
        if getattr(options, name):
            raise InputError(
                "--write-reports is about a cluster and its own nodes",
                hint="leave out -f, --for, --arch and --nodes",
            )


def write(
    options: argparse.Namespace, report: "Report", book: "Rulebook", *, complete: bool
) -> None:
    """Write the reports, and tell on standard error what was done.

    Raises:
        InputError: if the cluster has no such reports, or does not answer.
    """
    if not options.write_reports:
        return
    from elfgate.audit.reporting import reports
    from elfgate.cluster.access import Access
    from elfgate.cluster.api import Api
    from elfgate.cluster.reports import KINDS, Reports

    def refused(why: str) -> None:
        sys.stderr.write(f"elfgate audit: {why}\n")

    with Api(Access(context=options.context or "")) as api:
        kind = KINDS[options.write_reports]
        writing = Reports(api, kind, refused, options.report_name)
        done = writing.write(reports(report.entries, book), complete=complete)
    told = ", ".join(f"{count} {word}" for word, count in sorted(done.items()))
    sys.stderr.write(f"elfgate audit: reports: {told or 'none'}\n")
