"""A damaged fact is no fact: it is read anew and replaced, and nobody but a counter notices."""

import asyncio
import random
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from elfgate.linkage.report import Outcome
from elfgate.rootfs import form
from elfgate.scan.local import LocalPredictor
from elfgate.scan.scanner import Linkage, Scanner
from elfgate.store.protocol import Kind
from elfgate.store.sqlite import SqliteStore
from support import founding
from support.registry import Registry
from support.tenants import AMD64, reading

TAG = "2-debian"
IMAGE = founding.images()[TAG].children[0]
DIGESTS = {
    "index": (Kind.DOCUMENT, founding.images()[TAG].digest),
    "manifest": (Kind.DOCUMENT, IMAGE.digest),
    "config": (Kind.DOCUMENT, IMAGE.children[0].digest),
    "layer": (Kind.LAYER, IMAGE.children[-1].digest),
}


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry({founding.REPOSITORY: founding.images()}) as running:
        yield running


def scan(folder: Path, registry: Registry) -> Linkage:
    async def main() -> Linkage:
        async with reading(folder) as tenants:
            scanner = Scanner(
                locate=tenants.locate, reader=tenants.reader, predictor=LocalPredictor()
            )
            name = registry.reference(f"{founding.REPOSITORY}:{TAG}")
            return await scanner.linkage(name, AMD64)

    return asyncio.run(main())


def kept(folder: Path, kind: Kind, digest: str) -> bytes:
    store = SqliteStore(folder / "facts.db")
    value = store.get(kind, digest)
    store.close()
    assert value is not None
    return value


def replace(folder: Path, digest: str, value: object) -> None:
    """Write a value past the store."""
    with sqlite3.connect(folder / "facts.db") as connection:
        connection.execute(
            "UPDATE value SET bytes = ? WHERE id IN"
            " (SELECT id FROM fact WHERE digest = ? AND kind != 'origin')",
            (value, digest),
        )
    connection.close()


def flipped(value: bytes, at: int) -> bytes:
    return value[:at] + bytes([value[at] ^ 0x20]) + value[at + 1 :]


@pytest.mark.parametrize("what", DIGESTS)
def test_a_flipped_byte_anywhere_changes_no_verdict_and_is_mended(
    tmp_path: Path, registry: Registry, what: str
) -> None:
    kind, digest = DIGESTS[what]
    first = scan(tmp_path, registry)
    assert first.outcome is Outcome.STARTS
    sound = kept(tmp_path, kind, digest)
    places = {0, 9, 13, len(sound) - 1, *random.Random(what).sample(range(len(sound)), 8)}  # noqa: S311
    for at in sorted(places):
        replace(tmp_path, digest, flipped(sound, at))
        assert scan(tmp_path, registry).prediction == first.prediction
        assert kept(tmp_path, kind, digest) == sound


@pytest.mark.parametrize("value", [b"", "text", 7, b"\0" * 100])
@pytest.mark.parametrize("what", DIGESTS)
def test_whatever_stands_in_its_place_is_replaced(
    tmp_path: Path, registry: Registry, what: str, value: object
) -> None:
    kind, digest = DIGESTS[what]
    first = scan(tmp_path, registry)
    sound = kept(tmp_path, kind, digest)
    replace(tmp_path, digest, value)
    assert scan(tmp_path, registry).prediction == first.prediction
    assert kept(tmp_path, kind, digest) == sound


def test_an_index_that_is_wrong_with_a_right_checksum_is_read_anew(
    tmp_path: Path, registry: Registry
) -> None:
    """Its sections do not unpack, which shows only when they are looked into."""
    kind, digest = DIGESTS["layer"]
    first = scan(tmp_path, registry)
    sound = kept(tmp_path, kind, digest)
    start = form.HEADER.size + form.SECTIONS.size
    names = start + form.SECTIONS.unpack_from(sound, form.HEADER.size)[0]
    spoilt = sound[: names + 12] + b"\xff" * 8 + sound[names + 20 :]
    magic, version, excerpts, _, length = form.HEADER.unpack_from(spoilt)
    crc = zlib.crc32(spoilt[form.HEADER.size :])
    header = form.HEADER.pack(magic, version, excerpts, crc, length)
    replace(tmp_path, digest, header + spoilt[form.HEADER.size :])
    assert scan(tmp_path, registry).prediction == first.prediction
    assert kept(tmp_path, kind, digest) == sound


def test_a_use_that_is_no_number_is_noted_anew(tmp_path: Path, registry: Registry) -> None:
    first = scan(tmp_path, registry)
    with sqlite3.connect(tmp_path / "facts.db") as connection:
        connection.execute("UPDATE fact SET used = 'long ago'")
    connection.close()
    assert scan(tmp_path, registry).prediction == first.prediction
