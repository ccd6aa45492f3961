"""The webhook and ``elfgate check`` say the same of the same objects, under the same file of settings."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from elfgate.cli.main import main
from elfgate.policy.messages import denial, warnings
from elfgate.policy.verdict import Verdict, Violation
from support import object_cases
from support.judging import review_of
from support.objects import container, node, pod
from support.webhook import Webhook

IMAGES = ("shell", "amd64only", "stranger", "script", "named", "probed", "single")
KINDS = ("Pod", "Deployment", "DaemonSet", "CronJob")
NAMESPACES = (None, "shop", "team-a", "kube-system")
EXEMPTION = {"owner": "a", "reason": "b", "expires": "2999-12-31"}
SETTINGS: dict[str, dict[str, Any]] = {
    "as shipped": {},
    "a bound, with patterns": {"most": "warn", "namespaces": {"team-*": {"most": "deny"}}},
    "every platform, and whom to ask": {
        "require": "all",
        "help": "ask #platform",
        "rule_help": {"user_missing": "ask #images"},
        "namespaces": {"default": {"help": "ask #default"}},
    },
    "by point": {
        "points": {
            "pod": {"rules": {"user_missing": "warn"}},
            "workload": {"rules": {"platform_missing": "warn"}},
            "check": {},
        },
    },
    "exemptions": {
        "rules": {"unpinned_tag": "deny"},
        "exemptions": [
            {"namespace": "default", **EXEMPTION},
            {"namespace": "shop", "workload": "Deployment/web", **EXEMPTION},
            {"image": "ex/stranger", **EXEMPTION},
        ],
    },
}


def objects() -> list[dict[str, Any]]:
    """Each kind of object with each image in each namespace."""
    return [
        _object(kind, image, namespace)
        for kind in KINDS
        for image in IMAGES
        for namespace in NAMESPACES
    ]


def _object(kind: str, image: str, namespace: str | None) -> dict[str, Any]:
    template = {"spec": pod(container(image=f"ex/{image}:1"))["spec"]}
    metadata = {"name": "web"} | ({"namespace": namespace} if namespace else {})
    return {"kind": kind, "metadata": metadata, **_SHAPES[kind](template)}


_SHAPES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "Pod": lambda template: {"apiVersion": "v1", **template},
    "Deployment": lambda template: {"apiVersion": "apps/v1", "spec": {"template": template}},
    "DaemonSet": lambda template: {"apiVersion": "apps/v1", "spec": {"template": template}},
    "CronJob": lambda template: {
        "apiVersion": "batch/v1",
        "spec": {"jobTemplate": {"spec": {"template": template}}},
    },
}


def checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What ``elfgate check`` says of them."""
    manifests = folder / "all.yaml"
    manifests.write_text(yaml.safe_dump_all(objects()))
    words = ["check", manifests, "--nodes", folder / "nodes.json", "-o", "json"]
    main([*map(str, words), "--config", str(folder / "elfgate.yaml")])
    results: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["results"]
    return results


def violations(told: list[dict[str, Any]]) -> list[Violation]:
    """The findings of a document, without the fields that only documents have."""
    fields = Violation.model_fields
    return [Violation(**{name: each[name] for name in fields if name in each}) for each in told]


def said(result: dict[str, Any]) -> tuple[bool, str, list[str]]:
    """A result as the webhook would answer it."""
    verdict = Verdict(
        version=1,
        revision="",
        allowed=result["verdict"] != "denied",
        denials=violations(result["denials"]),
        warnings=violations(result["warnings"]),
    )
    return verdict.allowed, denial(verdict), warnings(verdict)


def answered(webhook: Webhook, obj: dict[str, Any]) -> tuple[bool, str, list[str]]:
    """The webhook's answer to an object that is created."""
    namespace = obj["metadata"].get("namespace", "default")
    response = webhook.review(review_of(obj, namespace=namespace))
    message = response.get("status", {}).get("message", "")
    return response["allowed"], message, response.get("warnings", [])


@pytest.mark.parametrize("policies", SETTINGS.values(), ids=SETTINGS)
def test_both_doors_say_the_same(
    policies: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes = tmp_path / "nodes.json"
    nodes.write_text(json.dumps({"kind": "List", "items": [node("amd-1"), node("arm-1", "arm64")]}))
    images = object_cases.write_images(tmp_path / "images")
    settings = {"nodes": {"file": str(nodes)}, "images": images, "policies": policies}
    with Webhook(tmp_path, settings) as webhook:
        there = [answered(webhook, obj) for obj in objects()]
    here = [said(result) for result in checked(tmp_path, capsys)]
    assert here == there
    assert {allowed for allowed, _, _ in here} >= {True}
    assert any(message or lines for _, message, lines in here)
