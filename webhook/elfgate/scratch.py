"""A folder for a while. A run that is killed leaves it, and the next run removes it.

Who uses a folder holds its lock (flock(2)), which ends with the process, however that ends.
"""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_PREFIX = "elfgate-scratch-"
_YOUNG_SECONDS = 60.0  # in which a folder that has just been made is locked


class Scratch:
    """An empty folder in the system's place for such; a context manager.

    Attributes:
        path: The folder.
    """

    def __init__(self) -> None:
        _sweep(Path(tempfile.gettempdir()))
        self._folder = tempfile.TemporaryDirectory(prefix=_PREFIX)
        self.path = Path(self._folder.name)
        self._lock = _locked(self.path)

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _sweep(place: Path) -> None:
    """Remove the folders of runs that have ended."""
    for folder in place.glob(f"{_PREFIX}*"):
        if not _is_old(folder):
            continue
        lock = _locked(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _is_old(folder: Path) -> bool:
    try:
        return time.time() - folder.lstat().st_mtime > _YOUNG_SECONDS
    except OSError:  # another run removes it
        return False


def _locked(folder: Path) -> int | None:
    """An open folder that nobody else uses; None if somebody does, or it cannot be had."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        return None
    return opened
