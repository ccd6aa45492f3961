"""The SQLite file of a store: its schema, and how it is opened.

Several processes may open a new file at once, and one may open the file of another version of this
program.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from elfgate.store.protocol import StoreError

_APPLICATION_ID = 0x656C6667  # "elfg": tells our files from other programs' databases
_BUSY_SECONDS = 2.0
_CACHE_KIB = 256

# When a fact is due to go if room is needed (ns): each image that shares it is worth a day.
WORTH = f"used + images * {24 * 3600 * 10**9}"

# The steps from each version of the schema to the next; ``PRAGMA user_version`` says how many a
# file has behind it. Nothing newer than SQLite 3.24 is used. A fact's bytes lie apart from it, so
# that noting a use does not write them.
_MIGRATIONS = (
    """
    CREATE TABLE fact (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, digest TEXT NOT NULL, used INTEGER NOT NULL, \
UNIQUE (kind, digest)
    );
    CREATE INDEX fact_by_use ON fact (used);
    CREATE TABLE value (id INTEGER PRIMARY KEY REFERENCES fact (id), bytes BLOB NOT NULL);
    CREATE TABLE tag (
        repository TEXT NOT NULL, tag TEXT NOT NULL, digest TEXT NOT NULL, seen INTEGER NOT NULL,
        PRIMARY KEY (repository, tag)
    ) WITHOUT ROWID;
    CREATE INDEX tag_by_sight ON tag (repository, seen);
    """,
    # How many images share a layer, and which was noted last.
    f"""
    ALTER TABLE fact ADD COLUMN images INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE fact ADD COLUMN image TEXT NOT NULL DEFAULT '';
    CREATE INDEX fact_by_worth ON fact ({WORTH});
    """,
)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Connect to a file, which is made if it is missing; a locked one is waited for, for a while.

    Args:
        path: The file.
        read_only: It is on media that nobody writes to: no lock is taken, and no log is looked for.
    """
    # Autocommit, so that a transaction is where it is written; other threads may use it after this
    # one.
    place = f"file:{quote(str(path))}?immutable=1" if read_only else path
    connection = sqlite3.connect(
        place,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        uri=read_only,
    )
    connection.text_factory = _text
    try:
        # The last transactions may be lost with the power, the file's soundness is not.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(
            f"PRAGMA cache_size = -{_CACHE_KIB}"
        )  # of each connection, of which every thread has one
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _text(raw: bytes) -> str | bytes:
    """A text; the bytes of one that is damaged, so that those beside it can be read."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file to this program's schema; several processes may try at once.

    Raises:
        StoreError: if the file is not of this program, or of a newer version of it.
    """
    with _reading(connection):
        version = _version(connection, path)
    if version == len(_MIGRATIONS):
        return
    _switch_to_wal(connection)
    with writing(connection):
        for step in _MIGRATIONS[_version(connection, path) :]:
            for statement in step.split(";"):  # executescript would commit first
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that has the write lock from its start.

    It so never fails half way for want of it.
    """
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        yield


@contextmanager
def not_waiting(connection: sqlite3.Connection) -> Iterator[None]:
    """Here a locked file is not waited for: a statement that needs the lock fails at once."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_SECONDS * 1000)}")


@contextmanager
def _reading(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction in which every read is of the same moment.

    Other processes may write meanwhile.
    """
    connection.execute("BEGIN")
    with connection:
        yield


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """How many steps the file has behind it.

    Asked within a transaction, as the answers must be of one moment.
    """
    owner, version, tables = (
        connection.execute(question).fetchone()[0]
        for question in (
            "PRAGMA application_id",
            "PRAGMA user_version",
            "SELECT count(*) FROM sqlite_master",
        )
    )
    if owner != _APPLICATION_ID and (owner or version or tables):
        raise StoreError(
            f"the store {path} is another program's database", hint="name another file"
        )
    if version > len(_MIGRATIONS):
        raise StoreError(
            f"the store {path} was written by a newer elfgate",
            hint="remove it, or name another file",
        )
    return int(version)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Readers and a writer do not wait for each other then.

    The switch itself does not wait for locks by itself.
    """
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return
