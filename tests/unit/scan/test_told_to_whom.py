"""What is known of a private image is told to nobody whose own source has not delivered it."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.auth import Credential
from elfgate.images.keyring import Keyring
from elfgate.linkage.report import Outcome
from elfgate.scan.asker import Asker
from elfgate.scan.local import LocalPredictor
from elfgate.scan.scanner import Linkage, Scanner
from elfgate.store.address import parse
from elfgate.store.memory import MemoryStore
from elfgate.store.shared import ValkeyStore
from support import valkey
from support.elf_file import elf_file
from support.oci import OCI_CONFIG, OCI_MANIFEST, image, index, json_blob, manifest_of
from support.registry import Answer, Registry
from support.tarball import program, tarball
from support.tenants import AMD64, Tenants, reading

LAYER = tarball({"bin/app": program(elf_file("amd64", interp="/lib64/ld-acme-secret.so.9"))})
PRIVATE = image([LAYER], entrypoint=["/bin/app"])
SECRET_WORDS = ("acme", "/bin/app", "loader")
NAME = f"acme/app@{PRIVATE.digest}"
NOBODYS = f"acme/app@sha256:{'7' * 64}"


@pytest.fixture
def private() -> Iterator[Registry]:
    served = {"acme/app": {"1.0": PRIVATE}}
    with Registry(served, auth="basic", username="acme", password="s3cret") as registry:
        yield registry


@pytest.fixture
def own() -> Iterator[Registry]:
    """The asker's own registry, which says yes to whatever digest it is asked for."""
    with Registry({}) as registry:
        yield registry


def says_yes(registry: Registry, *digests: str) -> None:
    for digest in digests:
        head = {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": digest}
        path = f"/v2/acme/app/manifests/{digest}"
        registry.answer(path, Answer(200, head), *[Answer(404)] * 99)


def owner(registry: Registry) -> Asker:
    keyring = Keyring([(registry.host, Credential("acme", "s3cret"))])
    return Asker("acme", keyring)


STRANGER = Asker("stranger", Keyring(()))


async def asked(tenants: Tenants, image: str, asker: Asker) -> Linkage:
    scanner = Scanner(
        locate=tenants.locate, reader=tenants.reader, predictor=LocalPredictor(), wait=5
    )
    return await scanner.linkage(image, AMD64, asker=asker)


def words(linkage: Linkage) -> str:
    return repr(linkage.prediction)


def test_a_digest_opens_nothing_at_a_registry_of_the_askers_own(
    tmp_path: Path, private: Registry, own: Registry
) -> None:
    says_yes(own, PRIVATE.digest)

    async def run() -> None:
        async with reading(tmp_path) as tenants:
            known = await asked(tenants, private.reference(NAME), owner(private))
            assert known.outcome is Outcome.CANNOT_START
            assert "ld-acme-secret" in words(known)
            for _ in range(2):
                told = await asked(tenants, own.reference(NAME), STRANGER)
                assert told.outcome is Outcome.UNKNOWN
                assert not any(word in words(told) for word in SECRET_WORDS[1:])
            assert f"/v2/acme/app/manifests/{PRIVATE.digest}" in own.paths("GET")

    asyncio.run(run())


def test_a_manifest_of_the_askers_own_does_not_open_anothers_layer(
    tmp_path: Path, private: Registry, own: Registry
) -> None:
    """Who knows a layer's digest can write a manifest that names it, and has it all the less."""
    layer = PRIVATE.children[-1]
    document = {"os": "linux", "architecture": "amd64", "config": {"Entrypoint": ["/bin/app"]}}
    config = json_blob(OCI_CONFIG, document)
    forged = json_blob(OCI_MANIFEST, manifest_of(OCI_MANIFEST, config, [layer]), [config])
    own.images = {"evil/x": {"1.0": forged}}

    async def run() -> None:
        async with reading(tmp_path) as tenants:
            await asked(tenants, private.reference(NAME), owner(private))
            told = await asked(tenants, own.reference("evil/x:1.0"), STRANGER)
            assert told.outcome is Outcome.UNKNOWN
            assert "ld-acme-secret" not in words(told)
            assert f"/v2/evil/x/blobs/{layer.digest}" in own.paths("GET")

    asyncio.run(run())


def test_no_remedy_names_what_a_tag_of_the_askers_own_claims_to_be(
    tmp_path: Path, private: Registry, own: Registry
) -> None:
    """A tag that claims another's digest is no way to learn whether that image starts."""
    starts = image([tarball({"bin/app": program(elf_file("amd64"))})], entrypoint=["/bin/app"])
    private.images = {"acme/app": {"1.0": starts}}
    broken = image([LAYER], entrypoint=["/bin/gone"])
    own.images = {"evil/x": {"mine": broken}}
    head = {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": starts.digest}
    own.answer("/v2/evil/x/manifests/probe", Answer(200, head))

    async def run() -> None:
        async with reading(tmp_path) as tenants:
            await asked(tenants, private.reference("acme/app:1.0"), owner(private))
            assert (
                await asked(tenants, own.reference("evil/x:probe"), STRANGER)
            ).outcome is Outcome.UNKNOWN
            scanner = Scanner(
                locate=tenants.locate, reader=tenants.reader, predictor=LocalPredictor()
            )
            mine = own.reference("evil/x:mine")
            assert (await scanner.linkage(mine, AMD64, asker=STRANGER)).outcome is not (
                Outcome.STARTS
            )
            assert await scanner.kept.alternatives(mine, AMD64, asker=STRANGER) == []
            assert await scanner.kept.linkage(mine, starts.digest, AMD64, asker=STRANGER) is None

    asyncio.run(run())


def test_whether_a_digest_is_known_shows_in_neither_words_nor_time(
    tmp_path: Path, private: Registry, own: Registry
) -> None:
    says_yes(own, PRIVATE.digest, NOBODYS.partition("@")[2])

    async def run() -> None:
        async with reading(tmp_path) as tenants:
            await asked(tenants, private.reference(NAME), owner(private))
            seconds: dict[str, list[float]] = {NAME: [], NOBODYS: []}
            said: dict[str, str] = {}
            for _ in range(25):
                for name, took in seconds.items():
                    begun = time.perf_counter()
                    told = await asked(tenants, own.reference(name), STRANGER)
                    took.append(time.perf_counter() - begun)
                    digest = name.partition("@")[2]
                    said[name] = words(told).replace(digest[:19], "DIGEST")
            assert said[NAME] == said[NOBODYS]
            known, unknown = (statistics.median(took) for took in seconds.values())
            assert 0.5 < known / unknown < 2  # a ratio: the machine's load is in both

    asyncio.run(run())


def test_what_a_repository_has_delivered_is_told_to_whomever_it_lets_in(
    tmp_path: Path, private: Registry
) -> None:
    """Facts are shared: the second namespace's registry is asked by HEAD only, also after a restart."""

    async def run() -> None:
        for namespace in ("acme", "acme-too", "acme-later"):
            async with reading(tmp_path) as tenants:
                asker = Asker(namespace, owner(private).keyring)
                told = await asked(tenants, private.reference(NAME), asker)
                assert told.outcome is Outcome.CANNOT_START
        fetched = private.paths("GET")
        assert len(fetched) == len(set(fetched)) == 3  # manifest, config, layer

    asyncio.run(run())


def test_who_delivers_the_same_bytes_is_told_of_them(
    tmp_path: Path, private: Registry, own: Registry
) -> None:
    own.images = {"mine/copy": {"1.0": index([PRIVATE])}}

    async def run() -> None:
        async with reading(tmp_path) as tenants:
            await asked(tenants, private.reference(NAME), owner(private))
            told = await asked(tenants, own.reference("mine/copy:1.0"), STRANGER)
            assert "ld-acme-secret" in words(told)

    asyncio.run(run())


def test_what_replicas_share_is_told_by_the_same_rule(
    tmp_path: Path, private: Registry, own: Registry
) -> None:
    says_yes(own, PRIVATE.digest)

    async def run(url: str) -> None:
        for image_name, asker, expected in (
            (private.reference(NAME), owner(private), Outcome.CANNOT_START),
            (own.reference(NAME), STRANGER, Outcome.UNKNOWN),
            (private.reference(NAME), owner(private), Outcome.CANNOT_START),
        ):
            with closing(ValkeyStore(parse(url))) as shared:
                async with reading(tmp_path, store=MemoryStore(), shared=shared) as tenants:
                    assert (await asked(tenants, image_name, asker)).outcome is expected
        layer = f"/v2/acme/app/blobs/{PRIVATE.children[-1].digest}"
        assert private.paths("GET").count(layer) == 1

    with valkey.server(tmp_path) as server:
        asyncio.run(run(server.url))


def test_a_no_from_the_registry_is_a_no(tmp_path: Path, private: Registry) -> None:
    async def run() -> None:
        async with reading(tmp_path) as tenants:
            await tenants.read(private.reference(NAME), keyring=owner(private).keyring)
            with pytest.raises(UnreadableError) as raised:
                await tenants.read(private.reference(NAME), keyring=Keyring(()))
            assert raised.value.reason is UnknownReason.NO_CREDENTIALS

    asyncio.run(run())
