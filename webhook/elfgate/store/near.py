"""The near store, whatever its file's state: facts are a cache, and no verdict waits for one."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from elfgate.store.aside import is_damage, move_aside
from elfgate.store.memory import MemoryStore
from elfgate.store.protocol import Store, StoreError
from elfgate.store.sqlite import DEFAULT_MAX_BYTES, SqliteStore

_LOG = logging.getLogger(__name__)

_READ_ONLY = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})


def near_store(
    path: Path | None, *, max_bytes: int, on_failure: Callable[[str], None] = lambda _: None
) -> Store:
    """Open a file of facts; what cannot be used costs one warning.

    A file that is no database is moved aside. One on read-only media is read. Where there is none
    to be had, facts are kept in memory.

    Args:
        path: The file; None to keep facts in memory.
        max_bytes: How large it may grow.
        on_failure: As the store tells it.
    """
    if path is None:
        return MemoryStore()
    try:
        return file_store(path, max_bytes=max_bytes, on_failure=on_failure)
    except StoreError as error:
        _LOG.warning("%s; facts are kept in memory only", error.message)
        on_failure("near")
        return MemoryStore()


def file_store(
    path: Path,
    *,
    max_bytes: int = DEFAULT_MAX_BYTES,
    on_failure: Callable[[str], None] = lambda _: None,
    writable: bool = False,
) -> SqliteStore:
    """Open a file of facts, if there is one to be had.

    Args:
        path: The file.
        max_bytes: How large it may grow.
        on_failure: As the store tells it.
        writable: One that can only be read is of no use.

    Raises:
        StoreError: if there is none to be had.
    """
    try:
        return SqliteStore(path, max_bytes=max_bytes, on_failure=on_failure)
    except StoreError as error:
        if is_damage(error.__cause__) and (aside := move_aside(path)) is not None:
            _LOG.warning("%s; the file is moved aside, to %s", error.message, aside)
            on_failure("near")
            return SqliteStore(path, max_bytes=max_bytes, on_failure=on_failure)
        if not writable and _is_file(path) and _is_read_only(error.__cause__):
            store = SqliteStore(path, on_failure=on_failure, read_only=True)
            _LOG.warning("%s: it is read, and not written", error.message)
            return store
        raise


def _is_file(path: Path) -> bool:
    """Whether there is a file, as far as a look is allowed."""
    try:
        return path.is_file()
    except OSError:
        return False


def _is_read_only(error: BaseException | None) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _READ_ONLY
