"""How a command line ends that cannot go on: one line for a person, and an exit code."""

import errno
import os
import sys
from collections.abc import Sequence

from elfgate.errors import REPORT, ElfgateError, UnreadableError

INTERRUPTED = 130  # 128 and the signal's number, as shells tell it
UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # where output goes
_PACKAGE = f"{os.sep}elfgate{os.sep}"


def open_closed() -> None:
    """Open what the caller has closed (``>&-``): another file would get its number, and our words."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def ended(verb: str, error: BaseException, words: Sequence[str] = ()) -> int:
    """Say why a verb ends, and return the exit code.

    Args:
        verb: Which.
        error: Why.
        words: Its arguments.
    """
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):  # the reader of our output has gone, as `| head` does
        _drop_output()
        return 141
    code, told = _told(error)
    if isinstance(error, UnreadableError) and not error.hint:
        told += _of_a_file(words)
    sys.stderr.write(f"elfgate {verb}: {told}\n")
    return code


def _of_a_file(words: Sequence[str]) -> str:
    """A hint, if an image's name is that of a file here: whoever wrote it may have meant that."""
    for word in words:
        if not set(word) & set("/:") and os.path.isfile(word):  # noqa: PTH113 - imports no pathlib
            return f": for the file {word} here, write docker-archive:{word} or oci-archive:{word}"
    return ""


def _told(error: BaseException) -> tuple[int, str]:
    if isinstance(error, ElfgateError):
        return error.exit_code, str(error)
    if isinstance(error, OSError) and error.filename is not None:
        from elfgate.printable import printable

        return 2, f"{printable(os.fsdecode(error.filename))}: {error.strerror}"
    if isinstance(error, OSError) and error.errno in _FULL:
        _drop_output()
        return 2, f"cannot write: {error.strerror}"
    return UNEXPECTED, unexpected(error)


def _drop_output() -> None:
    """Have nothing that is still to be written go to a place that takes nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def unexpected(error: BaseException) -> str:
    """One line of an error that nobody expected.

    What, where in the code, and where to report it.
    """
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _PACKAGE in frame.filename] or frames
    place = f" at {ours[-1].filename.rpartition(_PACKAGE)[2]}:{ours[-1].lineno}" if ours else ""
    text = " ".join(str(error).split())[:500]
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"unexpected error, which is a bug: {what}{place} (please report it: {REPORT})"
