"""What every store of facts does."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.store.address import parse
from elfgate.store.memory import MemoryStore
from elfgate.store.protocol import Kind, Store
from elfgate.store.shared import ValkeyStore
from elfgate.store.sqlite import SqliteStore
from support import valkey

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[valkey.Server]:
    with valkey.server(tmp_path_factory.mktemp("v")) as running:
        yield running


@pytest.fixture(params=["sqlite", "shared", "memory"])
def reopened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens the same store again, as another process would."""
    opened: list[Store] = []
    if request.param == "shared":
        with request.getfixturevalue("server").client() as client:
            client.flushall()

    def reopen() -> Store:
        if request.param == "memory" and opened:
            pytest.skip("ends with its process")
        opened.append(_open(request.param, request, tmp_path))
        return opened[-1]

    yield reopen
    for store in opened:
        store.close()


def _open(kind: str, request: pytest.FixtureRequest, folder: Path) -> Store:
    if kind == "sqlite":
        return SqliteStore(folder / "facts.db")
    if kind == "memory":
        return MemoryStore()
    return ValkeyStore(parse(request.getfixturevalue("server").url))


@pytest.fixture
def store(reopened: Callable[[], Store]) -> Store:
    return reopened()


def test_a_fact_comes_back_as_it_was_put(store: Store) -> None:
    store.put(Kind.LAYER, DIGEST, b"\0\xff index")
    assert store.get(Kind.LAYER, DIGEST) == b"\0\xff index"


def test_a_fact_that_was_never_put_is_none(store: Store) -> None:
    assert store.get(Kind.LAYER, DIGEST) is None


def test_kinds_are_kept_apart(store: Store) -> None:
    store.put(Kind.LAYER, DIGEST, b"index")
    assert store.get(Kind.DOCUMENT, DIGEST) is None


def test_an_empty_fact_is_not_a_missing_one(store: Store) -> None:
    store.put(Kind.DOCUMENT, DIGEST, b"")
    assert store.get(Kind.DOCUMENT, DIGEST) == b""


def test_putting_a_fact_again_replaces_one_that_may_be_damaged(store: Store) -> None:
    store.put(Kind.LAYER, DIGEST, b"damaged")
    store.put(Kind.LAYER, DIGEST, b"sound")
    assert store.get(Kind.LAYER, DIGEST) == b"sound"
    assert store.statistics()["layers"] == 1


def test_what_one_puts_another_gets(reopened: Callable[[], Store]) -> None:
    first, second = reopened(), reopened()
    first.put(Kind.LAYER, DIGEST, b"index")
    assert second.get(Kind.LAYER, DIGEST) == b"index"


def test_facts_outlive_the_one_who_put_them(reopened: Callable[[], Store]) -> None:
    first = reopened()
    first.put(Kind.LAYER, DIGEST, b"index")
    first.close()
    assert reopened().get(Kind.LAYER, DIGEST) == b"index"


def test_tags_come_the_latest_first(store: Store) -> None:
    for tag in ("1.0", "1.1", "1.2"):
        store.tag("docker.io/example/app", tag, DIGEST)
    assert [tag for tag, _ in store.tags("docker.io/example/app")] == ["1.2", "1.1", "1.0"]


def test_tags_are_of_one_repository_and_no_more_than_asked_for(store: Store) -> None:
    store.tag("docker.io/example/other", "9", OTHER)
    for number in range(5):
        store.tag("docker.io/example/app", f"1.{number}", DIGEST)
    assert list(store.tags("docker.io/example/app", limit=2)) == [("1.4", DIGEST), ("1.3", DIGEST)]


def test_a_tag_that_moved_points_where_it_was_seen_last(store: Store) -> None:
    store.tag("docker.io/example/app", "latest", DIGEST)
    store.tag("docker.io/example/app", "1.0", DIGEST)
    store.tag("docker.io/example/app", "latest", OTHER)
    assert list(store.tags("docker.io/example/app")) == [("latest", OTHER), ("1.0", DIGEST)]


def test_a_repository_keeps_a_bounded_number_of_tags(store: Store) -> None:
    for number in range(300):
        store.tag("docker.io/example/app", str(number), DIGEST)
    kept = store.tags("docker.io/example/app", limit=1000)
    assert len(kept) == 256
    assert kept[0] == ("299", DIGEST)


def test_all_facts_of_a_kind_are_told(store: Store) -> None:
    expected = {f"sha256:{number:064x}": bytes([number]) for number in range(40)}
    for digest, value in expected.items():
        store.put(Kind.LAYER, digest, value)
    store.put(Kind.DOCUMENT, DIGEST, b"{}")
    assert dict(store.facts(Kind.LAYER)) == expected
    assert dict(store.facts(Kind.DOCUMENT)) == {DIGEST: b"{}"}


def test_all_repositories_are_told(store: Store) -> None:
    for name in ("docker.io/example/app", "registry.example:5000/b"):
        store.tag(name, "1", DIGEST)
        store.tag(name, "2", DIGEST)
    assert sorted(store.repositories()) == ["docker.io/example/app", "registry.example:5000/b"]


def test_statistics_count_what_is_kept(store: Store) -> None:
    store.put(Kind.LAYER, DIGEST, b"x" * 100_000)
    store.put(Kind.LAYER, OTHER, b"x")
    store.put(Kind.DOCUMENT, DIGEST, b"{}")
    store.tag("docker.io/example/app", "1", DIGEST)
    statistics = store.statistics()
    assert (statistics["layers"], statistics["documents"], statistics["tags"]) == (2, 1, 1)
    assert 100_000 < statistics["bytes"] < 200_000
    assert statistics["failures"] == 0


def test_a_closed_store_keeps_nothing_and_may_be_closed_again(store: Store) -> None:
    store.put(Kind.LAYER, DIGEST, b"index")
    store.close()
    store.close()
    store.put(Kind.LAYER, OTHER, b"index")
    assert store.get(Kind.LAYER, DIGEST) is None


def test_many_threads_may_read_and_write_at_once(store: Store) -> None:
    wrong: list[str] = []

    def work(number: int) -> None:
        for step in range(40):
            digest = f"sha256:{step % 10:064x}"
            store.put(Kind.LAYER, digest, digest.encode())
            if store.get(Kind.LAYER, digest) != digest.encode():
                wrong.append(f"{number}:{step}")
            store.tag("docker.io/example/app", str(step % 7), digest)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert (store.statistics()["layers"], store.statistics()["failures"]) == (10, 0)


_ROOM, _SIZE = 40, 64 << 10


@contextmanager
def _small(kind: str) -> Iterator[Store]:
    """A store with room for some forty layers."""
    with TemporaryDirectory() as folder:
        path, room = Path(folder, "facts.db"), _ROOM * _SIZE
        store = SqliteStore(path, max_bytes=room) if kind == "sqlite" else MemoryStore(room)
        with closing(store):
            yield store


def _put_layer(store: Store, number: int, *images: str) -> str:
    digest = f"sha256:{number:064x}"
    store.put(Kind.LAYER, digest, number.to_bytes(4, "big") * (_SIZE // 4))
    for image in images:
        store.share(digest, image)
    return digest


near = pytest.mark.parametrize("kind", ["sqlite", "memory"])


@near
@settings(max_examples=20, deadline=None)
@given(images=st.integers(4, 40), flood=st.integers(_ROOM, 2 * _ROOM - 5))
def test_a_base_that_images_share_outlives_a_flood_of_images_seen_once(
    kind: str, images: int, flood: int
) -> None:
    with _small(kind) as store:
        base = _put_layer(store, 0, *(f"image {number}" for number in range(images)))
        others = [_put_layer(store, number + 1, f"once {number}") for number in range(flood)]
        assert store.get(Kind.LAYER, base) is not None
        assert store.get(Kind.LAYER, others[0]) is None


@near
@pytest.mark.parametrize("images", [(), ("one",), ("one", "one", "one", "one")])
def test_a_layer_of_one_image_goes_when_it_was_used_longest_ago(
    kind: str, images: tuple[str, ...]
) -> None:
    with _small(kind) as store:
        alone = _put_layer(store, 0, *images)
        for number in range(_ROOM):
            _put_layer(store, number + 1, *(f"{number} {image}" for image in images))
        assert store.get(Kind.LAYER, alone) is None


def test_a_note_of_a_layer_that_is_not_kept_keeps_nothing(store: Store) -> None:
    store.share(DIGEST, "image")
    assert store.get(Kind.LAYER, DIGEST) is None
    assert store.statistics()["failures"] == 0
