"""Manifests, read by a process beside this one, which imports meanwhile what will judge them.

Each takes about a third of a second for a thousand manifests, and neither needs the other.
"""

import gc
import os
import pickle
import signal
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from elfgate.cli.manifests import manifests
from elfgate.errors import InputError

if TYPE_CHECKING:
    from elfgate.cluster.manifests import Manifest

_MIN_BYTES = 64 << 10  # what is shorter is parsed in less time than a process costs
# pickle calls itself for each level of a value; JSON may have a thousand, as many as Python allows.
_DEPTH = 10_000


@contextmanager
def read_ahead(files: Sequence[str]) -> "Iterator[Iterable[Manifest]]":
    """The objects in the files, as ``manifests`` gives them; read ahead if that pays.

    To be entered before there are threads, which a forked process would be without.

    Args:
        files: Their names.
    """
    forked = _fork() if _pays(files) else None
    if forked is None:
        yield manifests(files)
        return
    child, pipe = forked
    with pipe:
        if child == 0:
            _tell(files, pipe)
        try:
            yield _told(pipe)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _pays(files: Sequence[str]) -> bool:
    return hasattr(os, "fork") and _cores() > 1 and sum(map(_size, files)) >= _MIN_BYTES


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _size(name: str) -> int:
    """How long a file is; what comes through a pipe may be long."""
    try:
        status = os.fstat(0) if name == "-" else Path(name).stat()
    except OSError:
        return 0
    return _MIN_BYTES if stat.S_ISFIFO(status.st_mode) else status.st_size


def _fork() -> tuple[int, BinaryIO] | None:
    """Become two: the process beside (0 in itself), and this one's end of a pipe.

    None if there cannot be another.
    """
    reader, writer = os.pipe()
    try:
        child = os.fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        return None
    os.close(reader if child == 0 else writer)
    return child, os.fdopen(writer, "wb") if child == 0 else os.fdopen(reader, "rb")


def _tell(files: Sequence[str], pipe: BinaryIO) -> NoReturn:
    """Read, tell, and end without what ends a program: that is the other process's."""
    try:
        gc.disable()
        sys.setrecursionlimit(_DEPTH)
        pickle.dump(_outcome(files), pipe, protocol=5)
        pipe.flush()
    finally:
        os._exit(0)


def _outcome(files: Sequence[str]) -> "list[Manifest] | InputError":
    try:
        return list(manifests(files))
    except InputError as error:
        return error


def _told(pipe: BinaryIO) -> "Iterator[Manifest]":
    try:
        outcome = pickle.load(pipe)  # noqa: S301 - from this very program
    except (EOFError, pickle.UnpicklingError) as error:
        raise InputError("the process that reads the manifests ended before it was done") from error
    if isinstance(outcome, InputError):
        raise outcome
    yield from outcome
