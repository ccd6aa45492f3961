"""What a process keeps of images is bounded in bytes, whatever their manifests hold."""

import asyncio
import gc
import json
import tracemalloc
from pathlib import Path

from elfgate.images.pared import MOST_BYTES
from elfgate.platforms import Platform
from support.elf_file import elf_file
from support.oci import Blob, image
from support.registry import Registry
from support.tarball import program, tarball
from support.tenants import reading

PLATFORMS = [Platform("linux", name) for name in ("amd64", "arm64", "ppc64le", "s390x")]
COUNT, WORDY = 12, 64
MEGABYTES = 3


def heavy(number: int) -> Blob:
    """An image whose only layer's descriptor has megabytes of annotations."""
    light = image([tarball({f"bin/{number}": program(elf_file("amd64"))})])
    document = json.loads(light.data)
    document["layers"][0]["annotations"] = {"note": f"{number:x}" * (MEGABYTES << 20)}
    return Blob(light.media_type, json.dumps(document).encode(), light.children)


def wordy(number: int) -> Blob:
    """An image with nearly as long an environment as is read of one."""
    layer = tarball({f"bin/{number}": program(elf_file("amd64"))})
    return image([layer], env=[f"NOTE={number}" + "x" * (MOST_BYTES - 1_000)])


def test_annotations_and_configs_that_nobody_uses_are_not_kept(tmp_path: Path) -> None:
    images = {f"example/{n}": {"1.0": heavy(n)} for n in range(COUNT)}
    images |= {f"example/wordy-{n}": {"1.0": wordy(n)} for n in range(WORDY)}

    async def run(registry: Registry) -> float:
        async with reading(tmp_path) as tenants:
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            for name in images:
                for platform in PLATFORMS:
                    await tenants.read(registry.reference(f"{name}:1.0"), platform=platform)
            gc.collect()
            return (tracemalloc.get_traced_memory()[0] - before) / (1 << 20)

    with Registry(images) as registry:
        tracemalloc.start()
        try:
            kept = asyncio.run(run(registry))
        finally:
            tracemalloc.stop()
    # All manifests have 36 MiB, and all configs 16. In hand are the last image's settings, and a body or two
    # that the registry's threads, which are this process's too, have just sent.
    assert kept < 4 * MEGABYTES
