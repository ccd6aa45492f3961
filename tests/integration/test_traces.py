"""Traces: a span for each step of a scan and of a review, sent to a collector on loopback; nothing when off."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support import founding, object_cases
from support.collector import Collector
from support.control_plane import until
from support.judging import review_of
from support.objects import container, node, pod
from support.webhook import Webhook

pytest.importorskip("opentelemetry.sdk", reason="the extra elfgate[otel] is not installed")

IMPORTED = """
import sys
from elfgate.cli.main import main
code = main(sys.argv[1:])
print(sorted(name for name in sys.modules if name.startswith("opentelemetry")))
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    return founding.write(tmp_path_factory.mktemp("images"))["example/server:2-debian"]


def scan(image: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", IMPORTED, "scan", image, "--platform", "linux/amd64"]
    command += ["--store", str(folder / "facts.db"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_a_scan_has_a_span_for_each_step(image: str, tmp_path: Path) -> None:
    with Collector() as collector:
        scan(image, tmp_path, "--traces", collector.url)
        found = {span.name: span for span in collector.spans()}
    parents = {name: span.parent for name, span in found.items()}
    assert parents == {
        "image": "",
        "resolve": "image",
        "manifest": "image",
        "layers": "image",
        "predict": "image",
    }
    assert found["image"].attributes == {
        "elfgate.image": image,
        "elfgate.platform": "linux/amd64",
    }


def test_a_scan_without_traces_imports_nothing_of_them(image: str, tmp_path: Path) -> None:
    assert scan(image, tmp_path).stdout.splitlines()[-1] == "[]"


def test_what_is_no_url_is_refused_in_a_line(image: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "elfgate", "scan", image, "--traces", "collector:4318"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert "'collector:4318' is no collector of traces" in said.stderr


def test_a_collector_that_is_not_there_changes_no_answer(image: str, tmp_path: Path) -> None:
    said = scan(image, tmp_path, "--traces", "http://127.0.0.1:9")
    assert "starts" in said.stdout


def test_a_review_has_a_span_for_each_step(tmp_path: Path) -> None:
    nodes = tmp_path / "nodes.json"
    nodes.write_text(json.dumps({"kind": "List", "items": [node("a")]}))
    images = object_cases.write_images(tmp_path / "images")
    wanted = pod(container(image="ex/shell:1"))
    wanted["metadata"] |= {"name": "web", "namespace": "shop"}
    with Collector() as collector:
        settings = {
            "nodes": {"file": str(nodes)},
            "images": images,
            "traces": collector.url,
        }
        with Webhook(tmp_path, settings) as webhook:
            webhook.review(review_of(wanted, namespace="shop"))
        until(collector.spans, "no span is sent")
        spans = collector.spans()
    steps = {(span.name, span.parent) for span in spans}
    reviewed = {("review", ""), ("targets", "review"), ("scan", "review"), ("policies", "review")}
    assert reviewed <= steps
    assert ("image", "scan") in steps
    told = [span.attributes for span in spans if span.name == "review"]
    assert {"elfgate.namespace": "shop", "elfgate.point": "pod"} in told
