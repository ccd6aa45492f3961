"""Facts in one SQLite file, shared by the threads and processes of a machine.

Facts are a cache: losing one costs time, never truth. So a file that cannot be *opened* is an error
to say at once, but one that fails later (locked for long, disk full, damaged) is a store that keeps
nothing: reads miss, writes are dropped, and each failure is counted (``failures`` in
``statistics``); each kind is logged once. A review is never lost to its cache. A file that proves
damaged is moved aside, and a new one is begun.

Open it after forking: SQLite's connections must not be carried into a child.
"""

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from elfgate.store.aside import is_damage, move_aside
from elfgate.store.protocol import Kind, StoreError
from elfgate.store.sqlite_schema import connect, migrate, not_waiting, writing
from elfgate.store.sqlite_worth import bytes_used, drop_least_worth, drop_unused, note_image

DEFAULT_MAX_BYTES = 1 << 30

_File = tuple[int, int] | None  # device and inode

_LOG = logging.getLogger(__name__)
_COARSENESS = (
    3600 * 10**9
)  # ns; how old "last used" and "last seen" may be, so that looking seldom writes
_MOST_TAGS = 256  # kept of one repository
_PRUNED_TO = 0.9  # of the size cap, so that pruning is rare
_PRIMARY = 0xFF  # the part of an error's code that names its class
_HURRY_SECONDS = 30.0  # for which a lock is not waited for, once that was in vain


class SqliteStore:
    """A ``Store`` in a file.

    Args:
        path: The file; it and its folder are made if they are missing.
        max_bytes: How large it may grow; the facts that were used longest ago go first, layers that
            images share a day later for each of these.
        on_failure: Told of each read or write that fails, from any thread, with ``near``.
        read_only: Read a file on media that nobody writes to; nothing is kept.

    Raises:
        StoreError: if the file cannot be opened, or is not of this program, or of a newer version
            of it.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        on_failure: Callable[[str], None] = lambda _: None,
        read_only: bool = False,
    ) -> None:
        self._path = path
        self._read_only = read_only
        self._hurried_until = 0.0  # a lock that was waited for in vain is not waited for again
        self._said: set[str] = set()
        self._max_bytes = max_bytes
        # Each used by one thread at a time, with the file that it is of; the warmest first.
        self._idle: deque[tuple[_File, sqlite3.Connection]] = deque()
        self._file: _File = None
        self._opening = threading.Lock()
        self._closed = False
        self._failures = 0
        self._on_failure = on_failure
        try:
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._open()
        except StoreError:
            self.close()
            raise
        except (sqlite3.Error, OSError) as error:
            self.close()
            why = getattr(error, "strerror", None) or error
            raise StoreError(
                f"the store {path} cannot be opened: {why}",
                hint="it is a cache: it may be removed",
            ) from error

    def get(self, kind: Kind, digest: str) -> bytes | None:
        """The fact, or None; its use is noted."""
        try:
            with self._connection() as connection:
                row = connection.execute(
                    "SELECT value.bytes, fact.id, used FROM fact JOIN value USING (id) WHERE "
                    "kind = ? AND digest = ?",
                    (kind.value, digest),
                ).fetchone()
                if row is None:
                    return None
                value, fact, used = row
                if not isinstance(used, int) or time.time_ns() - used > _COARSENESS:
                    self._note_use(connection, fact)
        except sqlite3.Error as error:
            self._failed("read", error)
            return None
        return value if isinstance(value, bytes) else b""  # what is of another type is damaged

    def put(self, kind: Kind, digest: str, value: bytes) -> None:
        """Keep a fact, in place of one that is there; room is made for it if need be."""
        if self._closed or self._read_only:
            return
        try:
            with self._connection() as connection, self._patience(connection):
                with writing(connection):
                    _put(connection, kind, digest, value)
                self._prune(connection)
        except sqlite3.Error as error:
            self._failed("write", error)

    def share(self, layer: str, image: str) -> None:
        """Note a layer of an image. The same once more is noted once an hour."""
        if self._closed or self._read_only:
            return
        try:
            with self._connection() as connection, self._patience(connection):
                note_image(connection, layer, image, coarseness=_COARSENESS)
        except sqlite3.Error as error:
            self._failed("write", error)

    def tag(self, repository: str, tag: str, digest: str) -> None:
        """Note where a tag points. A sight that brings nothing new is noted once an hour."""
        if self._closed or self._read_only:
            return
        now = time.time_ns()
        try:
            with self._connection() as connection, self._patience(connection):
                known = connection.execute(
                    "SELECT 1 FROM tag WHERE repository = ? AND tag = ? AND digest = ? AND seen "
                    "> ?",
                    (repository, tag, digest, now - _COARSENESS),
                ).fetchone()
                if known is None:
                    _note_tag(connection, repository, tag, digest, now)
        except sqlite3.Error as error:
            self._failed("write", error)

    def tags(self, repository: str, limit: int = 16) -> Sequence[tuple[str, str]]:
        """The tags seen of a repository as (tag, digest), the latest first."""
        try:
            with self._connection() as connection:
                return connection.execute(
                    "SELECT tag, digest FROM tag WHERE repository = ? ORDER BY seen DESC LIMIT ?",
                    (repository, limit),
                ).fetchall()
        except sqlite3.Error as error:
            self._failed("read", error)
            return ()

    def repositories(self) -> Iterator[str]:
        """Every repository of which a tag was seen, in alphabetical order."""
        after = ""
        while names := self._page(
            "SELECT DISTINCT repository FROM tag WHERE repository > ? ORDER BY 1 LIMIT 500", after
        ):
            yield from (name for (name,) in names)
            after = names[-1][0]

    def facts(self, kind: Kind) -> Iterator[tuple[str, bytes]]:
        """Every fact of a kind, by digest. Nothing is locked between two pages."""
        after = ""
        while page := self._page(
            "SELECT digest, bytes FROM fact JOIN value USING (id) WHERE kind = ? AND digest > ? "
            "ORDER BY 1 LIMIT 16",
            kind.value,
            after,
        ):
            yield from page
            after = page[-1][0]

    def prune(self, *, to_bytes: int | None = None, unused_seconds: float | None = None) -> int:
        """Drop facts, and give their room back to the disk.

        Args:
            to_bytes: Drop what is worth least until the rest is no larger than this.
            unused_seconds: Drop what was not used for so long (to the hour: uses are noted no
                finer).

        Returns:
            How many facts were dropped.

        Raises:
            StoreError: if the file is locked for long, full or damaged.
        """
        try:
            with self._connection() as connection:
                dropped = 0
                if unused_seconds is not None:
                    before = time.time_ns() - int(unused_seconds * 1e9)
                    dropped += drop_unused(connection, before=before)
                if to_bytes is not None:
                    dropped += drop_least_worth(connection, to_bytes=to_bytes)
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise StoreError(f"the store {self._path} cannot be pruned: {error}") from error
        return dropped

    def statistics(self) -> Mapping[str, int]:
        """Counts, bytes in use, and ``failures`` since it was opened.

        All zero but the last if it cannot be read.
        """
        counts = {"layers": 0, "documents": 0, "tags": 0, "bytes": 0}
        try:
            with self._connection() as connection:
                kinds = dict(connection.execute("SELECT kind, count(*) FROM fact GROUP BY kind"))
                counts["layers"] = kinds.get(Kind.LAYER.value, 0)
                counts["documents"] = kinds.get(Kind.DOCUMENT.value, 0)
                counts["tags"] = connection.execute("SELECT count(*) FROM tag").fetchone()[0]
                counts["bytes"] = bytes_used(connection)
        except sqlite3.Error as error:
            self._failed("read", error)
        return counts | {"failures": self._failures}

    def close(self) -> None:
        """Close every connection; one that is in use closes when it is done."""
        self._closed = True
        while self._idle:
            self._idle.pop()[1].close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if self._closed:
            raise sqlite3.ProgrammingError("it is closed")
        if _file(self._path) != self._file:
            self._open_anew()
        file = self._file
        connection = self._warm(file) or connect(self._path, read_only=self._read_only)
        try:
            yield connection
        finally:
            self._release(file, connection)

    def _warm(self, file: _File) -> sqlite3.Connection | None:
        """A connection that is idle; those of a file that is not there any more are closed."""
        while True:
            try:
                of, connection = self._idle.pop()
            except IndexError:
                return None
            if of == file:
                return connection
            connection.close()

    def _open(self) -> None:
        connection = connect(self._path, read_only=self._read_only)
        try:
            migrate(connection, self._path)
        finally:
            connection.close()
        self._file = _file(self._path)

    def _open_anew(self) -> None:
        """Begin a new file where the old one was removed.

        What is still open of that is on no disk's books any more.
        """
        with self._opening:
            if _file(self._path) == self._file:
                return
            if not self._path.exists():
                for rest in ("-wal", "-shm"):  # they would be taken for the new file's
                    self._path.with_name(self._path.name + rest).unlink(missing_ok=True)
            try:
                self._open()
            except (StoreError, OSError) as error:
                raise sqlite3.OperationalError(f"it cannot be opened anew: {error}") from error

    def _release(self, file: _File, connection: sqlite3.Connection) -> None:
        self._idle.append((file, connection))
        if self._closed:  # by another thread meanwhile
            self.close()

    @contextmanager
    def _patience(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Wait for a lock within this, unless that was in vain lately."""
        hurried = time.monotonic() < self._hurried_until
        try:
            with not_waiting(connection) if hurried else nullcontext():
                yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & _PRIMARY == sqlite3.SQLITE_BUSY:
                self._hurried_until = time.monotonic() + _HURRY_SECONDS
            raise

    def _note_use(self, connection: sqlite3.Connection, fact: int) -> None:
        """Note that a fact is used now.

        If another process holds the lock, a later use is noted instead: whoever reads waits for no
        writer.
        """
        if self._read_only:
            return
        try:
            with not_waiting(connection):
                connection.execute("UPDATE fact SET used = ? WHERE id = ?", (time.time_ns(), fact))
        except sqlite3.Error as error:
            if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY:
                self._failed("write", error)

    def _prune(self, connection: sqlite3.Connection) -> None:
        """Bring the file below its cap, if it is above."""
        if bytes_used(connection) > self._max_bytes:
            drop_least_worth(connection, to_bytes=int(self._max_bytes * _PRUNED_TO))

    def _page(self, question: str, *values: str) -> list[tuple[Any, ...]]:
        try:
            with self._connection() as connection:
                return connection.execute(question, values).fetchall()
        except sqlite3.Error as error:
            self._failed("read", error)
            return []

    def _failed(self, what: str, error: sqlite3.Error) -> None:
        """Count a failure; each kind is said once."""
        self._failures += 1
        self._on_failure("near")
        line = f"store {self._path}: cannot {what}: {error}"
        _LOG.log(logging.DEBUG if line in self._said else logging.WARNING, "%s", line)
        self._said.add(line)
        ours = not self._read_only and _file(self._path) == self._file
        if is_damage(error) and ours and (aside := move_aside(self._path)):
            _LOG.warning("store %s: it is moved aside, to %s", self._path, aside)


def _put(connection: sqlite3.Connection, kind: Kind, digest: str, value: bytes) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO fact (kind, digest, used) VALUES (?, ?, ?)",
        (kind.value, digest, time.time_ns()),
    )
    connection.execute(
        "INSERT OR REPLACE INTO value (id, bytes)"
        " SELECT id, ? FROM fact WHERE kind = ? AND digest = ?",
        (value, kind.value, digest),
    )


def _file(path: Path) -> _File:
    """Which file is there now; None if there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino


def _note_tag(
    connection: sqlite3.Connection, repository: str, tag: str, digest: str, now: int
) -> None:
    with writing(connection):
        connection.execute(
            "INSERT OR REPLACE INTO tag VALUES (?, ?, ?, ?)", (repository, tag, digest, now)
        )
        connection.execute(
            "DELETE FROM tag WHERE repository = ? AND seen <= (SELECT seen FROM tag WHERE "
            "repository = ? ORDER BY seen DESC LIMIT 1 OFFSET ?)",
            (repository, repository, _MOST_TAGS),
        )
