"""A store's file that is damaged: out of the way of a new one, and there to be looked at."""

import sqlite3
from pathlib import Path

_PRIMARY = 0xFF  # the part of an error's code that names its class
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_OTHER_TABLES = ("no such table", "no such column", "duplicate column name")
_MOST = 9  # kept of one store


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite says that a file is no sound database, or lacks what its version has."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & _PRIMARY in _DAMAGE or str(error).startswith(_OTHER_TABLES))


def move_aside(path: Path) -> Path | None:
    """Rename a store's file; what SQLite has beside it goes.

    Returns:
        Its new name; None if it cannot be moved, or was by another process.
    """
    names = (path.with_name(f"{path.name}.damaged-{number}") for number in range(1, _MOST + 1))
    free = next((name for name in names if not name.exists()), None)
    if free is None:
        return None
    try:
        path.rename(free)
        for rest in ("-wal", "-shm"):  # they would be taken for a new file's
            path.with_name(path.name + rest).unlink(missing_ok=True)
    except OSError:
        return None
    return free
