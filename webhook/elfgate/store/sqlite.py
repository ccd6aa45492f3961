"""Facts in one SQLite file, shared by the threads and processes of a machine.

Facts are a cache: losing one costs time, never truth. So a file that cannot be *opened* is an error
to say at once, but one that fails later (locked for long, disk full, damaged) is a store that keeps
nothing: reads miss, writes are dropped, and each failure is counted (``failures`` in
``statistics``); each kind is logged once. A review is never lost to its cache. A file that proves
damaged is moved aside, and a new one is begun (``sqlite_file``).
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from elfgate.store.protocol import Kind, StoreError
from elfgate.store.sqlite_file import SqliteFile
from elfgate.store.sqlite_schema import writing
from elfgate.store.sqlite_worth import bytes_used, drop_least_worth, drop_unused, note_image

DEFAULT_MAX_BYTES = 1 << 30

_COARSENESS = 3600 * 10**9  # ns; how old "last used" may be, so that looking seldom writes
_MOST_TAGS = 256  # kept of one repository
_PRUNED_TO = 0.9  # of the size cap, so that pruning is rare


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
        self._file = SqliteFile(path, on_failure=on_failure, read_only=read_only)
        self._max_bytes = max_bytes

    def get(self, kind: Kind, digest: str) -> bytes | None:
        """The fact, or None; its use is noted."""

        def question(connection: sqlite3.Connection) -> tuple[object] | None:
            row: tuple[Any, ...] | None = connection.execute(
                "SELECT value.bytes, fact.id, used FROM fact JOIN value USING (id) WHERE "
                "kind = ? AND digest = ?",
                (kind.value, digest),
            ).fetchone()
            if row is None:
                return None
            self._note_use(connection, *row[1:])
            return row[:1]

        found = self._file.read(question, None)
        if found is None:
            return None
        (value,) = found
        return value if isinstance(value, bytes) else b""  # what is of another type is damaged

    def put(self, kind: Kind, digest: str, value: bytes) -> None:
        """Keep a fact, in place of one that is there; room is made for it if need be."""

        def change(connection: sqlite3.Connection) -> None:
            with writing(connection):
                _put(connection, kind, digest, value)
            if bytes_used(connection) > self._max_bytes:
                drop_least_worth(connection, to_bytes=int(self._max_bytes * _PRUNED_TO))

        self._file.write(change)

    def share(self, layer: str, image: str) -> None:
        """Note a layer of an image. The same once more is noted once an hour."""
        self._file.write(
            lambda connection: note_image(connection, layer, image, coarseness=_COARSENESS)
        )

    def tag(self, repository: str, tag: str, digest: str) -> None:
        """Note where a tag points. A sight that brings nothing new is noted once an hour."""
        now = time.time_ns()

        def change(connection: sqlite3.Connection) -> None:
            known = connection.execute(
                "SELECT 1 FROM tag WHERE repository = ? AND tag = ? AND digest = ? AND seen > ?",
                (repository, tag, digest, now - _COARSENESS),
            ).fetchone()
            if known is None:
                _note_tag(connection, repository, tag, digest, now)

        self._file.write(change)

    def tags(self, repository: str, limit: int = 16) -> Sequence[tuple[str, str]]:
        """The tags seen of a repository as (tag, digest), the latest first."""
        rows = self._page(
            "SELECT tag, digest FROM tag WHERE repository = ? ORDER BY seen DESC LIMIT ?",
            repository,
            limit,
        )
        return _sound(rows, str, str)

    def repositories(self) -> Iterator[str]:
        """Every repository of which a tag was seen, in alphabetical order."""
        after = ""
        while names := self._page(
            "SELECT DISTINCT repository FROM tag WHERE repository > ? ORDER BY 1 LIMIT 500", after
        ):
            yield from (name for (name,) in _sound(names, str))
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
            yield from _sound(page, str, bytes)
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
            with self._file.connection() as connection:
                dropped = 0
                if unused_seconds is not None:
                    before = time.time_ns() - int(unused_seconds * 1e9)
                    dropped += drop_unused(connection, before=before)
                if to_bytes is not None:
                    dropped += drop_least_worth(connection, to_bytes=to_bytes)
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise StoreError(f"the store {self._file.path} cannot be pruned: {error}") from error
        return dropped

    def statistics(self) -> Mapping[str, int]:
        """Counts, bytes in use, and ``failures`` since it was opened.

        All zero but the last if it cannot be read.
        """
        nothing = {"layers": 0, "documents": 0, "tags": 0, "bytes": 0}
        counts = self._file.read(_counts, nothing)
        return counts | {"failures": self._file.failures}

    def close(self) -> None:
        """Close every connection; one that is in use closes when it is done."""
        self._file.close()

    def _prune(self, connection: sqlite3.Connection) -> None:
        """Bring the file below its cap, if it is above."""
        if bytes_used(connection) > self._max_bytes:
            drop_least_worth(connection, to_bytes=int(self._max_bytes * _PRUNED_TO))

    def _note_use(self, connection: sqlite3.Connection, fact: int, used: object) -> None:
        """Note that a fact is used now; if another process writes, a later use is noted instead."""
        if isinstance(used, int) and time.time_ns() - used <= _COARSENESS:
            return
        noted = "UPDATE fact SET used = ? WHERE id = ?"
        self._file.write_at_once(connection, noted, time.time_ns(), fact)

    def _page(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        return self._file.read(
            lambda connection: connection.execute(question, values).fetchall(), []
        )


def _sound(rows: Sequence[tuple[Any, ...]], *kinds: type) -> list[tuple[Any, ...]]:
    """The rows whose values are of the types that were written; others are damaged."""
    return [row for row in rows if all(map(isinstance, row, kinds))]


def _counts(connection: sqlite3.Connection) -> dict[str, int]:
    kinds = dict(connection.execute("SELECT kind, count(*) FROM fact GROUP BY kind"))
    return {
        "layers": kinds.get(Kind.LAYER.value, 0),
        "documents": kinds.get(Kind.DOCUMENT.value, 0),
        "tags": connection.execute("SELECT count(*) FROM tag").fetchone()[0],
        "bytes": bytes_used(connection),
    }


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
