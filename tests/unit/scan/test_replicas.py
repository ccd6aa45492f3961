"""Replicas that share a store: each layer is read once between them, and none of them needs the others."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from elfgate.images.reference import Reference
from elfgate.images.registry import Registries
from elfgate.linkage.report import Outcome
from elfgate.platforms import Platform
from elfgate.scan.asker import ANYBODY, Asker
from elfgate.scan.local import LocalPredictor
from elfgate.scan.reader import Located, Reader
from elfgate.scan.scanner import Scanner
from elfgate.store.address import parse
from elfgate.store.memory import MemoryStore
from elfgate.store.protocol import Kind
from elfgate.store.shared import ValkeyStore
from support import founding, valkey
from support.registry import Registry

AMD64, PPC64LE = Platform("linux", "amd64"), Platform("linux", "ppc64le")
Replica = Callable[[], Scanner]


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry({founding.REPOSITORY: founding.images()}) as running:
        yield running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[valkey.Server]:
    with valkey.server(tmp_path) as running:
        yield running


@pytest.fixture
def replica(registry: Registry, server: valkey.Server) -> Iterator[Replica]:
    """Makes scanners that have nothing in common but the server."""
    with ExitStack() as stack:

        def make() -> Scanner:
            registries = Registries()
            stack.callback(registries.close)
            shared = stack.enter_context(closing(ValkeyStore(parse(server.url))))

            def locate(image: str, asker: Asker = ANYBODY) -> Located:
                reference = Reference.parse(image)
                source = registries.repository(reference)
                return Located(image, source, reference.tag, reference.name, reference.tag)

            return Scanner(
                locate=locate,
                reader=Reader(store=MemoryStore(), shared=shared),
                predictor=LocalPredictor(),
            )

        yield make


def scan(
    registry: Registry, tag: str, *scanners: Scanner, platform: Platform = AMD64
) -> list[Outcome]:
    async def all_at_once() -> list[Outcome]:
        image = registry.reference(f"{founding.REPOSITORY}:{tag}")
        linkages = await asyncio.gather(*(scanner.linkage(image, platform) for scanner in scanners))
        for scanner in scanners:
            await scanner.close()
        return [linkage.outcome for linkage in linkages]

    return asyncio.run(all_at_once())


def blobs(registry: Registry) -> list[str]:
    return sorted(path for path in registry.paths("GET") if "/blobs/" in path)


def layers(tag: str) -> list[str]:
    """The digests of the layers for amd64, which comes first."""
    return [
        child.digest
        for child in founding.images()[tag].children[0].children
        if ".layer." in child.media_type
    ]


def test_replicas_that_ask_at_once_read_each_layer_once(
    registry: Registry, replica: Replica
) -> None:
    assert scan(registry, "2-alpine", replica(), replica(), replica()) == [Outcome.STARTS] * 3
    read = [path for path in blobs(registry) if path.rpartition("/")[2] in layers("2-alpine")]
    assert len(read) == len(set(read)) == 2


def test_a_later_replica_reads_nothing(registry: Registry, replica: Replica) -> None:
    scan(registry, "2-debian", replica())
    before = registry.paths("GET")
    assert scan(registry, "2-debian", replica()) == [Outcome.STARTS]
    assert registry.paths("GET") == before


def test_what_another_replica_is_reading_is_waited_for(
    registry: Registry, replica: Replica, server: valkey.Server
) -> None:
    (digest,) = layers("2")
    with closing(ValkeyStore(parse(server.url))) as other:
        assert scan(registry, "2", replica()) == [Outcome.STARTS]
        index = other.get(Kind.LAYER, digest)
        assert index is not None
        with server.client() as client:
            client.flushall()
        assert other.claim(digest)
        registry.seen.clear()

        async def read_while_another_does() -> Outcome:
            waiting = replica()
            image = registry.reference(f"{founding.REPOSITORY}:2")
            task = asyncio.create_task(waiting.linkage(image, AMD64))
            done, _ = await asyncio.wait([task], timeout=0.3)
            assert not done
            other.put(Kind.LAYER, digest, index)
            other.release(digest)
            outcome = (await task).outcome
            await waiting.close()
            return outcome

        assert asyncio.run(read_while_another_does()) is Outcome.STARTS
    assert not any(path.endswith(digest) for path in blobs(registry))


def test_what_another_replica_gave_up_is_read_here(
    registry: Registry, replica: Replica, server: valkey.Server
) -> None:
    (digest,) = layers("2")
    other = ValkeyStore(parse(server.url))
    assert other.claim(digest)

    async def read_after_it_closes() -> Outcome:
        waiting = replica()
        task = asyncio.create_task(
            waiting.linkage(registry.reference(f"{founding.REPOSITORY}:2"), AMD64)
        )
        await asyncio.wait([task], timeout=0.3)
        assert not task.done()
        other.close()
        outcome = (await task).outcome
        await waiting.close()
        return outcome

    assert asyncio.run(read_after_it_closes()) is Outcome.STARTS


def test_without_the_server_images_are_read_all_the_same(
    registry: Registry, replica: Replica, server: valkey.Server
) -> None:
    server.stop()
    assert scan(registry, "2-debian", replica()) == [Outcome.STARTS]


def test_a_shared_fact_that_was_tampered_with_is_read_anew(
    registry: Registry, replica: Replica, server: valkey.Server
) -> None:
    scan(registry, "2-debian", replica())
    with server.client() as client:
        for key in client.keys("elfgate:*:sha256:*"):
            client.set(key, b"1spoilt")
    assert scan(registry, "2-debian", replica()) == [Outcome.STARTS]


def test_what_one_replica_read_is_a_remedy_that_another_names(
    registry: Registry, replica: Replica
) -> None:
    scan(registry, "2-debian", replica(), platform=PPC64LE)
    other = replica()

    async def alternatives() -> list[str]:
        found = await other.kept.alternatives(
            registry.reference(f"{founding.REPOSITORY}:2-alpine"), PPC64LE
        )
        await other.close()
        return found

    assert asyncio.run(alternatives()) == [registry.reference(f"{founding.REPOSITORY}:2-debian")]


def test_a_lease_that_a_stranger_never_gives_back_stops_nobody(
    registry: Registry, replica: Replica, server: valkey.Server
) -> None:
    (digest,) = layers("2")
    with server.client() as client:
        client.set(f"elfgate:lease:{digest}", b"a stranger's")
    assert scan(registry, "2", replica()) == [Outcome.STARTS]
    assert [path for path in blobs(registry) if path.endswith(digest)]
