"""The same object is judged alike wherever it is asked about: by the webhook, and on the command line."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from elfgate.cli.main import main
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import read_node
from elfgate.gate.gate import Gate
from elfgate.server.validate import Validator
from elfgate.wiring import images as wiring
from elfgate.wiring.policies import Judging, engine
from support import object_cases
from support.judging import answered, review_of
from support.object_cases import Case

CASES = object_cases.cases()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return object_cases.write_images(tmp_path_factory.mktemp("images"))


def webhook(case: Case, images: dict[str, str], **fields: Any) -> tuple[str, str]:
    """The verdict of the webhook, and what it says."""

    async def judged() -> dict[str, Any]:
        nodes = Inventory(map(read_node, object_cases.nodes_of(case)))
        policies = await engine(Judging())
        try:
            async with wiring.scanner(wiring.Reading(images=images, store=None)) as scanner:
                validator = Validator(
                    gate=Gate(nodes, scanner, policies),
                    nodes_known=lambda: True,
                    live_engine=policies.live,
                    sights=policies.live.sights,
                )
                body = review_of(object_cases.object_of(case), **fields)
                found = await answered(validator, body)
        finally:
            await policies.close()
        response: dict[str, Any] = json.loads(found.body)["response"]
        return response

    response = asyncio.run(judged())
    if not response["allowed"]:
        return "denied", response["status"]["message"]
    told = response.get("warnings", [])
    return "warned" if told else "admitted", "\n".join(told)


def check(
    case: Case,
    images: dict[str, str],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    *options: str,
) -> tuple[str, str]:
    """The verdict of the command line, and what it says."""
    manifest, nodes = folder / "object.json", folder / "nodes.json"
    manifest.write_text(json.dumps(object_cases.object_of(case)))
    nodes.write_text(json.dumps({"kind": "List", "items": object_cases.nodes_of(case)}))
    named = {name: place for name, place in images.items() if name in manifest.read_text()}
    where = [word for pair in named.items() for word in ("--image", "=".join(pair))]
    main(["check", str(manifest), "--nodes", str(nodes), "-o", "json", *where, *options])
    (result,) = json.loads(capsys.readouterr().out)["results"]
    return result["verdict"], json.dumps(result)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_an_object_is_judged_alike_by_the_webhook_and_on_the_command_line(
    case: Case, images: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("nodes: {stale_seconds: 5}\n")
    verdict, words = webhook(case, images)

    assert (verdict, case.get("says", "") in words) == (case["should"], True), words
    assert check(case, images, tmp_path, capsys)[0] == verdict
    assert check(case, images, tmp_path, capsys, "--config", str(settings))[0] == verdict


def test_settings_say_where_images_are_on_the_command_line_too(
    images: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(json.dumps({"images": images, "nodes": {"watch": True}}))
    spec = {"containers": [{"name": "c", "image": "ex/amd64only:1"}]}
    case = {"nodes": ["arm"], "spec": spec}
    assert check(case, {}, tmp_path, capsys, "--config", str(settings))[0] == "denied"


def _deployment(kind: str = "Deployment", **fields: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "ex/amd64only:1", **fields}
    template = {"spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": template},
    }


@pytest.mark.parametrize(
    ("nodes", "before", "after", "verdict"),
    [
        # The nodes that start it are gone for an hour: an edit that leaves the image alone passes.
        (["arm"], _deployment(), _deployment(env=[{"name": "A", "value": "b"}]), "warned"),
        (["arm"], _deployment(), _deployment(image="ex/single:1"), "denied"),
        # A DaemonSet: what starts no longer where it started is refused, what never did is warned of.
        (
            ["amd", "arm"],
            _deployment("DaemonSet", image="ex/shell:1", command=["/app"]),
            _deployment("DaemonSet"),
            "denied",
        ),
        (
            ["amd", "arm"],
            _deployment("DaemonSet"),
            _deployment("DaemonSet", env=[{"name": "A", "value": "b"}]),
            "warned",
        ),
    ],
)
def test_an_update_is_judged_by_what_it_makes_worse(
    nodes: list[str],
    before: dict[str, Any],
    after: dict[str, Any],
    verdict: str,
    images: dict[str, str],
) -> None:
    case = {"nodes": nodes, "object": after}
    assert webhook(case, images, operation="UPDATE", oldObject=before)[0] == verdict
