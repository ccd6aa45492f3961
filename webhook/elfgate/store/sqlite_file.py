"""A store's SQLite file: its connections, and what is done when it fails.

A file that was removed is begun anew, and one that proves damaged is moved aside. Each kind of
failure is logged once, and all are counted.

Open it after forking: SQLite's connections must not be carried into a child.
"""

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

from elfgate.store.aside import is_damage, move_aside
from elfgate.store.protocol import StoreError
from elfgate.store.sqlite_schema import connect, migrate, not_waiting

T = TypeVar("T")
_Identity = tuple[int, int] | None  # device and inode

_LOG = logging.getLogger(__name__)
_PRIMARY = 0xFF  # the part of an error's code that names its class
_HURRY_SECONDS = 30.0  # for which a lock is not waited for, once that was in vain


class SqliteFile:
    """The file of a store. Thread-safe.

    Args:
        path: The file; it and its folder are made if they are missing.
        on_failure: Told of each read or write that fails, from any thread, with ``near``.
        read_only: Read a file on media that nobody writes to.

    Attributes:
        path: The file.
        failures: How many reads and writes have failed.

    Raises:
        StoreError: if the file cannot be opened, or is not of this program, or of a newer version
            of it.
    """

    def __init__(
        self, path: Path, *, on_failure: Callable[[str], None], read_only: bool = False
    ) -> None:
        self.path = path
        self.failures = 0
        self._read_only = read_only
        self._on_failure = on_failure
        self._said: set[str] = set()
        self._hurried_until = 0.0  # a lock that was waited for in vain is not waited for again
        # Each used by one thread at a time, with the file that it is of; the warmest first.
        self._idle: deque[tuple[_Identity, sqlite3.Connection]] = deque()
        self._identity: _Identity = None
        self._opening = threading.Lock()
        self._closed = False
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
                hint="a store is a cache: you may remove a damaged one",
            ) from error

    def read(self, question: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Ask the file.

        Args:
            question: Asks a connection.
            otherwise: The answer where that fails.
        """
        try:
            with self.connection() as connection:
                return question(connection)
        except sqlite3.Error as error:
            self._failed("read", error)
            return otherwise

    def write(self, change: Callable[[sqlite3.Connection], object]) -> None:
        """Change the file, if it is written to and can be.

        A lock is waited for, unless that was in vain lately.
        """
        if self._closed or self._read_only:
            return
        try:
            with self.connection() as connection, self._patience(connection):
                change(connection)
        except sqlite3.Error as error:
            self._failed("write", error)

    def write_at_once(
        self, connection: sqlite3.Connection, statement: str, *values: object
    ) -> None:
        """Run a statement that may be left out: it is, where another process holds the lock.

        Whoever reads waits for no writer.
        """
        if self._read_only:
            return
        try:
            with not_waiting(connection):
                connection.execute(statement, values)
        except sqlite3.Error as error:
            if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY:
                self._failed("write", error)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection for one thread.

        Raises:
            sqlite3.Error: if the file cannot be had.
        """
        if self._closed:
            raise sqlite3.ProgrammingError("it is closed")
        if _identity(self.path) != self._identity:
            self._open_anew()
        identity = self._identity
        connection = self._warm(identity) or connect(self.path, read_only=self._read_only)
        try:
            yield connection
        finally:
            self._release(identity, connection)

    def close(self) -> None:
        """Close every connection; one that is in use closes when it is done."""
        self._closed = True
        while self._idle:
            self._idle.pop()[1].close()

    def _warm(self, identity: _Identity) -> sqlite3.Connection | None:
        """A connection that is idle; those of a file that is not there any more are closed."""
        while True:
            try:
                of, connection = self._idle.pop()
            except IndexError:
                return None
            if of == identity:
                return connection
            connection.close()

    def _open(self) -> None:
        connection = connect(self.path, read_only=self._read_only)
        try:
            migrate(connection, self.path)
        finally:
            connection.close()
        self._identity = _identity(self.path)

    def _open_anew(self) -> None:
        """Begin a new file where the old one was removed.

        What is still open of that is on no disk's books any more.
        """
        with self._opening:
            if _identity(self.path) == self._identity:
                return
            if not self.path.exists():
                for rest in ("-wal", "-shm"):  # they would be taken for the new file's
                    self.path.with_name(self.path.name + rest).unlink(missing_ok=True)
            try:
                self._open()
            except (StoreError, OSError) as error:
                raise sqlite3.OperationalError(f"it cannot be opened anew: {error}") from error

    def _release(self, identity: _Identity, connection: sqlite3.Connection) -> None:
        self._idle.append((identity, connection))
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

    def _failed(self, what: str, error: sqlite3.Error) -> None:
        """Count a failure; each kind is said once. A file that is damaged is moved aside."""
        self.failures += 1
        self._on_failure("near")
        line = f"store {self.path}: cannot {what}: {error}"
        is_its_file = not self._read_only and _identity(self.path) == self._identity
        aside = move_aside(self.path) if is_damage(error) and is_its_file else None
        if aside is not None:
            line += f"; the file is moved aside, to {aside}"
        level = logging.DEBUG if line in self._said else logging.WARNING
        _LOG.log(level, "%s", line)
        self._said.add(line)


def _identity(path: Path) -> _Identity:
    """Which file is there now; None if there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino
