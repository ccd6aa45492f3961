"""``elfgate serve`` as a process: what cannot serve is told in a line, with exit code 2."""

import json
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from support.serving import REVIEW, UID, Pki


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    pki = Pki(tmp_path, trustme.CA())
    pki.issue()
    return pki


def settings(pki: Pki, **changes: Any) -> Path:
    """A settings file for a webhook that knows one node."""
    node = {
        "kind": "Node",
        "metadata": {"name": "n", "labels": {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}},
    }
    (pki.folder / "nodes.json").write_text(json.dumps({"kind": "List", "items": [node]}))
    written = {
        "listen": {"port": 0},
        "tls": {"certificate": str(pki.certificate), "key": str(pki.key)},
        "nodes": {"file": str(pki.folder / "nodes.json")},
        "store": {"path": str(pki.folder / "facts.db")},
        "admission": {"drain_seconds": 0},
        **changes,
    }
    path = pki.folder / "elfgate.yaml"
    path.write_text(json.dumps({key: value for key, value in written.items() if value is not None}))
    return path


def start(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "elfgate", "serve", "--config", str(path)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)


def refusal(path: Path) -> str:
    with start(path) as process:
        _, stderr = process.communicate(timeout=30)
        assert process.returncode == 2
    (line,) = (line for line in stderr.splitlines() if not line.startswith("{"))
    return line


def test_it_serves_until_it_is_told_to_stop_and_ends_with_0(pki: Pki) -> None:
    with start(settings(pki)) as process:
        try:
            assert process.stderr is not None
            url = json.loads(process.stderr.readline())["url"]
            with httpx.Client(base_url=url, verify=pki.trusting(), trust_env=False, timeout=20) as client:
                assert client.get("/readyz").text == "ready\n"
                deleted = {**REVIEW["request"], "operation": "DELETE", "resource": {"resource": "pods"}}
                answer = client.post("/validate", json={**REVIEW, "request": deleted}).json()["response"]
                assert (answer["uid"], answer["allowed"]) == (UID, True)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()


def test_a_port_in_use_is_told_in_a_line(pki: Pki) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = refusal(settings(pki, listen={"port": port}))
    assert line.startswith(f"elfgate serve: port {port} on 127.0.0.1 is in use")


def test_an_expired_certificate_is_told_in_a_line(pki: Pki) -> None:
    pki.issue(not_after=datetime.now(UTC) - timedelta(days=1))
    line = refusal(settings(pki))
    assert line == f"elfgate serve: TLS certificate {pki.certificate}: certificate has expired"


def test_a_webhook_without_a_certificate_does_not_start(pki: Pki) -> None:
    assert refusal(settings(pki, tls=None)).startswith("elfgate serve: tls is not set")


def test_a_misspelt_setting_is_told_in_a_line(pki: Pki) -> None:
    path = settings(pki, listen={"prot": 1})
    assert refusal(path) == f"elfgate serve: {path}: listen.prot: no such setting"


def test_a_mode_for_a_rule_that_is_not_there_is_told_in_a_line(pki: Pki) -> None:
    assert "loader_misssing" in refusal(settings(pki, policies={"rules": {"loader_misssing": "warn"}}))
