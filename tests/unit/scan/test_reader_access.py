"""Whose access counts, and what one registry's troubles cost others: the reader on registries of this machine."""

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.auth import Credential
from elfgate.images.keyring import Keyring
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries
from elfgate.platforms import Platform
from elfgate.scan.access import ACCESS_SECONDS, OLD_SECONDS
from elfgate.scan.reader import Located, Reader
from elfgate.store.protocol import Kind
from elfgate.store.sqlite import SqliteStore
from support.elf_file import elf_file
from support.oci import OCI_LAYER, Blob, image, index
from support.registry import Answer, Registry
from support.tarball import program, tarball

BASE = tarball({"bin/sh": program(elf_file("amd64"))})
APP = image([BASE])
AMD64 = Platform("linux", "amd64")
SECRET = "s3cret"

Ask = Callable[[str, Keyring | None], Awaitable[str]]


@asynccontextmanager
async def reading(
    path: Path, registry: Registry, concurrency: int | None = None
) -> AsyncIterator[Ask]:
    """Ask for an image of the registry with a keyring; the answer is its digest."""
    store = SqliteStore(path / "facts.db")
    registries = Registries()
    reader = Reader(store=store, concurrency=concurrency)

    async def ask(name: str, keyring: Keyring | None) -> str:
        reference = Reference.parse(
            name if "/" in name.partition("@")[0] else registry.reference(f"example/{name}")
        )
        located = Located(
            str(reference),
            registries.repository(reference, keyring),
            reference.target,
            reference.familiar_name,
            reference.tag,
            asker=None if keyring is None else keyring.identity(reference.name),
            host=reference.registry,
        )
        digest, contents = await reader.read(located, AMD64)
        assert contents is not None
        return digest

    try:
        yield ask
    finally:
        await reader.close()
        registries.close()
        store.close()


def private() -> Registry:
    return Registry({"example/app": {"1.0": APP}}, auth="bearer", username="user", password=SECRET)


def keys(registry: Registry, password: str = SECRET) -> Keyring:
    return Keyring([(registry.host, Credential("user", password))])


@pytest.mark.parametrize("name", ["app:1.0", f"app@{APP.digest}"])
def test_facts_that_one_namespace_made_known_are_not_told_to_another(
    tmp_path: Path, name: str
) -> None:
    async def run(registry: Registry) -> None:
        async with reading(tmp_path, registry) as ask:
            assert await ask(name, keys(registry)) == APP.digest
            for stranger in (Keyring([]), keys(registry, "wrong")):
                with pytest.raises(UnreadableError) as raised:
                    await ask(name, stranger)
                assert raised.value.reason is UnknownReason.NO_CREDENTIALS

    with private() as registry:
        asyncio.run(run(registry))


def test_access_is_checked_by_head_and_facts_are_shared(tmp_path: Path) -> None:
    async def run(registry: Registry) -> None:
        async with reading(tmp_path, registry) as ask:
            await ask(f"app@{APP.digest}", keys(registry))
            registry.seen.clear()
            other = Keyring(
                [
                    (f"{registry.host}/example", Credential("user", SECRET)),
                    ("x", Credential("u", "p")),
                ]
            )
            await ask(f"app@{APP.digest}", other)
            # The same credential is the same asker, wherever it is written: nothing new is asked.
            assert registry.seen == []
            registry.basic = "no password opens it any more"
            second = Keyring([(registry.host, Credential("second", SECRET))])
            with pytest.raises(UnreadableError):
                await ask(f"app@{APP.digest}", second)
            assert {seen.method for seen in registry.seen if "/v2/" in seen.path} == {"HEAD"}

    with private() as registry:
        asyncio.run(run(registry))


def test_access_is_remembered_briefly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(registry: Registry) -> None:
        async with reading(tmp_path, registry) as ask:
            name = f"app@{APP.digest}"
            await ask(name, keys(registry))
            registry.answer(f"/v2/example/app/manifests/{APP.digest}", Answer(403))
            await ask(name, keys(registry))
            later = time.monotonic() + ACCESS_SECONDS + 1
            monkeypatch.setattr(time, "monotonic", lambda: later)
            with pytest.raises(UnreadableError) as raised:
                await ask(name, keys(registry))
            assert raised.value.reason is UnknownReason.NO_CREDENTIALS

    with private() as registry:
        asyncio.run(run(registry))


def test_who_had_an_image_keeps_it_while_the_registry_is_out_of_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(registry: Registry) -> None:
        async with reading(tmp_path, registry) as ask:
            name = f"app@{APP.digest}"
            await ask(name, keys(registry))
            await ask("app:1.0", keys(registry))
            for target in (APP.digest, "1.0"):
                registry.answer(f"/v2/example/app/manifests/{target}", Answer(503))
            later = time.monotonic() + ACCESS_SECONDS + 1
            monkeypatch.setattr(time, "monotonic", lambda: later)
            for image in (name, "app:1.0"):
                assert await ask(image, keys(registry)) == APP.digest
                with pytest.raises(UnreadableError):  # others never had it
                    await ask(image, Keyring([]))
            later += OLD_SECONDS
            assert await ask(name, keys(registry)) == APP.digest
            with pytest.raises(UnreadableError):  # a tag may have moved meanwhile
                await ask("app:1.0", keys(registry))

    with private() as registry:
        asyncio.run(run(registry))


def test_one_who_asks_for_all_is_not_checked(tmp_path: Path) -> None:
    async def run(registry: Registry) -> None:
        async with reading(tmp_path, registry) as ask:
            await ask(f"app@{APP.digest}", None)
            registry.seen.clear()
            await ask(f"app@{APP.digest}", None)
            assert registry.seen == []

    with Registry({"example/app": {"1.0": APP}}) as registry:
        asyncio.run(run(registry))


def test_a_registry_that_hangs_holds_up_its_own_images_only(tmp_path: Path) -> None:
    async def run(stuck: Registry, sound: Registry) -> None:
        async with reading(tmp_path, sound, concurrency=1) as ask:
            waiting = [
                asyncio.ensure_future(ask(stuck.reference(f"example/{n}:1.0"), None))
                for n in range(6)
            ]
            assert await asyncio.to_thread(began.wait, 20)
            assert await ask("app:1.0", None) == APP.digest
            assert not any(task.done() for task in waiting)
            assert {seen.path for seen in stuck.seen} == {
                "/v2/example/0/manifests/1.0"
            }  # its lane has one place
            stuck.stopping.set()
            await asyncio.gather(*waiting, return_exceptions=True)

    began = threading.Event()

    def hanging(registry: Registry) -> Iterator[bytes]:
        began.set()
        registry.stopping.wait(20)
        yield b""

    with Registry({}) as stuck, Registry({"example/app": {"1.0": APP}}) as sound:
        for number in range(6):
            stuck.answer(
                f"/v2/example/{number}/manifests/1.0", Answer(405), Answer(body=hanging(stuck))
            )
        asyncio.run(run(stuck, sound))


def test_what_is_hostile_is_not_stored_and_leaves_other_images_alone(tmp_path: Path) -> None:
    lie = Blob(f"{OCI_LAYER}", BASE, claims="sha256:" + "1" * 64)
    hostile = image([lie], config={"rootfs": {"type": "layers", "diff_ids": [lie.digest]}})

    async def run(registry: Registry) -> None:
        async with reading(tmp_path, registry) as ask:
            bad, good = await asyncio.gather(
                ask("bad:1.0", None), ask("app:1.0", None), return_exceptions=True
            )
            assert isinstance(bad, UnreadableError)
            assert bad.reason is UnknownReason.IMAGE_INVALID
            assert good == APP.digest
        store = SqliteStore(tmp_path / "facts.db")
        assert store.get(Kind.LAYER, lie.digest) is None
        assert store.get(Kind.LAYER, APP.children[1].digest) is not None
        store.close()

    with Registry({"example/app": {"1.0": APP}, "example/bad": {"1.0": hostile}}) as registry:
        asyncio.run(run(registry))


def test_the_largest_layer_is_read_first(tmp_path: Path) -> None:
    """With more layers than cores, nobody waits in the end for one that was begun last."""
    sizes = (10_000, 40_000, 0, 20_000)
    layers = [tarball({str(size): random.Random(size).randbytes(size)}) for size in sizes]  # noqa: S311 - no secrets
    app = image(layers)

    async def run(registry: Registry) -> None:
        async with reading(tmp_path, registry, concurrency=1) as ask:
            assert await ask("app:1.0", None) == app.digest

    with Registry({"example/app": {"1.0": app}}) as registry:
        asyncio.run(run(registry))
        asked = [path.rpartition("/")[2] for path in registry.paths("GET") if "/blobs/" in path]
    config, *blobs = app.children
    assert asked == [config.digest, *(blobs[at].digest for at in (1, 3, 0, 2))]


def test_what_each_runtime_would_pull_is_what_is_read(tmp_path: Path) -> None:
    """amd64 nodes take an image for 386 with containerd, and none with CRI-O."""

    async def run(registry: Registry) -> None:
        store, registries = SqliteStore(tmp_path / "facts.db"), Registries()
        reader = Reader(store=store)
        reference = Reference.parse(registry.reference("example/app:1.0"))
        located = Located(str(reference), registries.repository(reference), reference.target)
        assert (await reader.read(located, AMD64, "containerd"))[1] is not None
        assert (await reader.read(located, AMD64, None))[1] is not None
        assert (await reader.read(located, AMD64, "cri-o"))[1] is None
        await reader.close()
        registries.close()
        store.close()

    with Registry(
        {"example/app": {"1.0": index([image([BASE], platform="linux/386")])}}
    ) as registry:
        asyncio.run(run(registry))
