"""``elfgate serve`` looks into images in processes that hold nothing, and says where it cannot."""

import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from elfgate.isolation.machine import MACHINES
from support import founding
from support.control_plane import until
from support.serving import REVIEW, UID, Pki

pytestmark = pytest.mark.skipif(
    platform.machine() not in MACHINES, reason="needs a machine with a filter"
)
SECRET = "a-secret-of-the-service"


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    pki = Pki(tmp_path, trustme.CA())
    pki.issue()
    return pki


def settings(pki: Pki, isolation: str) -> Path:
    labels = {"kubernetes.io/arch": "ppc64le", "kubernetes.io/os": "linux"}
    node = {"kind": "Node", "metadata": {"name": "n", "labels": labels}}
    (pki.folder / "nodes.json").write_text(json.dumps({"kind": "List", "items": [node]}))
    written = {
        "listen": {"port": 0},
        "tls": {"certificate": str(pki.certificate), "key": str(pki.key)},
        "nodes": {"file": str(pki.folder / "nodes.json")},
        "store": {"path": str(pki.folder / "facts.db")},
        "images": founding.write(pki.folder / "images"),
        "admission": {"drain_seconds": 0},
        "isolation": isolation,
    }
    path = pki.folder / "elfgate.yaml"
    path.write_text(json.dumps(written))
    return path


@contextmanager
def serving(path: Path, *prefix: str) -> Iterator[tuple[subprocess.Popen[str], list[Any]]]:
    """The service, with what it logged until it listened."""
    command = [*prefix, sys.executable, "-m", "elfgate", "serve", "--config", str(path)]
    environment = {**os.environ, "ELFGATE_STORE_PASSWORD": SECRET}
    environment["PYTHONPATH"] = os.pathsep.join(place for place in sys.path if place)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            logged: list[Any] = []
            assert process.stderr is not None
            for line in process.stderr:
                logged.append(json.loads(line) if line.startswith("{") else line)
                if "url" in logged[-1]:
                    break
            yield process, logged
        finally:
            process.kill()


def client_of(pki: Pki, logged: Sequence[Any]) -> httpx.Client:
    url = logged[-1]["url"]
    return httpx.Client(base_url=url, verify=pki.trusting(), trust_env=False, timeout=60)


def allowed(client: httpx.Client, tag: str) -> bool:
    spec = {"containers": [{"name": "a", "image": f"{founding.REPOSITORY}:{tag}"}]}
    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": tag}, "spec": spec}
    request = {"uid": UID, "operation": "CREATE", "namespace": "shop", "name": tag, "object": pod}
    request |= {"kind": {"group": "", "version": "v1", "kind": "Pod"}}
    request |= {"resource": {"group": "", "version": "v1", "resource": "pods"}}
    review = client.post("/validate?timeout=30s", json={**REVIEW, "request": request})
    return bool(review.json()["response"]["allowed"])


def descendants(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    children = [child for thread in threads for child in thread.read_text().split()]
    return [found for child in children for found in (int(child), *descendants(int(child)))]


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def held(pid: int) -> list[str]:
    """What a process holds open; nothing if it has ended."""
    with suppress(FileNotFoundError):
        return [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]  # noqa: PTH115
    return []


def test_its_processes_hold_nothing_and_end_with_it(pki: Pki) -> None:
    with serving(settings(pki, "required")) as (process, logged):
        with client_of(pki, logged) as client:
            assert not allowed(client, "2-alpine")
            assert allowed(client, "2-debian")
            assert "elfgate_isolated 1.0" in client.get("/metrics").text
        until(  # indexers of layers that nobody waits for any more hold their layer's pipe until they end
            lambda: all(len(held(child)) == 1 for child in descendants(process.pid)[1:]),
            "a process holds more than its socket",
        )
        zygote, *children = descendants(process.pid)
        assert len(children) >= 1
        for child in (zygote, *children):
            assert SECRET not in Path(f"/proc/{child}/environ").read_text()
            assert status(child)["NoNewPrivs"] == "1"
        for child in children:
            assert status(child)["Seccomp"] == "2"
            [opened] = held(child)
            assert opened.startswith("socket:")
        process.send_signal(signal.SIGKILL)
        process.wait()
        until(
            lambda: not any(Path(f"/proc/{child}").exists() for child in (zygote, *children)),
            "a process lives on without the service",
        )


def test_where_nothing_can_be_confined_required_refuses_in_a_line(pki: Pki) -> None:
    refusing = (sys.executable, "-m", "support.unconfinable")
    with serving(settings(pki, "required"), *refusing) as (process, logged):
        assert process.wait(timeout=60) == 2
    (line,) = (line for line in logged if isinstance(line, str))
    assert line.startswith("elfgate serve: images cannot be looked into in confined processes")
    assert "this kernel does not confine processes by seccomp" in line


def test_where_nothing_can_be_confined_preferred_says_so_and_goes_on(pki: Pki) -> None:
    refusing = (sys.executable, "-m", "support.unconfinable")
    with serving(settings(pki, "preferred"), *refusing) as (_, logged):
        warnings = [line["message"] for line in logged if line["level"] == "warning"]
        assert len(warnings) == 1
        assert "does not confine processes" in warnings[0]
        with client_of(pki, logged) as client:
            assert not allowed(client, "2-alpine")
            assert "elfgate_isolated 0.0" in client.get("/metrics").text
