"""Indexers are killed when they take too much; only a layer whose bytes have matched is held to account."""

import gzip
import io
import threading
from collections.abc import Iterator

import pytest

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.source import Descriptor, Limits
from elfgate.isolation.children import Zygote
from elfgate.isolation.figures import Figures
from elfgate.isolation.indexing import Indexing
from elfgate.isolation.slots import Slots
from support.control_plane import until
from support.oci import sha256
from support.tarball import program, tarball

from .test_pool import children, descriptors

DATA = gzip.compress(tarball({"bin/sh": program(b"#!/bin/sh\n")}))
DEEDS = (
    "match for ever",
    "answer with a gigabyte",
    "end within a frame",
    "answer with garbage",
    "index with garbage",
    "end",
    "open a file",
    "crash",
)


@pytest.fixture(scope="module")
def conquered() -> Iterator[Zygote]:
    zygote = Zygote("support.conquered")
    yield zygote
    zygote.close()


def reason(indexing: Indexing, deed: str, *, digest: str = "") -> UnknownReason:
    """Why a layer cannot be read whose indexer does a deed. It has 1 s of processor time."""
    descriptor = Descriptor(deed, digest or sha256(DATA), len(DATA))
    with pytest.raises(UnreadableError) as raised:
        indexing.layer(io.BytesIO(DATA), descriptor, Limits())
    return raised.value.reason


@pytest.mark.parametrize("deed", DEEDS)
def test_a_conquered_indexer_is_ended(conquered: Zygote, deed: str) -> None:
    figures = Figures()
    indexing = Indexing(conquered, on_kill=figures.killed)
    conquered.start()
    before = descriptors()
    assert reason(indexing, deed) is UnknownReason.LIMIT_EXCEEDED
    assert figures.kills == {"ended": 1}
    assert descriptors() <= before
    until(lambda: not children(conquered), "a child lives on")


@pytest.mark.parametrize("deed", ["ask for a part that is none", "ask for too large a part"])
def test_a_conquered_indexer_may_not_ask_for_any_part(conquered: Zygote, deed: str) -> None:
    descriptor = Descriptor(deed, sha256(DATA), len(DATA))
    with pytest.raises(UnreadableError) as raised:
        Indexing(conquered).layer_by_table(descriptor, lambda _start, _end: b"", Limits())
    assert raised.value.reason is UnknownReason.LIMIT_EXCEEDED


def test_a_layer_that_took_too_much_is_not_read_again(conquered: Zygote) -> None:
    figures = Figures()
    indexing = Indexing(conquered, on_kill=figures.killed)
    for _ in range(2):
        assert reason(indexing, "end") is UnknownReason.LIMIT_EXCEEDED
    assert figures.kills == {"ended": 1}


def test_other_bytes_are_not_held_against_a_digest(conquered: Zygote) -> None:
    figures = Figures()
    indexing = Indexing(conquered, on_kill=figures.killed)
    theirs = sha256(b"another's layer")
    for _ in range(2):
        assert reason(indexing, "end", digest=theirs) is UnknownReason.IMAGE_INVALID
    assert figures.kills == {"ended": 2}


def test_a_layer_that_needs_much_memory_is_tried_again_alone(conquered: Zygote) -> None:
    figures = Figures()
    zygote = Zygote()
    indexing = Indexing(zygote, memory=(8 << 20, 224 << 20), on_kill=figures.killed)
    descriptor = Descriptor("", sha256(DATA), len(DATA))
    with pytest.raises(UnreadableError) as raised:
        indexing.layer(io.BytesIO(DATA), descriptor, Limits())
    assert raised.value.reason is UnknownReason.NOT_SCANNED
    assert set(indexing.layer(io.BytesIO(DATA), descriptor, Limits()).entries("/bin")) == {"sh"}
    zygote.close()


def test_one_that_works_alone_waits_for_the_others_and_they_for_it() -> None:
    slots, seen, inside = Slots(2), [], threading.Event()

    def alone() -> None:
        with slots.taken(10, alone=True):
            seen.append("alone")

    with slots.taken(1), slots.taken(1):
        waiting = threading.Thread(target=alone)
        waiting.start()
        with pytest.raises(TimeoutError), slots.taken(0.05):
            inside.set()
        assert not seen
    waiting.join()
    assert (seen, inside.is_set()) == (["alone"], False)
    with slots.taken(1), slots.taken(1):
        pass
