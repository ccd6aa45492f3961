"""Whose credentials count in a review, and for how long: pull secrets from an API server, images from a registry."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from elfgate.cluster.access import Access
from elfgate.cluster.api import Api
from elfgate.cluster.pullsecrets import PullSecrets
from elfgate.scan.reader import ACCESS_SECONDS
from elfgate.server.answers import SECONDS
from support import founding
from support.api_server import ApiServer
from support.judging import Judging, judging, real_node
from support.objects import container, pod
from support.registry import Answer, Registry

NODES = [real_node("p", "ppc64le")]
SECRET = "s3cret"
BAD = founding.images()["2-alpine"]


@pytest.fixture
def registry() -> Iterator[Registry]:
    images = {founding.REPOSITORY: founding.images()}
    with Registry(images, auth="basic", username="user", password=SECRET) as running:
        yield running


@asynccontextmanager
async def asked(folder: Path, registry: Registry) -> AsyncIterator[Judging]:
    """A webhook whose namespace ``shop`` has the registry's secret, and its namespace ``other`` none."""
    written = json.dumps(
        {"auths": {registry.host: {"username": "user", "password": SECRET}}}
    ).encode()
    data = {".dockerconfigjson": base64.b64encode(written).decode()}
    with ApiServer() as server:
        server.objects["shop/secrets/key"] = {
            "type": "kubernetes.io/dockerconfigjson",
            "data": data,
        }
        server.objects["shop/serviceaccounts/builder"] = {"imagePullSecrets": [{"name": "key"}]}
        with Api(Access(server.kubeconfig(folder))) as api:
            async with judging(folder, registry, NODES, pull_secrets=PullSecrets(api)) as judge:
                yield judge


def private(registry: Registry, **spec: Any) -> dict[str, Any]:
    """A pod of an image, by digest, that cannot start on the only node."""
    return pod(container(image=registry.reference(f"{founding.REPOSITORY}@{BAD.digest}")), **spec)


KEY = {"imagePullSecrets": [{"name": "key"}]}


def credentials_lack(response: dict[str, Any]) -> bool:
    return response["allowed"] and "credentials" in " ".join(response.get("warnings", ()))


@pytest.mark.parametrize("spec", [KEY, {"serviceAccountName": "builder"}])
def test_each_namespace_is_told_what_its_own_secrets_open(
    tmp_path: Path, registry: Registry, spec: dict[str, Any]
) -> None:
    async def main() -> None:
        async with asked(tmp_path, registry) as judge:
            for _ in range(2):  # the second time from memory
                assert not (await judge.ask(private(registry, **spec)))["allowed"]
                assert credentials_lack(
                    await judge.ask(private(registry, **spec), namespace="other")
                )
                assert credentials_lack(await judge.ask(private(registry)))

    asyncio.run(main())


def test_an_answer_from_memory_does_not_outlive_the_access_that_it_rests_on(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, passed = time.monotonic, 0.0
    monkeypatch.setattr(time, "monotonic", lambda: clock() + passed)

    async def main() -> None:
        nonlocal passed
        async with asked(tmp_path, registry) as judge:
            obj = private(registry, **KEY)
            assert not (await judge.ask(obj))["allowed"]
            passed = (
                ACCESS_SECONDS - SECONDS / 2
            )  # the answer is made anew, on an access that holds half as long
            registry.answer(f"/v2/{founding.REPOSITORY}/manifests/{BAD.digest}", Answer(403))
            before = len(registry.seen)
            assert not (await judge.ask(obj))["allowed"]
            assert len(registry.seen) == before
            passed = ACCESS_SECONDS + 1.0
            assert credentials_lack(await judge.ask(obj))

    asyncio.run(main())
