"""What every indexer makes of the same bytes, in this process or in one of its own: index and refusal alike."""

import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import zstandard

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.indexer import Indexer, LocalIndexer
from elfgate.images.source import Descriptor, Limits
from elfgate.isolation.children import Zygote
from elfgate.isolation.indexing import Indexing
from support import image
from support.chunked import estargz, zstd_chunked
from support.oci import OCI_LAYER, sha256
from support.oci import image as image_of
from support.tarball import program, tarball

APP = image_of([b"layer"], entrypoint=["/app"])
FILES = {**image.debian(), "bin/sh": image.glibc_program(), "data": program(b"#!/bin/sh\n" * 9_999)}
TAR = tarball(FILES)
BOMB = gzip.compress(bytes(80 << 20))
FEW = Limits(layer_bytes=1_000)

LAYERS: Mapping[str, tuple[bytes, dict[str, Any], Limits]] = {
    "plain": (TAR, {}, Limits()),
    "gzip": (gzip.compress(TAR), {}, Limits()),
    "gzip members": (gzip.compress(TAR[:777]) + gzip.compress(TAR[777:]), {}, Limits()),
    "zstd": (zstandard.compress(TAR), {}, Limits()),
    "of no size": (gzip.compress(TAR), {"size": 0}, Limits()),
    "larger than a pipe": (
        tarball({str(at): program(at.to_bytes(4) * 250_000) for at in range(6)}),
        {},
        Limits(),
    ),
    "empty": (gzip.compress(bytes(1024)), {}, Limits()),
    "nothing": (b"", {}, Limits()),
    "cut short": (gzip.compress(TAR)[:-99], {}, Limits()),
    "no archive": (gzip.compress(b"x" * 10_000), {}, Limits()),
    "other bytes": (gzip.compress(TAR), {"digest": sha256(b"")}, Limits()),
    "too few bytes": (gzip.compress(TAR), {"size": 10**9}, Limits()),
    "too many bytes": (gzip.compress(TAR), {"size": 10}, Limits()),
    "beyond a limit": (gzip.compress(TAR), {}, FEW),
    "too many names": (gzip.compress(TAR), {}, Limits(layer_entries=2)),
    "a bomb": (BOMB, {}, Limits()),
}


@pytest.fixture(scope="module")
def indexing() -> Iterator[Indexing]:
    zygote = Zygote()
    yield Indexing(zygote)
    zygote.close()


DOCUMENTS: Mapping[str, bytes] = {
    "a manifest": APP.data,
    "a heavy one": json.dumps(
        json.loads(APP.data) | {"annotations": {"x": "y" * 3_000_000}}
    ).encode(),
    "one that says too much": json.dumps({"env": ["x" * 300_000]}).encode(),
    "no JSON": b"x" * 3_000_000,
    "no object": b"[]",
    "deeply nested": b'{"layers":' + b"[" * 900 + b"]" * 900 + b"}",
}


def outcome(call: Callable[[], Any]) -> tuple[bytes | str, ...]:
    """The index's bytes, or the refusal's reason and words."""
    try:
        made = call()
        return (made if isinstance(made, bytes) else made.encode(),)
    except UnreadableError as error:
        return (error.reason, str(error))


@pytest.mark.parametrize("name", LAYERS)
def test_all_make_the_same_of_a_layer(indexing: Indexing, name: str) -> None:
    data, changes, limits = LAYERS[name]
    told: dict[str, Any] = {"digest": sha256(data), "size": len(data)} | changes
    descriptor = Descriptor(OCI_LAYER, told["digest"], told["size"])

    def made(indexer: Indexer) -> tuple[bytes | str, ...]:
        return outcome(lambda: indexer.layer(io.BytesIO(data), descriptor, limits))

    assert made(indexing) == made(LocalIndexer())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_all_make_the_same_of_a_document(indexing: Indexing, name: str) -> None:
    def made(indexer: Indexer) -> tuple[bytes | str, ...]:
        return outcome(lambda: indexer.document(DOCUMENTS[name], "a document"))

    assert made(indexing) == made(LocalIndexer())


@pytest.mark.parametrize("form", [estargz, zstd_chunked])
@pytest.mark.parametrize("damage", [False, True])
def test_all_make_the_same_of_a_table(
    indexing: Indexing, form: Callable[..., Any], damage: bool
) -> None:
    data, annotations = form(FILES)
    if damage:
        data = data[:500] + bytes(200) + data[700:]
    descriptor = Descriptor(OCI_LAYER, sha256(data), len(data), annotations=annotations)

    def made(indexer: Indexer) -> tuple[bytes | str, ...]:
        return outcome(
            lambda: indexer.layer_by_table(descriptor, lambda start, end: data[start:end], Limits())
        )

    assert made(indexing) == made(LocalIndexer())
    assert len(made(indexing)) == (2 if damage else 1)


def test_what_a_source_says_when_it_fails_is_what_is_said(indexing: Indexing) -> None:
    def fails(_start: int, _end: int) -> bytes:
        raise UnreadableError("gone", reason=UnknownReason.REGISTRY_UNREACHABLE)

    data, annotations = estargz(FILES)
    descriptor = Descriptor(OCI_LAYER, sha256(data), len(data), annotations=annotations)
    with pytest.raises(UnreadableError, match=r"^gone$"):
        indexing.layer_by_table(descriptor, fails, Limits())
