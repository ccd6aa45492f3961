"""``elfgate cache``: what the store holds; less of it; a file of it."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from elfgate.cli.forms import add_outputs, tell_plainly
from elfgate.cli.options import add_store

if TYPE_CHECKING:
    from elfgate.store.exchange import Carried
    from elfgate.store.protocol import Store

USAGE = """elfgate cache info   [--store FILE|URL] [-o FORMAT]
       elfgate cache prune  [--to SIZE] [--unused-for DAYS] [--store FILE]
       elfgate cache export FACTS [--store FILE|URL]
       elfgate cache import FACTS [--store FILE|URL]"""
DESCRIPTION = """Look after the store of facts about images: show how much it holds, drop what is
used least, write all of it to a file, or take in such a file (as where no registry can be
reached)."""
EPILOG = """FACTS is a file; - is standard output or input. Documents in it are held against their \
digests. A layer's
index stands for a layer that is not at hand: import only files of someone you trust.

A server (URL) drops facts by itself: set its maxmemory and maxmemory-policy.

exit codes: 0 done; 2 bad usage, or a store or file that cannot be used

examples:
  elfgate cache info
  elfgate cache prune --to 500MB --unused-for 30
  elfgate cache export facts.zst && elfgate cache import facts.zst --store \
valkey://facts.elfgate.svc
"""

_MOST_DAYS = 36_500


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("action", choices=("info", "prune", "export", "import"), help="what to do")
    parser.add_argument(
        "file", nargs="?", metavar="FACTS", help="export to this file, or import it"
    )
    parser.add_argument(
        "--to", metavar="SIZE", help="prune until the store has at most SIZE, such as 500MB or 2GiB"
    )
    parser.add_argument(
        "--unused-for",
        type=_days,
        metavar="DAYS",
        help="prune facts that nothing used for DAYS days",
    )
    add_outputs(parser)
    add_store(parser)


def _days(text: str) -> float:
    """A number of days; ``nan`` is none."""
    days = float(text)
    if not 0 <= days <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and {_MOST_DAYS} days")
    return days


def run(options: argparse.Namespace) -> int:
    """Do it, print what the store then holds, and return the exit code."""
    from elfgate.cli.text import cache_text
    from elfgate.results.store import CacheOutput
    from elfgate.store.exchange import Carried
    from elfgate.wiring import stores

    _check(options)
    store = stores.store(options.store, writable=options.action in {"prune", "import"})
    try:
        carried = Carried()
        pruned = 0
        if options.action == "prune":
            pruned = _prune(store, options)
        elif options.file is not None:
            carried = (
                _export(store, options.file)
                if options.action == "export"
                else _import(store, options.file)
            )
        output = CacheOutput.of(stores.shown(options.store), store.statistics(), carried, pruned)
    finally:
        store.close()
    if options.action == "export" and options.file == "-":
        sys.stderr.write(cache_text(output, options.action))
    else:
        tell_plainly(options, lambda: cache_text(output, options.action), output)
    return 0


def _check(options: argparse.Namespace) -> None:
    from elfgate.errors import InputError

    if (options.action in {"export", "import"}) != (options.file is not None):
        needed = "needs FACTS" if options.file is None else "takes no FACTS"
        raise InputError(f"{options.action} {needed}", hint="see elfgate cache --help")
    if options.action != "prune" and (options.to or options.unused_for is not None):
        raise InputError(f"{options.action} takes neither --to nor --unused-for", hint="prune does")


def _prune(store: "Store", options: argparse.Namespace) -> int:
    from elfgate.errors import InputError
    from elfgate.store.sqlite import SqliteStore

    if not isinstance(store, SqliteStore):
        raise InputError(
            "a server drops facts by itself", hint="set its maxmemory and maxmemory-policy"
        )
    if options.to is None and options.unused_for is None:
        raise InputError("prune needs --to or --unused-for")
    days = options.unused_for
    return store.prune(
        to_bytes=None if options.to is None else _size(options.to),
        unused_seconds=None if days is None else days * 24 * 3600,
    )


def _size(text: str) -> int:
    from pydantic import ByteSize, TypeAdapter, ValidationError

    from elfgate.errors import InputError

    try:
        return TypeAdapter(ByteSize).validate_python(text)
    except ValidationError:
        raise InputError(f"--to {text!r} is not a size such as 500MB or 2GiB") from None


def _export(store: "Store", name: str) -> "Carried":
    from elfgate.errors import InputError
    from elfgate.store import exchange

    if name == "-":
        return _whole(store, exchange.write(store, sys.stdout.buffer))
    path = Path(name)
    if path.exists() and not path.is_file():  # a pipe or a device, which is not to be replaced
        with path.open("wb") as file:
            return _whole(store, exchange.write(store, file))
    part = Path(f"{name}.part")
    try:
        with part.open("wb") as file:
            carried = _whole(store, exchange.write(store, file))
        part.replace(name)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return carried


def _import(store: "Store", name: str) -> "Carried":
    from elfgate.errors import InputError
    from elfgate.store import exchange

    def read(file: BinaryIO) -> "Carried":
        return _whole(
            store, exchange.read(file, store, name="standard input" if name == "-" else name)
        )

    if name == "-":
        return read(sys.stdin.buffer)
    try:
        with Path(name).open("rb") as file:
            return read(file)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from error


def _whole(store: "Store", carried: "Carried") -> "Carried":
    """The number of entries carried, if nothing went wrong with the store on the way.

    Stores do not raise, they count.
    """
    from elfgate.store.protocol import StoreError

    failures = store.statistics()["failures"]
    if failures:
        raise StoreError(
            f"the store failed {failures} times on the way", hint="standard error tells how"
        )
    return carried
