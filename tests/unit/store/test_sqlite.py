"""What is particular to the store in a SQLite file."""

import multiprocessing
import multiprocessing.queues
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from elfgate.store import sqlite, sqlite_schema
from elfgate.store.protocol import Kind, StoreError
from elfgate.store.sqlite import SqliteStore


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def test_a_folder_is_made_for_the_file(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "cache" / "elfgate" / "facts.db")) as store:
        store.put(Kind.LAYER, digest(1), b"index")
    assert (tmp_path / "cache" / "elfgate" / "facts.db").stat().st_size > 0


def test_the_facts_used_longest_ago_go_when_the_file_is_full(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "facts.db", max_bytes=2_000_000)) as store:
        for number in range(300):
            store.put(Kind.LAYER, digest(number), bytes(20_000))
        assert store.get(Kind.LAYER, digest(0)) is None
        assert store.get(Kind.LAYER, digest(299)) == bytes(20_000)
        assert store.statistics()["bytes"] < 2_100_000
    assert (tmp_path / "facts.db").stat().st_size < 4_000_000


def test_a_fact_that_is_used_outlives_one_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_COARSENESS", 0)
    with closing(SqliteStore(tmp_path / "facts.db", max_bytes=2_000_000)) as store:
        for number in range(300):
            store.put(Kind.LAYER, digest(number), bytes(20_000))
            store.get(Kind.LAYER, digest(0))
        assert store.get(Kind.LAYER, digest(0)) == bytes(20_000)
        assert store.get(Kind.LAYER, digest(1)) is None


def test_reading_does_not_write_within_the_hour(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "facts.db")) as store:
        store.put(Kind.LAYER, digest(1), b"index")
        with closing(sqlite3.connect(tmp_path / "facts.db")) as watcher:
            before = watcher.execute("PRAGMA data_version").fetchone()
            store.get(Kind.LAYER, digest(1))
            assert watcher.execute("PRAGMA data_version").fetchone() == before


def test_a_locked_store_reads_on_and_drops_what_it_cannot_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite_schema, "_BUSY_SECONDS", 0.01)
    with closing(SqliteStore(tmp_path / "facts.db")) as store:
        store.put(Kind.LAYER, digest(1), b"index")
        with closing(sqlite3.connect(tmp_path / "facts.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            store.put(Kind.LAYER, digest(2), b"index")
            assert store.get(Kind.LAYER, digest(1)) == b"index"
            other.execute("ROLLBACK")
        assert store.get(Kind.LAYER, digest(2)) is None
        assert store.statistics()["failures"] == 1
        assert "locked" in caplog.text
        store.put(Kind.LAYER, digest(2), b"index")
        assert store.get(Kind.LAYER, digest(2)) == b"index"


def _last_use(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT used FROM fact").fetchone()[0])


def _age(path: Path) -> None:
    """Have every fact look as if it was last used long ago, so that its next use is to be noted."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE fact SET used = 0")


def test_a_fact_whose_use_cannot_be_noted_is_had_all_the_same_and_at_once(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    with closing(SqliteStore(path)) as store:
        store.put(Kind.LAYER, digest(1), b"index")
        _age(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            before = time.monotonic()
            assert store.get(Kind.LAYER, digest(1)) == b"index"
            assert time.monotonic() - before < sqlite_schema._BUSY_SECONDS / 2
            other.execute("ROLLBACK")
        assert store.statistics()["failures"] == 0
        assert _last_use(path) == 0
        store.get(Kind.LAYER, digest(1))
        assert _last_use(path) > 0


def test_writing_still_waits_for_the_lock_after_a_use_was_noted(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    with closing(SqliteStore(path)) as store:
        store.put(Kind.LAYER, digest(1), b"index")
        _age(path)
        store.get(Kind.LAYER, digest(1))
        [(_, connection)] = store._file._idle
        assert connection.execute("PRAGMA busy_timeout").fetchone() == (
            int(sqlite_schema._BUSY_SECONDS * 1000),
        )


def test_a_fact_is_had_from_a_file_that_cannot_be_written_and_the_failure_counts(
    tmp_path: Path,
) -> None:
    path = tmp_path / "facts.db"
    with closing(SqliteStore(path)) as store:
        store.put(Kind.LAYER, digest(1), b"index")
        _age(path)
        store._file._idle[-1][1].execute(
            "PRAGMA query_only = ON"
        )  # SQLite's own way to refuse writes: SQLITE_READONLY
        assert store.get(Kind.LAYER, digest(1)) == b"index"
        assert store.statistics()["failures"] == 1


def test_a_full_disk_loses_facts_and_nothing_else(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "facts.db")) as store:
        store.put(Kind.LAYER, digest(1), b"index")
        # SQLite's own way to say that the file may not grow: the same SQLITE_FULL as a full disk's.
        store._file._idle[-1][1].execute("PRAGMA max_page_count = 1")
        store.put(Kind.LAYER, digest(2), bytes(1_000_000))
        assert store.get(Kind.LAYER, digest(2)) is None
        assert store.get(Kind.LAYER, digest(1)) == b"index"
        assert store.statistics()["failures"] == 1


@pytest.mark.parametrize("damaged", ["x'ff00'", "CAST(x'ff' AS TEXT)"])
@pytest.mark.parametrize("column", ["repository", "tag", "digest"])
def test_a_damaged_row_is_passed_over_and_those_beside_it_are_told(
    column: str, damaged: str, tmp_path: Path
) -> None:
    path = tmp_path / "facts.db"
    with closing(SqliteStore(path)) as store:
        store.tag("app", "2", digest(2))
        store.tag("app", "1", digest(1))
        with closing(sqlite3.connect(path)) as other, other:
            other.execute(f"UPDATE tag SET {column} = {damaged} WHERE tag = '1'")  # noqa: S608
        assert store.tags("app") == [("2", digest(2))]
        assert list(store.repositories()) == ["app"]


@pytest.mark.parametrize(
    "damage",
    ["UPDATE fact SET digest = x'ff' WHERE id = 1", "UPDATE value SET bytes = 'text' WHERE id = 1"],
)
def test_a_damaged_fact_is_not_exported(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    with closing(SqliteStore(path)) as store:
        store.put(Kind.LAYER, digest(1), b"one")
        store.put(Kind.LAYER, digest(2), b"two")
        with closing(sqlite3.connect(path)) as other, other:
            other.execute(damage)
        assert list(store.facts(Kind.LAYER)) == [(digest(2), b"two")]


def test_a_damaged_file_is_moved_aside_when_that_shows_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "facts.db"
    with closing(SqliteStore(path)) as store:
        for number in range(100):
            store.put(Kind.LAYER, digest(number), bytes(5_000))
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    with closing(SqliteStore(path)) as store:
        assert store.get(Kind.LAYER, digest(1)) is None
        assert store.statistics()["failures"] == 1
        store.put(Kind.LAYER, digest(1), b"index")
        assert store.get(Kind.LAYER, digest(1)) == b"index"
    aside = tmp_path / "facts.db.damaged-1"
    assert aside.read_bytes() == content
    (warning,) = caplog.messages
    assert warning == (
        f"store {path}: cannot read: database disk image is malformed; "
        f"the file is moved aside, to {aside}"
    )


@pytest.mark.parametrize(
    "content", [b"not a database, but rather long" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "facts.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"facts\.db cannot be opened"):
        SqliteStore(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "facts.db")) as other:
        other.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreError, match="another program's"):
        SqliteStore(tmp_path / "facts.db")


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "facts.db").close()
    with closing(sqlite3.connect(tmp_path / "facts.db")) as newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer elfgate"):
        SqliteStore(tmp_path / "facts.db")


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be opened"):
        SqliteStore(tmp_path / "file" / "facts.db")


def test_a_file_that_another_process_is_just_making_is_not_taken_for_someone_elses(
    tmp_path: Path,
) -> None:
    path = tmp_path / "facts.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as slow:
        slow.execute("PRAGMA journal_mode = WAL")

        def overtake(statement: str) -> None:
            if statement == "PRAGMA user_version":
                slow.set_trace_callback(None)
                SqliteStore(path).close()

        slow.set_trace_callback(overtake)
        sqlite_schema.migrate(slow, path)
        assert slow.execute("SELECT count(*) FROM fact").fetchone() == (0,)


def _put_until_killed(path: Path, put: "multiprocessing.queues.Queue[int]") -> None:
    store = SqliteStore(path)
    for number in range(1_000_000):
        store.put(Kind.LAYER, digest(number), bytes(3_000))
        put.put(number)


def test_a_process_that_is_killed_while_writing_spoils_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    put: multiprocessing.queues.Queue[int] = context.Queue()
    process = context.Process(
        target=_put_until_killed, args=(tmp_path / "facts.db", put), daemon=True
    )
    process.start()
    last = max(put.get(timeout=60) for _ in range(50))
    process.kill()
    process.join()
    with closing(sqlite3.connect(tmp_path / "facts.db")) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with closing(SqliteStore(tmp_path / "facts.db")) as store:
        assert all(
            store.get(Kind.LAYER, digest(number)) == bytes(3_000) for number in range(last + 1)
        )
        store.put(Kind.LAYER, digest(2_000_000), b"index")
        assert store.get(Kind.LAYER, digest(2_000_000)) == b"index"
        assert store.statistics()["failures"] == 0


def test_pruning_drops_what_was_not_used_for_long_and_gives_its_room_back(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    with closing(SqliteStore(path)) as store:
        for number in range(100):
            store.put(Kind.LAYER, digest(number), bytes(20_000))
        with closing(sqlite3.connect(path)) as file:
            file.execute("UPDATE fact SET used = used - 10 * 3600 * 1000000000 WHERE id <= 60")
            file.commit()
        assert store.prune(unused_seconds=5 * 3600) == 60
        assert store.statistics()["layers"] == 40
        assert store.prune(to_bytes=500_000) > 0
        assert store.prune(to_bytes=0) > 0
        assert store.statistics()["layers"] == 0
    assert path.stat().st_size < 100_000


def _fill(path: Path, first: int) -> None:
    with closing(SqliteStore(path)) as store:
        for number in range(first, first + 25):
            store.put(Kind.LAYER, digest(number), b"index")


def test_processes_that_open_a_new_file_at_once_share_it(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_fill, args=(path, 25 * number)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with closing(SqliteStore(path)) as store:
        assert store.statistics()["layers"] == 75


def test_a_file_that_is_removed_is_begun_anew(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "facts.db")) as store:
        store.put(Kind.LAYER, "sha256:1", b"one")
        for path in tmp_path.iterdir():
            path.unlink()
        assert store.get(Kind.LAYER, "sha256:1") is None
        store.put(Kind.LAYER, "sha256:2", b"two")
        assert store.get(Kind.LAYER, "sha256:2") == b"two"
        assert store.statistics()["failures"] == 0
    with closing(SqliteStore(tmp_path / "facts.db")) as store:  # it is on the disk
        assert store.get(Kind.LAYER, "sha256:2") == b"two"


def test_a_log_that_is_left_of_a_removed_file_is_not_taken_for_the_new_one_s(
    tmp_path: Path,
) -> None:
    with closing(SqliteStore(tmp_path / "facts.db")) as store:
        store.put(Kind.LAYER, "sha256:1", b"one")
        (tmp_path / "facts.db").unlink()
        assert store.get(Kind.LAYER, "sha256:1") is None
        assert store.statistics()["failures"] == 0
