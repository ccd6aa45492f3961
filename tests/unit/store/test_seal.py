"""Who can write to the shared server, and has no key, turns no verdict round: a real server."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from elfgate.errors import InputError
from elfgate.store.address import parse
from elfgate.store.protocol import Kind
from elfgate.store.seal import Seal, read_keys
from elfgate.store.shared import ValkeyStore
from support import valkey

OLD, NEW = "old" * 11, "new" * 11
GOOD, BAD = ("sha256:" + letter * 64 for letter in "ab")
REPOSITORY = "registry.example/app"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[valkey.Server]:
    with valkey.server(tmp_path) as running:
        yield running


def store(server: valkey.Server, *keys: str) -> ValkeyStore:
    return ValkeyStore(parse(server.url), seal=Seal(read_keys(" ".join(keys))))


def key(digest: str) -> str:
    return f"elfgate:{Kind.LAYER.value}:{digest}"


def test_facts_that_change_places_are_none(server: valkey.Server) -> None:
    with closing(store(server, NEW)) as ours, server.client() as stranger:
        ours.put(Kind.LAYER, GOOD, b"starts")
        ours.put(Kind.LAYER, BAD, b"does not")
        good, bad = stranger.get(key(GOOD)), stranger.get(key(BAD))
        stranger.set(key(GOOD), bad)
        stranger.set(key(BAD), good)
        assert ours.get(Kind.LAYER, GOOD) is None
        assert ours.get(Kind.LAYER, BAD) is None
        assert dict(ours.facts(Kind.LAYER)) == {}
        stranger.set(f"elfgate:{Kind.DOCUMENT.value}:{GOOD}", good)
        assert ours.get(Kind.DOCUMENT, GOOD) is None


@pytest.mark.parametrize("written", [b"", b"1made up", b"2", b"2" + b"\0" * 32 + b"made up"])
def test_a_fact_without_a_seal_is_none(server: valkey.Server, written: bytes) -> None:
    with closing(store(server, NEW)) as ours, server.client() as stranger:
        stranger.set(key(GOOD), written)
        assert ours.get(Kind.LAYER, GOOD) is None


def test_a_fact_of_somebody_with_another_key_is_none(server: valkey.Server) -> None:
    with closing(store(server, OLD)) as theirs, closing(store(server, NEW)) as ours:
        theirs.put(Kind.LAYER, GOOD, b"index")
        assert ours.get(Kind.LAYER, GOOD) is None


def test_a_key_is_changed_without_forgetting(server: valkey.Server) -> None:
    with closing(store(server, OLD)) as before, closing(store(server, NEW, OLD)) as between:
        before.put(Kind.LAYER, GOOD, b"index")
        assert between.get(Kind.LAYER, GOOD) == b"index"
        between.put(Kind.LAYER, BAD, b"")
    with closing(store(server, NEW)) as after:
        assert after.get(Kind.LAYER, BAD) == b""
        assert after.get(Kind.LAYER, GOOD) is None


def test_where_a_tag_points_is_sealed_too(server: valkey.Server) -> None:
    with closing(store(server, NEW)) as ours, server.client() as stranger:
        ours.tag(REPOSITORY, "1.0", GOOD)
        ours.tag(REPOSITORY, "2.0", BAD)
        assert dict(ours.tags(REPOSITORY)) == {"1.0": GOOD, "2.0": BAD}
        digests = f"elfgate:digests:{REPOSITORY}"
        stranger.hset(digests, "1.0", stranger.hget(digests, "2.0"))
        assert dict(ours.tags(REPOSITORY)) == {"2.0": BAD}


def test_a_short_key_is_refused() -> None:
    with pytest.raises(InputError, match="fewer than 32 characters"):
        read_keys(f"{NEW} short")
    assert read_keys(" \n") == ()
