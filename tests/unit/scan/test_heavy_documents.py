"""A heavy manifest is kept as a short document, which serves whoever asks next, and nobody else."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from elfgate.errors import UnreadableError
from elfgate.images.auth import Credential
from elfgate.images.keyring import Keyring
from elfgate.images.pared import LIGHT_BYTES
from elfgate.store.content import document_in
from elfgate.store.protocol import Kind
from elfgate.store.sqlite import SqliteStore
from support.elf_file import elf_file
from support.oci import OCI_MANIFEST, Blob, image, json_blob, manifest_of
from support.registry import Registry
from support.tarball import program, tarball
from support.tenants import reading

APP = image([tarball({"bin/sh": program(elf_file("amd64"))})])
CONFIG, LAYER = APP.children
SECRET = "s3cret"


def heavy() -> Blob:
    manifest = manifest_of(OCI_MANIFEST, CONFIG, [LAYER]) | {"annotations": {"x": "y" * (3 << 20)}}
    return json_blob(OCI_MANIFEST, manifest, [CONFIG, LAYER])


HEAVY = heavy()


@pytest.fixture
def registry() -> Iterator[Registry]:
    images = {"example/app": {"1.0": HEAVY}}
    with Registry(images, auth="bearer", username="user", password=SECRET) as running:
        yield running


def read(folder: Path, registry: Registry, password: str = SECRET) -> str:
    async def main() -> str:
        async with reading(folder) as tenants:
            keyring = Keyring([(registry.host, Credential("user", password))])
            return await tenants.read(registry.reference("example/app:1.0"), keyring=keyring)

    return asyncio.run(main())


def kept(folder: Path) -> bytes:
    store = SqliteStore(folder / "facts.db")
    value = store.get(Kind.DOCUMENT, HEAVY.digest)
    store.close()
    assert value is not None
    return value


def fetched(registry: Registry) -> int:
    return registry.paths("GET").count(f"/v2/example/app/manifests/{HEAVY.digest}")


def test_it_is_kept_short_and_not_fetched_again(tmp_path: Path, registry: Registry) -> None:
    assert read(tmp_path, registry) == HEAVY.digest
    assert len(kept(tmp_path)) < LIGHT_BYTES
    assert read(tmp_path, registry) == HEAVY.digest
    assert fetched(registry) == 1


def test_one_who_may_not_have_it_is_not_told(tmp_path: Path, registry: Registry) -> None:
    read(tmp_path, registry)
    with pytest.raises(UnreadableError):
        read(tmp_path, registry, password="wrong")


@pytest.mark.parametrize("at", [0, 7, 40, 60, -1])
def test_a_flipped_byte_has_it_read_anew(tmp_path: Path, registry: Registry, at: int) -> None:
    read(tmp_path, registry)
    sound = kept(tmp_path)
    flipped = bytearray(sound)
    flipped[at] ^= 0x20
    with sqlite3.connect(tmp_path / "facts.db") as connection:
        connection.execute(
            "UPDATE value SET bytes = ? WHERE id IN"
            " (SELECT id FROM fact WHERE digest = ? AND kind = 'document')",
            (bytes(flipped), HEAVY.digest),
        )
    connection.close()
    assert read(tmp_path, registry) == HEAVY.digest
    assert kept(tmp_path) == sound
    assert fetched(registry) == 2


def test_a_short_document_is_none_of_another_digest(tmp_path: Path, registry: Registry) -> None:
    read(tmp_path, registry)
    assert document_in(HEAVY.digest, kept(tmp_path)) is not None
    assert document_in(APP.digest, kept(tmp_path)) is None
