"""What every predictor says of the same image and question, in this process or in one of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from elfgate.isolation.children import Zygote
from elfgate.isolation.pool import Pool
from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.report import Surveyed
from elfgate.needs.facts import Needs
from elfgate.platforms import Platform
from elfgate.rootfs.layer import Layer
from elfgate.scan.inquiry import Foreseen, Inquiry, Predictor
from elfgate.scan.local import LocalPredictor
from elfgate.scan.located import Contents
from support import image, tarball

INJECTED = ("libadded*.so*",)
SCRIPT = '#!/bin/sh\nset -e\nif [ "$1" = x ]; then shift; fi\nexec "$@"\n'
OVERRIDES: Mapping[str, Mapping[str, Any]] = {
    "as it is": {},
    "another command": {"command": ("/bin/sh", "-c", "exec /app --serve"), "args": ()},
    "a command on PATH": {"command": ("app",), "env": {"PATH": "/nowhere:/"}},
    "a script": {"command": ("/entrypoint.sh",), "args": ("x", "/app")},
    "nothing of that name": {"command": ("/missing",)},
    "under a volume": {"mounts": ("/app",)},
    "an unknown environment": {"unknown_env": frozenset({"LD_LIBRARY_PATH", "PATH"})},
    "a name that is no text": {"command": ("/bin/\udcff\udc80",)},
    "another user": {"user": 1000, "groups": frozenset({7, 5}), "no_new_privileges": True},
}


def layers(architecture: str) -> Mapping[str, tuple[Layer, ...]]:
    """Images of one architecture, bottom layer first."""
    own = {"entrypoint.sh": tarball.program(SCRIPT.encode())}
    glibc = image.glibc_program(architecture, needed=["libc.so.6", "libmissing.so.1"])
    return {
        "musl": (
            tarball.layer(image.alpine(architecture)),
            tarball.layer({"app": image.musl_program(architecture), **own}),
        ),
        "glibc": (
            tarball.layer(image.debian(architecture)),
            tarball.layer({"app": image.glibc_program(architecture), **own}),
        ),
        "a library is missing": (
            tarball.layer(image.debian(architecture)),
            tarball.layer({"app": glibc, **own}),
        ),
        "glibc on musl": (
            tarball.layer(image.alpine(architecture)),
            tarball.layer({"app": image.glibc_program(architecture), **own}),
        ),
        "static": (tarball.layer({"app": image.static_program(architecture)}),),
        "empty": (),
    }


def questions(architecture: str) -> Iterator[tuple[str, Contents, Inquiry]]:
    """Every image of an architecture, started in every way, on its own platform and on another."""
    other = "arm64" if architecture != "arm64" else "amd64"
    node = NodeFacts(page_size=4096, kernel=(5, 15, 0), emulates=frozenset({other}))
    for number, (name, found) in enumerate(layers(architecture).items()):
        contents = Contents(
            f"sha256:{number:064x}",
            Platform("linux", architecture),
            ImageDefaults(("/app",), ("--serve",), {"PATH": "/bin:/usr/bin"}),
            tuple((f"sha256:{architecture}{number}{at}", layer) for at, layer in enumerate(found)),
        )
        for way, changes in OVERRIDES.items():
            overrides = Overrides(**changes)
            yield f"{name}, {way}", contents, Inquiry(Platform("linux", architecture), overrides)
            yield (
                f"{name}, {way}, explained",
                contents,
                Inquiry(Platform("linux", other), overrides, node, explain=True),
            )


@asynccontextmanager
async def in_processes() -> AsyncIterator[Predictor]:
    zygote = Zygote()
    pool = Pool(zygote, injected=INJECTED)
    try:
        yield pool
    finally:
        await pool.close()
        zygote.close()


@pytest.mark.parametrize("architecture", ["amd64", "arm64", "ppc64le", "s390x"])
def test_all_say_the_same(architecture: str) -> None:
    asked = list(questions(architecture))

    async def answers(predictor: Predictor) -> dict[str, Foreseen]:
        return {
            name: await predictor.predict(contents, inquiry) for name, contents, inquiry in asked
        }

    async def main() -> list[dict[str, Foreseen]]:
        async with in_processes() as pool:
            return [await answers(one) for one in (LocalPredictor(INJECTED), pool)]

    here, there = asyncio.run(main())
    assert len(here) == 6 * 2 * len(OVERRIDES)
    assert here == there
    assert len({str(answer.prediction.findings) for answer in here.values()}) > 10


def test_all_find_the_same_else() -> None:
    async def main() -> list[tuple[Surveyed, ...]]:
        platform = Platform("linux", "amd64")
        found = layers("amd64")["a library is missing"]
        contents = Contents("", platform, ImageDefaults(), tuple(("", layer) for layer in found))
        async with in_processes() as pool:
            return [await one.survey(contents, platform) for one in (LocalPredictor(), pool)]

    here, there = asyncio.run(main())
    assert here == there
    assert [surveyed.path for surveyed in here] == ["/app", "/entrypoint.sh"]


def test_all_tell_the_same_needs() -> None:
    async def main() -> list[dict[str, Needs]]:
        async with in_processes() as pool:
            return [
                {
                    name: await one.needs(contents, inquiry)
                    for name, contents, inquiry in questions("ppc64le")
                }
                for one in (LocalPredictor(INJECTED), pool)
            ]

    here, there = asyncio.run(main())
    assert here == there
    assert len({needs.own for needs in here.values()}) > 3
