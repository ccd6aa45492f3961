"""A folder has one address for all that is read of it, whoever asks at the same time."""

import asyncio
from pathlib import Path

from elfgate.images.directory import Directory
from elfgate.images.source import Limits
from elfgate.platforms import Platform
from elfgate.scan.located import Located
from elfgate.scan.reader import Reader
from elfgate.store.memory import MemoryStore


async def read(folder: Path) -> list[bool]:
    """Whether each of three platforms of a folder could be read, all at once."""
    located = Located("dir:x", Directory(str(folder), Limits()), "")
    reader = Reader(store=MemoryStore())
    try:
        reads = (
            reader.read(located, Platform("linux", name)) for name in ("amd64", "arm64", "s390x")
        )
        return [contents is not None for _, contents in await asyncio.gather(*reads)]
    finally:
        await reader.close()


def test_platforms_of_a_folder_are_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "app").write_text("#!/bin/sh\n")
    assert asyncio.run(read(tmp_path)) == [True] * 3
