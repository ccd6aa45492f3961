"""``elfgate ui``: the audit's page, live, for this machine's browser."""

import argparse
import sys

from elfgate.cli import audit
from elfgate.cli.options import add_policies, add_reading, judging
from elfgate.errors import InputError

USAGE = """elfgate ui [--context NAME] [-f FILE]... [--nodes FILE | --arch LIST | --for LIST]
                  [--port PORT] [OPTION]..."""
DESCRIPTION = """Serve the page of `elfgate audit -o html` on 127.0.0.1, for the browser of this
machine. Each load of the page reads the files or the cluster anew. The server only reads: it
changes nothing, and takes no input."""
EPILOG = """Without -f, the workloads and nodes of the current kubeconfig context's cluster are \
shown.

exit codes: 2 bad usage or input, or the port is taken; 130 ended by Ctrl-C

examples:
  elfgate ui --for linux/arm64,linux/ppc64le
  elfgate ui -f objects.json --port 8080
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    audit.add_objects(parser)
    parser.add_argument(
        "--port",
        type=int,
        default=0,
        metavar="PORT",
        help="listen on this port of 127.0.0.1 (default: one that is free)",
    )
    add_policies(parser)
    add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until the person ends it.

    Raises:
        InputError: if the page cannot be made, or the port cannot be had.
    """
    from elfgate.reports.live import Live

    if "-" in options.files:
        raise InputError("standard input can be read once only", hint="write it to a file")
    if not 0 <= options.port < 65536:
        raise InputError(f"--port {options.port} is no port", hint="0 to 65535")
    try:
        live = Live(options.port, lambda: _page(options))
    except OSError as error:
        raise InputError(f"port {options.port}: {error.strerror}") from error
    with live:
        live.page()  # what cannot be shown is told at once
        sys.stdout.write(f"{live.url} (end with Ctrl-C)\n")
        sys.stdout.flush()
        live.serve_forever()
    return 0


def _page(options: argparse.Namespace) -> str:
    import asyncio

    from elfgate.audit.report import Report
    from elfgate.cli.grids import audit_grid
    from elfgate.policy.rulebook import Rulebook
    from elfgate.reports.html import html

    collection = audit.collected(options)
    entries = asyncio.run(audit.judged(options, collection)).entries
    book = Rulebook.of(judging(options).bundle())
    return html(audit_grid(Report.of(entries), book))
