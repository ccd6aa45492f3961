"""All verbs in one parser, for what is made from parsers: the man page and shell completions.

The program itself makes the parser of the verb alone that it is asked for.
"""

import argparse
from pathlib import Path

import shtab

from elfgate.cli.main import EXIT_CODES, VERBS, verb_parser

_FILES = ("FILE", "MANIFESTS")


def whole() -> argparse.ArgumentParser:
    """The parser of the program with those of its verbs."""
    top = argparse.ArgumentParser(
        prog="elfgate",
        description="Tells whether container images can start on the architectures they may land "
        "on, and says why not.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version="", help="show the version")
    verbs = top.add_subparsers(dest="verb", metavar="VERB")
    for verb, summary in VERBS.items():
        _add(verbs, verb, summary)
    return top


def completion(shell: str) -> str:
    """The script by which a shell completes the words of a command line.

    Args:
        shell: ``bash``, ``zsh`` or ``fish``.
    """
    return str(shtab.complete(whole(), shell, root_prefix="elfgate"))


def _add(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", verb: str, summary: str
) -> None:
    own = verb_parser(verb)
    for action in own._actions:  # noqa: SLF001 - argparse has no other list
        if action.type is Path or action.metavar in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined] # shtab's own attribute
    verbs.add_parser(
        verb,
        help=summary,
        description=own.description,
        epilog=own.epilog,
        usage=own.usage,
        parents=[own],
        add_help=False,
        formatter_class=own.formatter_class,
    )
