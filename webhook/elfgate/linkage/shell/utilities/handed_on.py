"""Tools that surely start what they are given: a shell that reads commands, and ``xargs``.

Sources: POSIX.1-2017, sh(1) and xargs(1); ``xargs.c`` of findutils and of busybox, which start
their program once though nothing is read.
"""

import posixpath
import re

from elfgate.linkage.values import Fields, Scalar, Unknown

_SHELLS = frozenset({"sh", "bash", "dash", "ash"})
_OPTIONS = re.compile(r"-[eux]+")
_ALONE = re.compile(r"-[0rtx]+")  # options of xargs without an argument
_ARGUMENT = Unknown("an argument is read from the input")


def handed_on(fields: Fields, text: Scalar | None) -> Fields | None:
    """Give the command that another one surely starts, and whose failure to start is its own.

    Args:
        fields: The words of the other one.
        text: What it can read; None if that is the container's own input.
    """
    known = fields.known
    if not known:
        return None
    name = posixpath.basename(known[0])
    if name in _SHELLS:
        return _read(known, text)
    if name == "xargs":
        return _of_xargs(known[1:], text)
    return None


def _read(words: tuple[str, ...], text: Scalar | None) -> Fields | None:
    """A shell that reads one line.

    Of several, a command on the first may read the others itself.
    """
    if not isinstance(text, str) or not text.strip() or "\n" in text.strip("\n"):
        return None
    options = [word for word in words[1:] if word != "-s"]
    if not all(_OPTIONS.fullmatch(option) for option in options):
        return None
    return Fields((words[0], *options, "-c", text))


def _of_xargs(words: tuple[str, ...], text: Scalar | None) -> Fields | None:
    """The program of ``xargs``: with ``-r``, only if there is something to read."""
    options = [word for word in words if word.startswith("-")]
    if words[: len(options)] != tuple(options) or not all(map(_ALONE.fullmatch, options)):
        return None
    surely = isinstance(text, str) and bool(text.strip())
    if len(options) == len(words) or (not surely and any("r" in option for option in options)):
        return None
    return Fields(words[len(options) :], _ARGUMENT)
