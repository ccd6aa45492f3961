"""Images that settings have read elsewhere than in their registry: a layout stands in for it."""

import asyncio
from pathlib import Path

from elfgate.platforms import Platform
from elfgate.wiring.images import Reading, scanner
from support import founding

POWER = Platform("linux", "ppc64le")


def test_an_image_read_from_a_layout_is_a_remedy_for_another_of_its_repository(
    tmp_path: Path,
) -> None:
    alpine, debian = (f"{founding.REPOSITORY}:2-{name}" for name in ("alpine", "debian"))

    async def run() -> list[str]:
        async with scanner(Reading(images=founding.write(tmp_path), store=None)) as scanning:
            for image in (debian, alpine):
                await scanning.linkage(image, POWER)
            return await scanning.kept.alternatives(alpine, POWER)

    assert asyncio.run(run()) == [debian]
