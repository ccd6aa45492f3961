"""Whatever state a store's file is in, it costs one warning and no verdict."""

import logging
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from elfgate.store import sqlite_schema
from elfgate.store.memory import MemoryStore
from elfgate.store.near import file_store, near_store
from elfgate.store.protocol import Kind, Store, StoreError
from elfgate.store.sqlite import SqliteStore

DIGEST = "sha256:" + "a" * 64


def opened(path: Path | None) -> Store:
    return near_store(path, max_bytes=1 << 20)


def works(store: Store) -> bool:
    store.put(Kind.LAYER, DIGEST, b"index")
    return store.get(Kind.LAYER, DIGEST) == b"index"


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    "content", [b"not a database, but rather long" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_file_that_is_no_database_is_moved_aside(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "facts.db"
    path.write_bytes(content)
    for _ in range(2):  # the second time it is sound
        with closing(opened(path)) as store:
            assert isinstance(store, SqliteStore)
            assert works(store)
    assert (tmp_path / "facts.db.damaged-1").read_bytes() == content
    assert len(warnings(caplog)) == 1


@pytest.mark.parametrize("statement", ["DROP TABLE fact", "PRAGMA user_version = 1"])
def test_a_file_whose_tables_are_not_its_version_s_is_moved_aside(
    tmp_path: Path, statement: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "facts.db"
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute(statement)
    with closing(opened(path)) as store:
        store.get(Kind.LAYER, DIGEST)
        assert works(store)
    (warning,) = warnings(caplog)
    assert warning.endswith(f"; the file is moved aside, to {path}.damaged-1")


def test_a_process_that_opened_it_before_goes_on_with_the_new_file(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    with closing(SqliteStore(path)) as first:
        assert works(first)
        path.rename(tmp_path / "gone")
        path.write_bytes(b"no database at all" * 100)
        with closing(opened(path)) as second:
            assert works(second)
            assert works(first)
    assert sorted(found.name for found in tmp_path.glob("*damaged*")) == ["facts.db.damaged-1"]


@pytest.mark.parametrize("wrong", ["theirs", "newer", "folder"])
def test_where_no_file_is_to_be_had_facts_are_kept_in_memory(
    tmp_path: Path, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "facts.db"
    if wrong == "folder":
        path.mkdir()
    else:
        SqliteStore(path).close() if wrong == "newer" else None
        with closing(sqlite3.connect(path)) as other:
            statement = {"theirs": "CREATE TABLE x (y)", "newer": "PRAGMA user_version = 99"}
            other.execute(statement[wrong])
    with closing(opened(path)) as store:
        assert isinstance(store, MemoryStore)
        assert works(store)
    assert len(warnings(caplog)) == 1
    assert list(tmp_path.glob("*damaged*")) == []


def test_without_a_place_facts_are_kept_in_memory() -> None:
    with closing(opened(None)) as store:
        assert works(store)


@pytest.fixture
def media(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, which can be made read-only or be full."""
    folder = tmp_path / "media"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_file_on_read_only_media_is_read(media: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(SqliteStore(media / "facts.db")) as store:
        assert works(store)
    subprocess.run(["mount", "-o", "remount,ro", str(media)], check=True)
    with closing(opened(media / "facts.db")) as store:
        assert store.get(Kind.LAYER, DIGEST) == b"index"
        store.put(Kind.DOCUMENT, DIGEST, b"more")
        store.tag("example/app", "1", DIGEST)
        assert store.get(Kind.DOCUMENT, DIGEST) is None
        assert store.statistics()["failures"] == 0
    with closing(opened(media / "none" / "facts.db")) as store:
        assert works(store)
    assert len(warnings(caplog)) == 2


def test_who_has_to_write_has_no_use_for_a_file_that_is_only_read(media: Path) -> None:
    path = media / "facts.db"
    SqliteStore(path).close()
    subprocess.run(["mount", "-o", "remount,ro", str(media)], check=True)
    with closing(file_store(path)) as store:
        assert not store.statistics()["layers"]
    with pytest.raises(StoreError, match=r"facts\.db cannot be opened"):
        file_store(path, writable=True)


def test_a_full_disk_is_said_once(media: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(opened(media / "facts.db")) as store:
        for number in range(20):
            store.put(Kind.LAYER, f"sha256:{number:064x}", os.urandom(200_000))
        assert store.statistics()["failures"] > 1
    assert len(warnings(caplog)) == 1


def test_a_lock_is_waited_for_in_vain_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_schema, "_BUSY_SECONDS", 0.3)
    with closing(opened(tmp_path / "facts.db")) as store:
        assert works(store)
        with closing(sqlite3.connect(tmp_path / "facts.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            seconds = []
            for number in range(10):
                begun = time.monotonic()
                store.put(Kind.DOCUMENT, f"sha256:{number:064x}", b"")
                seconds.append(time.monotonic() - begun)
            assert min(seconds[1:]) < seconds[0] / 2  # a ratio: only the first one waits
            other.execute("ROLLBACK")
        assert store.statistics()["failures"] == 10


def test_tags_take_a_part_of_the_room_only() -> None:
    with closing(MemoryStore(max_bytes=80_000)) as store:
        for repository in range(100):
            for tag in range(10):
                store.tag(f"registry.example/{repository}", f"v{tag}", "sha256:1")
                store.tag(f"registry.example/{repository}", f"v{tag}", "sha256:2")
        assert 0 < store.statistics()["bytes"] <= 10_000
        assert [name for name, _ in store.tags("registry.example/99")][:2] == ["v9", "v8"]
        assert not store.tags("registry.example/0")


@pytest.mark.parametrize(
    "place",
    ["/dev/null", "/dev/full", "/dev/null/elfgate/facts.db", "/proc/facts.db", f"/tmp/{'a' * 300}"],
)
def test_a_place_that_holds_no_file_costs_one_plain_warning(
    place: str, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(opened(Path(place))) as store:
        assert works(store)
    (warning,) = warnings(caplog)
    assert warning.startswith(f"the store {place} cannot be opened: ")
    assert "Errno" not in warning


def test_a_link_that_leads_nowhere_or_round_costs_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "gone.db").symlink_to("nowhere/facts.db")
    (tmp_path / "round.db").symlink_to("round.db")
    os.mkfifo(tmp_path / "queue.db")
    for name in ("gone.db", "round.db", "queue.db"):
        with closing(opened(tmp_path / name)) as store:
            assert works(store)
    assert len(warnings(caplog)) == 3
