"""What a refusal says to do, done as it says, leads to an admission."""

import json
import re
from typing import Any

import pytest

from elfgate.policy import bundle, cases
from elfgate.policy.config import PolicyConfig
from elfgate.policy.embedded import EmbeddedEngine

STEPS = 2
SHIPPED = EmbeddedEngine(bundle.load())
DENIED = [case for case in cases.shipped() if "denied" in case]
Violation = dict[str, Any]
Facts = dict[str, Any]


def judged(engine: EmbeddedEngine, document: Facts) -> dict[str, Any]:
    """The verdict on a document."""
    verdict: dict[str, Any] = json.loads(
        engine.query("data.elfgate.main.verdict", json.dumps(document))
    )
    return verdict


def followed(document: Facts, denials: list[Violation]) -> Facts:
    """The document after each refusal's way out is taken: the first of its ways, as a reader would.

    Of an image that is named nothing is taken to start but where the refusal says so.
    """
    before = json.loads(json.dumps(document))
    after = json.loads(json.dumps(document))
    done: set[str] = set()
    for denial in denials:
        name, way = denial["container"], denial["remedy"].partition(", or ")[0]
        if use := re.match(r"use (\S+), which starts on (.*)", way):
            if name not in done:
                _replace(after, name, use[1], _listed(use[2].partition(" but ")[0]))
            done.add(name)
        elif at := _SELECTED.fullmatch(way):
            kept = at[1].split(", ")
            after["targets"] = [t for t in after["targets"] if t["architecture"] in kept]
        elif name:
            _repair(after, name, denial["platforms"])
    return after if after != before else {}


_SELECTED = re.compile(
    r"(?:set nodeSelector {kubernetes.io/arch: |add a node affinity: kubernetes.io/arch in \()"
    r"([^)}]*)[)}]"
)


def _listed(text: str) -> list[str]:
    return [f"linux/{platform}" for platform in re.split(", | and ", text)]


def _replace(document: Facts, name: str, image: str, starts: list[str]) -> None:
    for container in document["containers"]:
        if container["name"] == name:
            container["image"] = image
    for linkage in document["linkages"]:
        if linkage["container"] == name:
            platform = linkage["platform"]
            linkage.update(GOOD if platform in starts else _bad(platform))


GOOD: Facts = {"verdict": "starts", "findings": [], "alternatives": []}


def _bad(platform: str) -> Facts:
    why = {"code": "exec_format", "path": "/app", "effect": "fails", "message": f"not {platform}"}
    return {"verdict": "cannot-start", "findings": [why], "alternatives": []}


def _repair(document: Facts, name: str, platforms: list[str]) -> None:
    """Repair what is found of a container, and take its image by digest, supported everywhere."""
    for container in document["containers"]:
        if container["name"] == name:
            container |= {"digest": "sha256:" + "0" * 64, "repository": "example.test/supported"}
    for linkage in document["linkages"]:
        if linkage["container"] == name and linkage["platform"] in platforms:
            linkage.update(GOOD)


def steps(engine: EmbeddedEngine, document: Facts) -> int:
    """How often remedies are to be followed before the document is admitted."""
    for step in range(STEPS + 1):
        verdict = judged(engine, document)
        if verdict["allowed"]:
            return step
        document = followed(document, verdict["denials"])
        assert document, f"no way out: {verdict['denials']}"
    return STEPS + 1


@pytest.mark.parametrize("case", DENIED, ids=[case["name"] for case in DENIED])
def test_every_refusal_among_the_cases_is_left_in_two_steps(case: dict[str, Any]) -> None:
    config = PolicyConfig.model_validate(case.get("config", {}))
    engine = EmbeddedEngine(bundle.load(config=config))
    asked = cases.of_case(case)
    assert 1 <= steps(engine, asked.model_dump(mode="json")) <= STEPS


def apart() -> Facts:
    """Two containers, of which each has another image for another platform."""
    fails = {"findings": [{"code": "exec_format", "message": "built for another machine"}]}
    return cases.document(
        targets={"amd64": 1, "arm64": 1},
        containers={
            "a": {
                "image": "ex/a:1",
                "found": {"amd64": {**fails, "alternatives": ["ex/a:amd"]}, "arm64": fails},
            },
            "b": {
                "image": "ex/b:1",
                "found": {"amd64": fails, "arm64": {**fails, "alternatives": ["ex/b:arm"]}},
            },
        },
    ).model_dump(mode="json")


def test_no_images_are_named_that_start_only_apart() -> None:
    verdict = judged(SHIPPED, apart())
    assert not verdict["allowed"]
    assert "use ex/" not in json.dumps(verdict["denials"])
    assert steps(SHIPPED, apart()) == 1
