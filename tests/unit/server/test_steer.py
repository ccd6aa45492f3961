"""The mutating door: judged as at the validating one, on real images."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elfgate.server.steer import Steerer
from support import founding
from support.judging import Judging, answered, judging, real_node, review_of
from support.objects import container, deployment, pod
from support.patch import patched
from support.registry import Answer, Registry

NODES = [real_node("a", "amd64"), real_node("p", "ppc64le")]


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry({founding.REPOSITORY: founding.images()}) as running:
        yield running


def server(registry: Registry, tag: str = "2-alpine") -> dict[str, Any]:
    return container(image=registry.reference(f"{founding.REPOSITORY}:{tag}"))


async def mutate(steerer: Steerer, obj: dict[str, Any], **fields: Any) -> dict[str, Any]:
    told = await answered(steerer, review_of(obj, **fields))
    response: dict[str, Any] = json.loads(told.body)["response"]
    assert (response["uid"], response["allowed"]) == ("u", True)
    return response


def after(obj: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    assert response["patchType"] == "JSONPatch"
    result: dict[str, Any] = patched(obj, json.loads(base64.b64decode(response["patch"])))
    return result


def test_what_is_exempt_is_not_steered(tmp_path: Path, registry: Registry) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            assert "patch" not in await mutate(
                Steerer(judge.validator), pod(server(registry)), namespace="kube-system"
            )

    asyncio.run(main())


def test_a_pod_is_kept_to_where_it_starts_and_then_left_alone(
    tmp_path: Path, registry: Registry
) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            steerer = Steerer(judge.validator)
            for annotations in (
                {},
                {"a": "b"},
                None,
            ):  # the second and third are answered from memory
                one = pod(server(registry))
                one["metadata"] |= {} if annotations is None else {"annotations": annotations}
                response = await mutate(steerer, one)
                assert response["auditAnnotations"] == {"steered-to": "amd64"}
                steered = after(one, response)
                assert steered["metadata"]["annotations"] == (annotations or {}) | {
                    "elfgate.dev/steered-to": "amd64"
                }
                assert "patch" not in await mutate(steerer, steered)
                assert (await judge.ask(one))["warnings"]
                assert "warnings" not in await judge.ask(steered)

    asyncio.run(main())


def test_nothing_else_is_patched(tmp_path: Path, registry: Registry) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            steerer = Steerer(judge.validator)
            starts_everywhere = pod(server(registry, "2-debian"))
            starts_nowhere = pod(server(registry), nodeSelector={"kubernetes.io/arch": "ppc64le"})
            bound = pod(server(registry), nodeName="p")
            for obj in (starts_everywhere, starts_nowhere, bound, deployment()):
                assert "patch" not in await mutate(steerer, obj)
            assert "patch" not in await mutate(steerer, pod(server(registry)), operation="UPDATE")
            assert "patch" not in await mutate(
                steerer, pod(server(registry)), subResource="ephemeralcontainers"
            )
            registry.answer(f"/v2/{founding.REPOSITORY}/manifests/2", Answer(503))
            assert "patch" not in await mutate(steerer, pod(server(registry, "2")))
            await denied(judge, starts_nowhere)

    asyncio.run(main())


async def denied(judge: Judging, obj: dict[str, Any]) -> None:
    assert not (await judge.ask(obj))["allowed"]
