"""Which facts of a SQLite file go first.

The facts that were used longest ago; a layer goes later by a day for each image that shares it, so
that the bases of many images outlive a flood of images that are seen once.
"""

import sqlite3
import time

from elfgate.store.protocol import MOST_IMAGES, Kind
from elfgate.store.sqlite_schema import WORTH, writing

_AT_ONCE = 16  # facts in one transaction, so that nobody waits long for it
_UNUSED = "SELECT id FROM fact WHERE used < ? ORDER BY used LIMIT ?"
_LEAST_WORTH = f"SELECT id FROM fact ORDER BY {WORTH} LIMIT ?"  # noqa: S608 - ours
_STALE = "SELECT 1 FROM fact WHERE kind = ? AND digest = ? AND (image <> ? OR used < ?)"
_NOTE = (
    "UPDATE fact SET used = ?, images = min(images + (image <> ?), ?), image = ? "
    "WHERE kind = ? AND digest = ?"
)


def note_image(connection: sqlite3.Connection, layer: str, image: str, *, coarseness: int) -> None:
    """Note that a layer is part of an image.

    Args:
        connection: The file.
        layer: The digest of the layer's fact.
        image: The digest of the image's manifest.
        coarseness: How old the note of the same image may be (ns), so that looking seldom writes.
    """
    fact, now = (Kind.LAYER.value, layer), time.time_ns()
    if connection.execute(_STALE, (*fact, image, now - coarseness)).fetchone():
        connection.execute(_NOTE, (now, image, MOST_IMAGES, image, *fact))


def drop_unused(connection: sqlite3.Connection, *, before: int) -> int:
    """Drop the facts that were used before a time (ns) only; return how many."""
    dropped = 0
    while count := _drop(connection, _UNUSED, before):
        dropped += count
    return dropped


def drop_least_worth(connection: sqlite3.Connection, *, to_bytes: int) -> int:
    """Drop facts until the rest is no larger than some bytes; return how many."""
    dropped = 0
    while bytes_used(connection) > to_bytes and (count := _drop(connection, _LEAST_WORTH)):
        dropped += count
    return dropped


def bytes_used(connection: sqlite3.Connection) -> int:
    """Bytes of the file that hold something."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _drop(connection: sqlite3.Connection, question: str, *values: int) -> int:
    """Drop some of the facts that a question names, in one transaction; return how many."""
    with writing(connection):
        found = connection.execute(question, (*values, _AT_ONCE)).fetchall()
        connection.executemany("DELETE FROM value WHERE id = ?", found)
        connection.executemany("DELETE FROM fact WHERE id = ?", found)
    return len(found)
