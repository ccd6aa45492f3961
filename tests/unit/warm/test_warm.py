"""Reading ahead: each image once, each shard its own, and nothing that the store has."""

import asyncio
from collections.abc import Iterator
from contextlib import closing

import pytest

from elfgate.errors import InputError
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries
from elfgate.platforms import Platform
from elfgate.scan.asker import ANYBODY, Asker
from elfgate.scan.reader import Located, Reader
from elfgate.store.memory import MemoryStore
from elfgate.warm import Shard, State, Warmed, distinct, warm
from support import founding
from support.registry import Answer, Registry

TAGS = ("2", "2-alpine", "2-debian")


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry({founding.REPOSITORY: founding.images()}) as running:
        yield running


def run(
    registry: Registry, store: MemoryStore, *tags: str, platforms: tuple[Platform, ...] = ()
) -> dict[str, Warmed]:
    async def read() -> dict[str, Warmed]:
        reader = Reader(store=store)
        images = [registry.reference(f"{founding.REPOSITORY}:{tag}") for tag in tags]
        try:
            return {
                each.image.rpartition(":")[2]: each
                async for each in warm(
                    images, reader=reader, locate=locate, platforms=platforms, at_once=2
                )
            }
        finally:
            await reader.close()

    with closing(Registries()) as registries:

        def locate(image: str, asker: Asker = ANYBODY) -> Located:
            reference = Reference.parse(image)
            return Located(
                image,
                registries.repository(reference),
                reference.tag,
                reference.name,
                reference.tag,
            )

        return asyncio.run(read())


def test_what_the_store_has_is_not_read_again(registry: Registry) -> None:
    store = MemoryStore()
    assert {tag: each.state for tag, each in run(registry, store, *TAGS).items()} == dict.fromkeys(
        TAGS, State.READ
    )
    registry.seen.clear()
    assert {tag: each.state for tag, each in run(registry, store, *TAGS).items()} == dict.fromkeys(
        TAGS, State.KNOWN
    )
    assert registry.paths("GET") == []


def test_a_run_that_was_stopped_is_taken_up_where_it_was(registry: Registry) -> None:
    store = MemoryStore()
    run(registry, store, "2", "2-alpine")
    states = {tag: each.state for tag, each in run(registry, store, *TAGS).items()}
    assert states == {"2": State.KNOWN, "2-alpine": State.KNOWN, "2-debian": State.READ}


def test_only_the_platforms_that_are_asked_for_are_read(registry: Registry) -> None:
    platforms = (Platform("linux", "s390x"), Platform("linux", "riscv64"))
    warmed = run(registry, MemoryStore(), "2-debian", platforms=platforms)["2-debian"]
    assert (warmed.platforms, warmed.layers) == ((Platform("linux", "s390x"),), 2)


def test_one_that_cannot_be_read_does_not_stop_the_others(registry: Registry) -> None:
    registry.answer(f"/v2/{founding.REPOSITORY}/manifests/2-alpine", Answer(500))
    warmed = run(registry, MemoryStore(), *TAGS, "no-such-tag")
    assert {tag: each.state for tag, each in warmed.items()} == {
        "2": State.READ,
        "2-alpine": State.FAILED,
        "2-debian": State.READ,
        "no-such-tag": State.FAILED,
    }
    assert "500" in warmed["2-alpine"].message


def test_shards_divide_the_images_among_them() -> None:
    images = [f"registry.example/team/app{number}:1" for number in range(300)]
    shards = [list(distinct(images, Shard(index, 4))) for index in range(4)]
    assert sorted(image for shard in shards for image in shard) == sorted(images)
    assert all(50 < len(shard) < 100 for shard in shards)


def test_an_image_is_read_once_however_it_is_written() -> None:
    images = ["nginx", "docker.io/library/nginx:latest", "nginx:latest", "oci:x:1", "oci:x:1"]
    assert list(distinct(images, Shard())) == ["nginx", "oci:x:1"]


@pytest.mark.parametrize(
    "text", ["", "1", "1/1", "-1/2", "2/1", "a/b", "1/", "/2", "0/0", "1/2/3", "9" * 20 + "/1"]
)
def test_what_is_no_shard_is_one_clear_line(text: str) -> None:
    with pytest.raises(InputError, match="not a shard"):
        Shard.parse(text)
