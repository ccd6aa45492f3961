"""What is known of an image that has left memory."""

import asyncio
from pathlib import Path

from elfgate.linkage.inputs import Overrides
from elfgate.linkage.report import Outcome
from elfgate.platforms import Platform
from elfgate.scan.located import Contents
from elfgate.scan.remembered import Remembered
from elfgate.settings.images import Registries
from elfgate.wiring import images as wiring
from support import founding
from support.registry import Registry

POWER = Platform("linux", "ppc64le")


def test_what_was_predicted_of_an_image_is_said_again_though_the_image_is_not_in_memory(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        with Registry({founding.REPOSITORY: founding.images()}) as registry:
            name = registry.reference(f"{founding.REPOSITORY}:2-alpine")
            reading = wiring.Reading(
                registries=Registries(insecure=(registry.host,)), store=tmp_path / "facts.db"
            )
            async with wiring.scanner(reading) as scanner:
                first = await scanner.linkage(name, POWER)
                assert first.outcome is Outcome.CANNOT_START
                assert await scanner.linkage(name, POWER) == first  # from the store now
                _forget(scanner._reader._remembered)
                _empty(tmp_path)
                asked = len(registry.seen)
                assert await scanner.linkage(name, POWER) == first
                assert len(registry.seen) == asked
                # Another question is another matter: the image is read anew for it.
                other = await scanner.linkage(name, POWER, Overrides(command=("/bin/sh",)))
                assert other.outcome is Outcome.STARTS
                assert len(registry.seen) > asked

    asyncio.run(main())


def _forget(remembered: Remembered[Contents]) -> None:
    for name in tuple(remembered._layers):
        remembered.forget_layer(name)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
