"""``POST /notify``: an image that a registry tells of is read before a pod names it."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from support.elf_file import elf_file
from support.oci import image
from support.registry import Registry
from support.serving import Pki
from support.tarball import program, tarball

TOKEN = "0123456789abcdef0123456789abcdef"
APP = image([tarball({"app": program(elf_file("amd64", type=2))})], entrypoint=["/app"])
LAYER = f"/v2/team/app/blobs/{APP.children[-1].digest}"
NODE = {
    "kind": "Node",
    "metadata": {
        "name": "n",
        "labels": {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"},
    },
}


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry({"team/app": {"1.0": APP}}) as running:
        yield running


@contextmanager
def serving(folder: Path, registry: Registry, **changes: Any) -> Iterator[httpx.Client]:
    pki = Pki(folder, trustme.CA())
    pki.issue()
    (folder / "nodes.json").write_text(json.dumps({"kind": "List", "items": [NODE]}))
    (folder / "tokens").write_text(f"{TOKEN}\n{TOKEN[::-1]}\n")
    settings = {
        "listen": {"port": 0},
        "tls": {"certificate": str(pki.certificate), "key": str(pki.key)},
        "nodes": {"file": str(folder / "nodes.json")},
        "store": {"path": str(folder / "facts.db")},
        "admission": {"drain_seconds": 0},
        "registries": {"insecure": [registry.host]},
        "notifications": {"tokens": str(folder / "tokens")},
        **changes,
    }
    path = folder / "elfgate.yaml"
    path.write_text(json.dumps(settings))
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "elfgate", "serve", "--config", str(path)],
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        stack.callback(process.kill)
        assert process.stderr is not None
        lines = (json.loads(line) for line in process.stderr)
        url = next(line["url"] for line in lines if "url" in line)
        yield stack.enter_context(
            httpx.Client(base_url=url, verify=pki.trusting(), trust_env=False, timeout=20)
        )


def event(registry: Registry) -> dict[str, Any]:
    target = {"digest": APP.digest, "repository": "team/app", "tag": "1.0"}
    return {"events": [{"action": "push", "target": target, "request": {"host": registry.host}}]}


def comes(registry: Registry, path: str) -> bool:
    """Whether a path is asked for within some seconds."""
    until = time.monotonic() + 20
    while path not in registry.paths("GET") and time.monotonic() < until:
        time.sleep(0.05)
    return path in registry.paths("GET")


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"zot:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"/notify/{TOKEN}", {}),
        (f"/notify/{TOKEN[::-1]}", {}),
        ("/notify", {"Authorization": f"Bearer {TOKEN}"}),
        ("/notify", {"Authorization": TOKEN}),
        ("/notify", {"Authorization": basic(TOKEN)}),
        ("/notify", {"X-Gitlab-Token": TOKEN}),
    ],
)
def test_an_image_that_is_pushed_is_read(
    tmp_path: Path, registry: Registry, path: str, headers: Mapping[str, str]
) -> None:
    with serving(tmp_path, registry) as client:
        answer = client.post(path, json=event(registry), headers=headers)
        assert (answer.status_code, answer.text) == (202, "1 to be read\n")
        assert comes(registry, LAYER)
        assert 'elfgate_notifications_total{result="taken"} 1.0' in client.get("/metrics").text


def test_a_pod_of_an_image_that_was_pushed_has_no_layer_to_wait_for(
    tmp_path: Path, registry: Registry
) -> None:
    with serving(tmp_path, registry) as client:
        client.post(f"/notify/{TOKEN}", json=event(registry))
        assert comes(registry, LAYER)
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p", "namespace": "shop"},
            "spec": {"containers": [{"name": "c", "image": registry.reference("team/app:1.0")}]},
        }
        request = {"uid": "1", "operation": "CREATE", "namespace": "shop", "object": pod}
        kind = {"group": "", "version": "v1", "kind": "Pod"}
        resource = {"group": "", "version": "v1", "resource": "pods"}
        review = {
            "kind": "AdmissionReview",
            "apiVersion": "admission.k8s.io/v1",
            "request": {**request, "kind": kind, "resource": resource},
        }
        response = client.post("/validate", json=review).json()["response"]
        assert response["allowed"]
        assert "warnings" not in response
        assert registry.paths("GET").count(LAYER) == 1


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/notify", {}),
        ("/notify/", {}),
        ("/notify/wrong", {}),
        (f"/notify/{TOKEN}x", {}),
        ("/notify", {"Authorization": "Bearer"}),
        ("/notify", {"Authorization": basic("wrong")}),
        ("/notify", {"Authorization": "Basic ?"}),
    ],
)
def test_who_shows_no_token_that_is_known_is_told_nothing(
    tmp_path: Path, registry: Registry, path: str, headers: Mapping[str, str]
) -> None:
    with serving(tmp_path, registry) as client:
        assert client.post(path, json=event(registry), headers=headers).status_code == 401
        assert 'elfgate_notifications_total{result="token"} 1.0' in client.get("/metrics").text
    assert registry.seen == []


def test_what_is_no_notification_is_refused(tmp_path: Path, registry: Registry) -> None:
    with serving(tmp_path, registry) as client:
        where = f"/notify/{TOKEN}"
        assert client.post(where, content=b"{").status_code == 400
        assert client.post(where, content=b"[" * 100_000).status_code == 400
        assert client.post(where, content=b" " * (257 << 10)).status_code == 413
        assert client.get(where).status_code == 405


def test_nothing_is_taken_unless_the_settings_say_so(tmp_path: Path, registry: Registry) -> None:
    with serving(tmp_path, registry, notifications=None) as client:
        assert client.post(f"/notify/{TOKEN}", json=event(registry)).status_code == 404
