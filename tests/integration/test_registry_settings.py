"""What ``registries`` in the settings does, from the settings to the registry."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from elfgate.platforms import Platform
from elfgate.settings import Settings
from elfgate.wiring import images as wiring
from support.oci import image
from support.registry import Answer, Registry
from support.tarball import tarball

APP = image([tarball({"one": "x"}), tarball({"two": "x"})])


@pytest.mark.parametrize(("concurrency", "at_once"), [(1, False), (2, True)])
def test_so_many_things_of_one_registry_are_read_at_a_time(
    tmp_path: Path, concurrency: int, at_once: bool
) -> None:
    met: list[bool] = []
    barrier = threading.Barrier(2)

    def meeting(data: bytes) -> Iterator[bytes]:
        """Wait for the other layer to be asked for."""
        try:
            barrier.wait(30.0 if at_once else 0.3)
            met.append(True)
        except threading.BrokenBarrierError:
            met.append(False)
        yield data

    async def read(settings: Settings, name: str) -> None:
        async with wiring.reader(wiring.Reading.of_settings(settings)) as (reader, locate):
            await reader.read(locate(name), Platform("linux", "amd64"))

    with Registry({"example/app": {"1.0": APP}}) as registry:
        for layer in APP.children[1:]:
            registry.answer(
                f"/v2/example/app/blobs/{layer.digest}", Answer(body=meeting(layer.data))
            )
        registries = {"concurrency": concurrency, "insecure": (registry.host,)}
        settings = Settings.model_validate(
            {"registries": registries, "store": {"path": tmp_path / "facts.db"}}
        )
        asyncio.run(read(settings, registry.reference("example/app:1.0")))
    assert met == [at_once, at_once]
