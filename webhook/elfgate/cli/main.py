"""The command line's entry.

A verb's module is imported when asked for, and imports what it needs when it runs.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

from elfgate import __version__
from elfgate.cli.ending import ended, open_closed
from elfgate.cli.parsing import Help, Parser

VERBS = {
    "scan": "show whether an image starts on each platform, and why not",
    "try": "start an image for real on each platform, beside the prediction",
    "verify": "predict again what `try` has reported, and compare",
    "matrix": "show a table of images and the platforms they start on",
    "check": "judge manifests as the webhook would, for the nodes of a cluster",
    "audit": "judge what runs in a cluster, and what could move to other platforms",
    "ui": "serve the audit's page on this machine",
    "compare": "show what an update of an image loses or gains",
    "needs": "show what a program needs from the system that starts it",
    "bases": "show which bases give a program what it needs",
    "attest": "sign an image's verdict and facts, and attach them to it",
    "rules": "list the policies' rules",
    "explain": "explain a rule's code, with an example and the way out",
    "bundle": "build, sign, verify, test, push and pull policy bundles",
    "warm": "read images ahead, so that the webhook knows them",
    "mirror": "copy images into your own registry, for clusters without another network",
    "cache": "show, prune, export or import the facts that were read",
    "serve": "run the webhook",
    "doctor": "find what is wrong with an installation, and how to repair it",
    "completion": "print the completion script of a shell",
}

STANDING = """options may stand in variables (ELFGATE_FAIL_ON for --fail-on) and, by verb, in a \
.elfgate.yaml of
this folder or one above it; the command line wins over a variable, and a variable over the file.
"""
EXIT_CODES = """exit codes:
  0  all that was asked for starts, or is admitted
  1  something cannot start, or is denied
  2  bad usage, or a file that cannot be read or written
  3  no failures, but some results are unknown (check, audit: only with --fail-on unknown)
  4  the policies gave no verdict that can be trusted
  70  an unexpected error, which is a bug: nothing was decided
"""
_STARTING = {"scan", "try"}  # a command follows --


def parser() -> Parser:
    """The parser of the program's own options, which leaves a verb's to the verb."""
    width = max(map(len, VERBS))
    told = VERBS | {"version": "show the version", "help": "show the help of a verb"}
    verbs = "\n".join(f"  {verb:{width}}  {summary}" for verb, summary in told.items())
    top = Parser(
        prog="elfgate",
        usage="elfgate VERB [OPTION]... [ARGUMENT]...",
        description="Tells whether container images can start on the architectures they may "
        "land on, and says why not.",
        epilog=f"verbs (elfgate VERB --help tells more):\n{verbs}\n\n{STANDING}\n{EXIT_CODES}",
        formatter_class=Help,
    )
    top.add_argument("-V", "--version", action="version", version=f"elfgate {__version__}")
    top.add_argument("verb", nargs="?", choices=VERBS, metavar="VERB", help=argparse.SUPPRESS)
    return top


def verb_parser(verb: str) -> Parser:
    """The parser of one verb."""
    module = importlib.import_module(f"elfgate.cli.{verb}")
    of_verb = Parser(
        prog=f"elfgate {verb}",
        usage=module.USAGE,
        description=module.DESCRIPTION,
        epilog=module.EPILOG,
        formatter_class=Help,
    )
    module.configure(of_verb)
    return of_verb


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb.

    Args:
        argv: The arguments after the program's name; the process's own if None.

    Returns:
        The exit code (see ``EXIT_CODES``).
    """
    words = list(sys.argv[1:] if argv is None else argv)
    open_closed()
    top = parser()
    words = _plain(words)
    if not words or words[0] not in VERBS:
        top.parse_args(words[:1])
        top.print_help(sys.stderr)
        return 2
    verb, words = words[0], words[1:]
    try:
        return _run(verb, words)
    # The boundary: a person gets a line, never a traceback.
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001
        return ended(verb, error, words)


def _run(verb: str, words: list[str]) -> int:
    words, command = _split(words) if verb in _STARTING else (words, None)
    parser_of_verb = verb_parser(verb)
    if {"-h", "--help"} & set(words):
        parser_of_verb.parse_args(words)  # and leave
    return _run_verb(verb, parser_of_verb, words, command)


def _run_verb(verb: str, of_verb: Parser, words: list[str], command: list[str] | None) -> int:
    from elfgate.cli.forms import outputs
    from elfgate.cli.interrupt import end_when_interrupted
    from elfgate.cli.progress import Progress
    from elfgate.cli.standing import standing

    if verb != "serve":  # which drains
        end_when_interrupted()
    of_verb.refuse_unknown(words)
    options = of_verb.parse_args(standing(of_verb, verb, words))
    options.command = command
    if getattr(options, "forms", None):
        outputs(options)  # a format that is not there is told of before the work
    with Progress(wanted=not getattr(options, "no_progress", True)) as options.progress:
        code = int(importlib.import_module(f"elfgate.cli.{verb}").run(options))
    sys.stdout.flush()  # here, where a reader that has gone is still expected
    return code


def _plain(words: list[str]) -> list[str]:
    """The words, with ``version`` and ``help VERB`` as the options that they stand for."""
    match words:
        case ["version"]:
            return ["--version"]
        case ["help"]:
            return ["--help"]
        case ["help", verb, *_]:
            return [verb, "--help"]
        case _:
            return words


def _split(words: list[str]) -> tuple[list[str], list[str] | None]:
    """Part our own words from the command after ``--``.

    Otherwise argparse would take its dashes for options of ours.
    """
    if "--" not in words:
        return words, None
    at = words.index("--")
    return words[:at], words[at + 1 :]
