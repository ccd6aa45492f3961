"""What one tenant's registries do costs no other tenant anything: real registries of this machine."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from elfgate.errors import UnansweredError, UnknownReason, UnreadableError
from elfgate.images import pace
from elfgate.images.registry import RegistryOptions
from elfgate.scan import threads
from support.elf_file import elf_file
from support.oci import Blob, image
from support.registry import Answer, Registry
from support.tarball import program, tarball
from support.tenants import Tenants, dripping, reading, silent

BASE = tarball({"bin/sh": program(elf_file("amd64"))})
APP = image([BASE])
APP_NAME = "example/app:1.0"


def images(count: int) -> list[Blob]:
    """Images that have nothing in common."""
    return [image([tarball({f"bin/{n}": program(elf_file("amd64"))})]) for n in range(count)]


def layer_of(blob: Blob) -> str:
    return blob.children[-1].digest


@pytest.fixture
def sound() -> Iterator[Registry]:
    with Registry({"example/app": {"1.0": APP}}) as registry:
        yield registry


def test_a_stranger_whose_registry_lies_of_my_digest_fails_alone(
    tmp_path: Path, sound: Registry
) -> None:
    """Its registry says yes to my manifest's digest, lets everybody wait, and then has nothing."""
    began = threading.Event()

    async def run(evil: Registry) -> None:
        async with reading(tmp_path) as tenants:
            name = f"example/app@{APP.digest}"
            theirs = asyncio.ensure_future(tenants.read(evil.reference(name), namespace="evil"))
            assert await asyncio.to_thread(began.wait, 20)
            assert await tenants.read(sound.reference(name), namespace="shop") == APP.digest
            assert not theirs.done()
            evil.stopping.set()
            with pytest.raises(UnreadableError):
                await theirs

    with Registry({"example/app": {"1.0": APP}}) as evil:
        head = {"Content-Type": APP.media_type, "Docker-Content-Digest": APP.digest}
        evil.answer(
            f"/v2/example/app/manifests/{APP.digest}",
            Answer(200, head),
            Answer(200, {}, silent(evil, began)),
        )
        asyncio.run(run(evil))


@pytest.mark.parametrize("fails_first", [True, False])
def test_a_layer_that_a_strangers_registry_does_not_bring_is_read_from_my_own(
    tmp_path: Path, sound: Registry, *, fails_first: bool
) -> None:
    """The same image: it fails or hangs there while I wait for the same layer."""
    began = threading.Event()

    async def run(evil: Registry) -> None:
        async with reading(tmp_path) as tenants:
            theirs = asyncio.ensure_future(tenants.read(evil.reference(APP_NAME), namespace="evil"))
            assert await asyncio.to_thread(began.wait, 20)
            mine = asyncio.ensure_future(tenants.read(sound.reference(APP_NAME), namespace="shop"))
            if fails_first:
                evil.stopping.set()
            assert await mine == APP.digest
            evil.stopping.set()
            await asyncio.gather(theirs, return_exceptions=True)

    with Registry({"example/app": {"1.0": APP}}) as evil:
        evil.answer(f"/v2/example/app/blobs/{layer_of(APP)}", Answer(body=silent(evil, began)))
        asyncio.run(run(evil))


def test_what_one_source_brings_serves_all_who_wait_for_it(tmp_path: Path, sound: Registry) -> None:
    """Two repositories with one base: it is read once."""

    async def run(other: Registry) -> None:
        async with reading(tmp_path) as tenants:
            asked = [sound.reference(APP_NAME), other.reference(APP_NAME)]
            await asyncio.gather(*(tenants.read(name) for name in asked))
        paths = [*sound.paths("GET"), *other.paths("GET")]
        assert len([path for path in paths if path.endswith(layer_of(APP))]) == 1

    with Registry({"example/app": {"1.0": APP}}) as other:
        asyncio.run(run(other))


async def others_new_images(tenants: Tenants, sound: Registry, count: int) -> int:
    """How many new images another tenant gets to know, each within its own time."""
    names = [sound.reference(f"example/{number}:1.0") for number in range(count)]
    reads = (asyncio.wait_for(tenants.read(name, namespace="shop"), timeout=20) for name in names)
    done = await asyncio.gather(*reads, return_exceptions=True)
    return sum(isinstance(result, str) for result in done)


@pytest.mark.parametrize("way", ["silent", "dripping", "dead"])
def test_one_tenant_with_many_slow_registries_leaves_the_others_what_they_have_alone(
    tmp_path: Path, way: str
) -> None:
    """Forty hosts that never come to an end, three layers each; the others' images are all read."""
    mine, theirs = images(20), images(3)
    slow = image([layer for blob in theirs for layer in [blob.children[-1]]])

    async def run(sound: Registry, hosts: list[Registry]) -> None:
        async with reading(tmp_path) as tenants:
            attack = [
                asyncio.ensure_future(
                    tenants.read(host.reference("example/x:1.0"), namespace="evil")
                )
                for host in hosts
            ]
            await asyncio.sleep(0.5)
            assert await others_new_images(tenants, sound, len(mine)) == len(mine)
            # Nothing of the attack has ended meanwhile: it was not waited for.
            assert way == "dead" or not any(task.done() for task in attack)
            for host in hosts:
                host.stopping.set()
            await asyncio.gather(*attack, return_exceptions=True)

    with ExitStack() as stack:
        served = {f"example/{number}": {"1.0": blob} for number, blob in enumerate(mine)}
        sound = stack.enter_context(Registry(served))
        hosts = [stack.enter_context(Registry({"example/x": {"1.0": slow}})) for _ in range(40)]
        for host in hosts:
            _misbehave(host, way, slow)
        asyncio.run(run(sound, hosts))


def _misbehave(host: Registry, way: str, slow: Blob) -> None:
    if way == "silent":
        host.answer("/v2/example/x/manifests/1.0", Answer(405), Answer(body=silent(host)))
    elif way == "dead":
        host.answer("/v2/example/x/manifests/1.0", Answer(503))
    else:
        for child in slow.children[1:]:
            host.answer(f"/v2/example/x/blobs/{child.digest}", dripping(host))


def test_large_layers_on_a_registry_that_all_share_hold_up_nobodys_look_ups(
    tmp_path: Path,
) -> None:
    """Ten slow layers of one tenant; the same registry's other images are read, and its tags resolved."""
    mine = images(6)
    slow = image([blob.children[-1] for blob in images(10)])

    async def run(registry: Registry) -> None:
        async with reading(tmp_path) as tenants:
            large = asyncio.ensure_future(
                tenants.read(registry.reference("example/large:1.0"), namespace="batch")
            )
            await asyncio.sleep(0.5)
            assert await others_new_images(tenants, registry, len(mine)) == len(mine)
            # Look-ups of the very tenant go on too.
            known = tenants.locate(registry.reference("example/0:1.0"))
            assert (await tenants.reader.resolve(known)).digest == mine[0].digest
            assert not large.done()
            registry.stopping.set()
            await asyncio.gather(large, return_exceptions=True)

    served = {f"example/{number}": {"1.0": blob} for number, blob in enumerate(mine)}
    with Registry({**served, "example/large": {"1.0": slow}}) as registry:
        for child in slow.children[1:]:
            registry.answer(f"/v2/example/large/blobs/{child.digest}", dripping(registry))
        asyncio.run(run(registry))


def test_a_layer_that_comes_too_slowly_frees_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "SECONDS", 0.5)

    async def run(registry: Registry) -> None:
        async with reading(tmp_path) as tenants:
            with pytest.raises(UnansweredError) as raised:
                await tenants.read(registry.reference(APP_NAME))
            assert raised.value.reason is UnknownReason.REGISTRY_UNREACHABLE

    with Registry({"example/app": {"1.0": APP}}) as registry:
        registry.answer(f"/v2/example/app/blobs/{layer_of(APP)}", dripping(registry))
        asyncio.run(run(registry))


def test_a_layer_that_nobody_waits_for_must_come_faster_while_others_wait_for_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "SECONDS", 0.5)
    monkeypatch.setattr(threads, "_SLOWEST", 0.0)
    first, second = images(2)

    async def run(registry: Registry) -> None:
        async with reading(tmp_path, concurrency=1) as tenants:
            with pytest.raises(TimeoutError):  # nobody waits for it any longer
                await asyncio.wait_for(tenants.read(registry.reference("example/0:1.0")), 1.0)
            # It keeps its only place until somebody else wants it.
            assert tenants.reader.taken() == 1
            assert await tenants.read(registry.reference("example/1:1.0")) == second.digest

    served = {"example/0": {"1.0": first}, "example/1": {"1.0": second}}
    with Registry(served) as registry:
        registry.answer(f"/v2/example/0/blobs/{layer_of(first)}", dripping(registry))
        asyncio.run(run(registry))


def test_a_host_that_does_not_answer_is_left_alone_by_the_tenant_that_asked(
    tmp_path: Path,
) -> None:
    async def run(mute: Registry) -> None:
        async with reading(tmp_path, options=RegistryOptions(read_seconds=0.2)) as tenants:
            for number in range(4):
                with pytest.raises(UnreadableError) as raised:
                    await tenants.read(mute.reference(f"example/{number}:1.0"), namespace="evil")
                assert raised.value.reason is UnknownReason.REGISTRY_UNREACHABLE
            asked = {path.split("/")[3] for path in mute.paths()}
            assert asked == {"0", "1"}
            with pytest.raises(UnreadableError):
                await tenants.read(mute.reference("example/4:1.0"), namespace="shop")
            assert "/v2/example/4/manifests/1.0" in mute.paths()

    with Registry({}) as mute:
        for number in range(5):
            path = f"/v2/example/{number}/manifests/1.0"
            mute.answer(path, Answer(405), Answer(body=silent(mute)))
        asyncio.run(run(mute))
