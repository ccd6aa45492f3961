"""Known tags while their registry is slow: what starts goes on, and nothing is refused by an old answer."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from elfgate.scan import access
from support import founding
from support.judging import judging, real_node
from support.objects import container, pod
from support.registry import Answer, Registry
from support.tenants import silent

NODES = [real_node("p", "ppc64le")]
MANIFEST = f"/v2/{founding.REPOSITORY}/manifests"


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry({founding.REPOSITORY: founding.images()}) as running:
        yield running


@pytest.mark.parametrize("way", ["silent", "failing"])
def test_what_starts_stays_known_and_what_cannot_is_unknown(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(access, "TAG_SECONDS", 0.0)
    monkeypatch.setattr(access, "_AGAIN", 0.0)
    clock, passed = time.monotonic, 0.0
    monkeypatch.setattr(time, "monotonic", lambda: clock() + passed)
    good, bad = (
        pod(container(image=registry.reference(f"{founding.REPOSITORY}:{tag}")))
        for tag in ("2-debian", "2-alpine")
    )

    async def main() -> None:
        nonlocal passed
        async with judging(tmp_path, registry, NODES) as judge:
            assert (await judge.ask(good))["allowed"]
            assert not (await judge.ask(bad))["allowed"]
            for tag in ("2-debian", "2-alpine"):
                body = Answer(body=silent(registry)) if way == "silent" else Answer(503)
                registry.answer(f"{MANIFEST}/{tag}", Answer(405), body)
            passed = 31.0  # the answers to reviews hold half a minute
            still = await judge.ask(good)
            assert still["allowed"]
            assert "warnings" not in still
            unsure = await judge.ask(bad)
            assert unsure["allowed"]
            assert "when its registry last answered" in " ".join(unsure["warnings"])
            passed += access.OLD_SECONDS
            later = await judge.ask(good, deadline=1.5)
            assert later["allowed"]
            assert later["warnings"]
            registry.stopping.set()

    asyncio.run(main())
