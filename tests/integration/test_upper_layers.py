"""Upper layers are read first, and those below only if the start turns on them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from elfgate.images.auth import Credential
from elfgate.images.keyring import Keyring
from elfgate.linkage.inputs import Overrides
from elfgate.linkage.report import Outcome
from elfgate.platforms import Platform
from elfgate.scan.asker import ANYBODY, Asker
from elfgate.scan.scanner import Linkage, Scanner
from elfgate.settings import Settings
from elfgate.wiring import images as wiring
from elfgate.wiring.isolation import Isolation
from support.elf_file import elf_file
from support.oci import Blob, image
from support.registry import Answer, Registry
from support.tarball import directory, program, tarball

AMD64 = Platform("linux", "amd64")
STATIC = program(elf_file("amd64", type=2))
BASE = tarball({"etc/": directory(), "etc/os-release": "ID=acme\nVERSION_ID=7\n", "x": "x" * 9000})
MORE = tarball({"opt/": directory(), "opt/data": "y" * (3 << 20)})


def served(top: bytes, *below: bytes, entrypoint: str = "/app/server") -> Blob:
    return image([*(below or (BASE, MORE)), top], entrypoint=[entrypoint], compression="plain")


def of(content: bytes) -> bytes:
    return tarball({"app/": directory(), "app/server": program(content)})


APP = served(of(elf_file("amd64", type=2)))
NOT_HERE = Answer(404)
DYNAMIC = served(of(elf_file("amd64", interp="/lib64/ld-linux-x86-64.so.2")))


@asynccontextmanager
async def scanning(
    registry: Registry,
    store: Path,
    *,
    by_upper: Callable[[], bool] = lambda: True,
    isolation: Isolation = "none",
) -> AsyncIterator[Scanner]:
    settings = Settings.model_validate(
        {"registries": {"insecure": (registry.host,)}, "store": {"path": store}}
    )
    reading = replace(
        wiring.Reading.of_settings(settings), wait=None, by_upper=by_upper, isolation=isolation
    )
    async with wiring.scanner(reading) as scanner:
        yield scanner


def read(registry: Registry, of: Blob) -> list[int]:
    """Which of an image's layers were asked for, from the bottom up."""
    layers = [f"/v2/example/app/blobs/{layer.digest}" for layer in of.children[1:]]
    return [at for at, path in enumerate(layers) if path in registry.paths("GET")]


async def asked(scanner: Scanner, registry: Registry, asker: Asker = ANYBODY) -> Linkage:
    return await scanner.linkage(registry.reference("example/app:1"), AMD64, asker=asker)


@pytest.mark.parametrize("isolation", ["none", "required"])
def test_a_static_program_in_the_top_layer_needs_no_base(
    tmp_path: Path, isolation: Isolation
) -> None:
    async def run() -> None:
        with Registry({"example/app": {"1": APP}}) as registry:
            async with scanning(registry, tmp_path / "facts.db", isolation=isolation) as scanner:
                first = await asked(scanner, registry)
                assert (first.outcome, first.variant.id) == (Outcome.STARTS, "unknown")
                assert first.manifest == APP.digest
                assert scanner.at_hand(first.image, AMD64) is not None
            async with scanning(registry, tmp_path / "facts.db", isolation=isolation) as scanner:
                assert (await asked(scanner, registry)).outcome is Outcome.STARTS
            assert read(registry, APP) == [2]

    asyncio.run(run())


@pytest.mark.parametrize("isolation", ["none", "required"])
def test_a_program_that_needs_its_base_has_it_read(tmp_path: Path, isolation: Isolation) -> None:
    async def run() -> None:
        with Registry({"example/app": {"1": DYNAMIC}}) as registry:
            async with scanning(registry, tmp_path / "facts.db", isolation=isolation) as scanner:
                told = await asked(scanner, registry)
                assert (told.outcome, told.variant.id) == (Outcome.CANNOT_START, "acme")
                assert read(registry, DYNAMIC) == [0, 1, 2]

    asyncio.run(run())


def test_another_command_has_the_rest_read(tmp_path: Path) -> None:
    async def run() -> None:
        with Registry({"example/app": {"1": APP}}) as registry:
            async with scanning(registry, tmp_path / "facts.db") as scanner:
                first = await asked(scanner, registry)
                other = Overrides(command=("/opt/data",))
                told = await scanner.linkage(first.image, AMD64, other)
                assert told.outcome is Outcome.CANNOT_START
                assert told.variant.id == "acme"

    asyncio.run(run())


def test_where_policies_look_at_an_images_nature_it_is_read(tmp_path: Path) -> None:
    looks = [False]

    async def run() -> None:
        with Registry({"example/app": {"1": APP}}) as registry:
            by_upper = lambda: not looks[0]  # noqa: E731
            async with scanning(registry, tmp_path / "facts.db", by_upper=by_upper) as scanner:
                first = await asked(scanner, registry)
                looks[0] = True
                assert scanner.at_hand(first.image, AMD64) is None
                assert (await asked(scanner, registry)).variant.id == "acme"
                assert read(registry, APP) == [0, 1, 2]
                assert scanner.at_hand(first.image, AMD64) is not None

    asyncio.run(run())


def test_small_layers_are_read_along_with_the_top_one(tmp_path: Path) -> None:
    label = tarball({"etc/": directory(), "etc/label": "x"})
    small = served(label, MORE, of(elf_file("amd64", type=2)))

    async def run() -> None:
        with Registry({"example/app": {"1": small}}) as registry:
            async with scanning(registry, tmp_path / "facts.db") as scanner:
                assert (await asked(scanner, registry)).outcome is Outcome.STARTS
            assert read(registry, small) == [1, 2]

    asyncio.run(run())


def test_an_image_that_takes_too_long_is_read_whole_for_the_next_to_ask(tmp_path: Path) -> None:
    gone = threading.Event()
    top = APP.children[-1]

    def slow() -> Iterator[bytes]:
        yield top.data[:512]
        gone.wait(20)
        yield top.data[512:]

    async def run() -> None:
        with Registry({"example/app": {"1": APP}}) as registry:
            length = {"Content-Length": str(len(top.data))}
            path = f"/v2/example/app/blobs/{top.digest}"
            registry.answer(path, Answer(200, length, slow()))
            async with scanning(registry, tmp_path / "facts.db") as scanner:
                image = registry.reference("example/app:1")
                early = await scanner.linkage(image, AMD64, within=1.0)
                assert early.outcome is Outcome.UNKNOWN
                gone.set()
                while len(read(registry, APP)) < 3:  # noqa: ASYNC110 - the registry has threads
                    await asyncio.sleep(0.05)
                assert (await scanner.linkage(image, AMD64)).outcome is Outcome.STARTS
                other = Overrides(command=("/opt/none",))  # for which all layers are waited for
                told = await scanner.linkage(image, AMD64, other)
                assert told.outcome is Outcome.CANNOT_START
                assert registry.paths("GET").count(path) == 1

    asyncio.run(asyncio.wait_for(run(), 30))


def test_an_image_that_was_read_by_its_upper_layers_is_a_remedy(tmp_path: Path) -> None:
    images = {"example/app": {"1": APP, "2": DYNAMIC}}

    async def run() -> None:
        with Registry(images) as registry:
            async with scanning(registry, tmp_path / "facts.db") as scanner:
                one, two = (registry.reference(f"example/app:{tag}") for tag in "12")
                assert (await scanner.linkage(one, AMD64)).outcome is Outcome.STARTS
                assert (await scanner.linkage(two, AMD64)).outcome is Outcome.CANNOT_START
                found: list[str] = []
                for _ in range(600):  # where a tag points is written meanwhile
                    found = found or await scanner.kept.alternatives(two, AMD64)
                    await asyncio.sleep(0 if found else 0.05)
                assert found == [one]
                known = await scanner.kept.linkage(one, APP.digest, AMD64)
                assert known is not None
                assert known.outcome is Outcome.STARTS

    asyncio.run(run())


def test_layers_of_one_image_are_unpacked_at_the_same_time(tmp_path: Path) -> None:
    """Each has a process of its own: neither ends before both have begun."""
    together = threading.Barrier(2, timeout=20)
    two = served(of(elf_file("amd64", type=2)), MORE)

    def waiting(layer: Blob) -> Iterator[bytes]:
        yield layer.data[:512]
        together.wait()
        yield layer.data[512:]

    async def run() -> None:
        with Registry({"example/app": {"1": two}}) as registry:
            for layer in two.children[1:]:
                length = {"Content-Length": str(len(layer.data))}
                path = f"/v2/example/app/blobs/{layer.digest}"
                registry.answer(path, Answer(200, length, waiting(layer)))
            async with scanning(
                registry, tmp_path / "facts.db", by_upper=lambda: False, isolation="required"
            ) as scanner:
                assert (await asked(scanner, registry)).outcome is Outcome.STARTS

    asyncio.run(run())


def test_what_upper_layers_tell_one_tenant_tells_another_nothing_of_those_below(
    tmp_path: Path,
) -> None:
    """Its own registry gives a stranger the manifest and the top layer, and no other layer."""

    async def run() -> None:
        private = Registry(
            {"example/app": {"1": DYNAMIC}}, auth="basic", username="acme", password="s3cret"
        )
        with private, Registry({"example/app": {"1": DYNAMIC}}) as own:
            async with scanning(private, tmp_path / "facts.db") as scanner:
                keyring = Keyring([(private.host, Credential("acme", "s3cret"))])
                mine = await asked(scanner, private, Asker("acme", keyring))
                assert mine.outcome is Outcome.CANNOT_START
                for layer in DYNAMIC.children[1:-1]:
                    own.answer(f"/v2/example/app/blobs/{layer.digest}", *[NOT_HERE] * 99)
                told = await asked(scanner, own, Asker("stranger", Keyring(())))
                assert told.outcome is Outcome.UNKNOWN

    asyncio.run(run())
