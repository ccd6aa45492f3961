"""The steps of docs/rollout.md, walked with a webhook that serves: good, partly good and bad images, there and back."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import object_cases
from support.judging import review_of
from support.objects import container, node, pod
from support.webhook import Webhook

ROLLOUT = Path(__file__).parents[2] / "docs" / "rollout.md"
NODES = [node("amd-1"), node("arm-1", "arm64")]
GOOD, PARTLY, BAD = "ex/shell:1", "ex/amd64only:1", "ex/stranger:1"
LATER = "for now this only warns: later it is refused"


def step(heading: str) -> dict[str, Any]:
    """The policies that a step of the page sets."""
    (part,) = re.findall(rf"(?ms)^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", ROLLOUT.read_text())
    (block,) = re.findall(r"(?ms)^```yaml\n(.*?)^```", part)
    policies: dict[str, Any] = yaml.safe_load(block)["policies"]
    return policies


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return object_cases.write_images(tmp_path_factory.mktemp("images"))


@dataclass(frozen=True)
class Asked:
    """A webhook, and what it answers."""

    webhook: Webhook

    def response(self, image: str, namespace: str) -> dict[str, Any]:
        """The response to a pod of one image in a namespace."""
        wanted = pod(container(image=image))
        wanted["metadata"] |= {"name": "web", "namespace": namespace}
        return self.webhook.review(review_of(wanted, namespace=namespace))

    def verdict(self, image: str, namespace: str) -> str:
        """In a word: admitted, warned or denied."""
        response = self.response(image, namespace)
        if not response["allowed"]:
            return "denied"
        return "warned" if response.get("warnings") else "admitted"

    def verdicts(self, namespace: str) -> list[str]:
        """Of a good, a partly good and a bad image."""
        return [self.verdict(image, namespace) for image in (GOOD, PARTLY, BAD)]

    def held(self) -> list[dict[str, Any]]:
        """The log's lines on denials that are held back."""
        return [line for line in self.webhook.log() if line["message"] == "review would be denied"]

    def counted(self, namespace: str) -> bool:
        """Whether the metrics have counted one in a namespace."""
        series = f'elfgate_would_deny_total{{namespace="{namespace}",point="pod"}}'
        return series in self.webhook.get("/metrics").text


@contextmanager
def serving(folder: Path, images: dict[str, str], policies: dict[str, Any]) -> Iterator[Asked]:
    """A webhook with these policies, as an upgrade would start it."""
    folder.mkdir(exist_ok=True)
    nodes = folder / "nodes.json"
    nodes.write_text(json.dumps({"kind": "List", "items": NODES}))
    settings = {"nodes": {"file": str(nodes)}, "images": images, "policies": policies}
    with Webhook(folder, settings) as webhook:
        yield Asked(webhook)


def test_the_rollout_is_walked_step_by_step_and_back(
    tmp_path: Path, images: dict[str, str]
) -> None:
    with serving(tmp_path, images, step("1. Dry run: see, and tell nobody")) as cluster:
        assert cluster.verdicts("shop") == ["admitted", "admitted", "admitted"]
        audit = cluster.response(BAD, "shop")["auditAnnotations"]
        assert "web (ex/stranger:1) cannot start on amd64 (amd-1)" in audit["would-deny"]
        assert "would-deny" not in cluster.response(PARTLY, "shop")["auditAnnotations"]
        line = cluster.held()[0]
        assert line["object"] == {"namespace": "shop", "kind": "Pod", "name": "web"}
        (found,) = line["would_deny"]
        assert (found["image"], found["container"]) == (BAD, "web")
        assert found["platforms"] == ["linux/amd64", "linux/arm64"]
        assert "[user_missing]" in found["words"]
        assert cluster.counted("shop")
        assert not cluster.counted("team-a")

    with serving(tmp_path, images, step("2. Warn: tell who applies")) as cluster:
        assert cluster.verdicts("shop") == ["admitted", "warned", "warned"]
        assert LATER in " ".join(cluster.response(BAD, "shop")["warnings"])
        assert LATER not in " ".join(cluster.response(PARTLY, "shop")["warnings"])

    with serving(tmp_path, images, step("3. Deny, namespace by namespace")) as cluster:
        assert cluster.verdicts("shop") == ["admitted", "warned", "denied"]
        assert cluster.verdicts("team-a") == ["admitted", "warned", "denied"]
        assert cluster.verdicts("bank") == ["admitted", "warned", "warned"]

    with serving(tmp_path, images, step("4. Deny everywhere")) as cluster:
        assert cluster.verdicts("bank") == ["admitted", "warned", "denied"]
        assert cluster.held() == []

    with serving(tmp_path, images, step("Back")) as cluster:
        assert cluster.verdicts("shop") == ["admitted", "admitted", "admitted"]
        assert cluster.verdicts("bank") == ["admitted", "warned", "denied"]
        assert cluster.counted("shop")
