"""``elfgate serve`` with a certificate of its own making, as a process against an API server on loopback."""

import json
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from elfgate.cluster.selfmade import Held
from support.object_api import CONFIGURATIONS, SECRETS, ObjectApi

NODE = {
    "metadata": {
        "name": "n",
        "labels": {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"},
    }
}


@pytest.fixture
def server() -> Iterator[ObjectApi]:
    with ObjectApi() as running:
        hook = {"name": "validate.elfgate.dev", "clientConfig": {}}
        running.put(CONFIGURATIONS, {"metadata": {"name": "elfgate"}, "webhooks": [hook]})
        yield running


def start(server: ObjectApi, folder: Path, **self_made: Any) -> subprocess.Popen[str]:
    self_made |= {"names": ["127.0.0.1"], "webhooks": ["elfgate"], "namespace": "elfgate"}
    (folder / "nodes.json").write_text(
        json.dumps({"kind": "List", "items": [NODE | {"kind": "Node"}]})
    )
    settings = {
        "listen": {"port": 0},
        "tls": {"self_made": self_made},
        "nodes": {"file": str(folder / "nodes.json")},
        "store": {"path": str(folder / "facts.db")},
        "cluster": {"kubeconfig": str(server.access(folder).kubeconfig)},
        "admission": {"drain_seconds": 0},
    }
    (folder / "elfgate.yaml").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "elfgate", "serve", "--config", str(folder / "elfgate.yaml")]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)


def test_it_serves_what_it_has_made_to_who_trusts_what_the_configuration_says(
    server: ObjectApi, tmp_path: Path
) -> None:
    with start(server, tmp_path) as process:
        assert process.stderr
        url = next(line["url"] for line in map(json.loads, process.stderr) if "url" in line)
        pair = Held.of(server.get(f"{SECRETS}/elfgate-tls") or {}).served
        assert pair
        trusting = ssl.create_default_context(cadata=pair.authority.decode())
        assert (
            httpx.get(f"{url}/readyz", verify=trusting, trust_env=False, timeout=20).status_code
            == httpx.codes.OK
        )
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
    assert process.returncode == 0


def test_it_waits_for_a_certificate_no_longer_than_it_is_told(
    server: ObjectApi, tmp_path: Path
) -> None:
    server.refusing = 403
    with start(server, tmp_path, wait_seconds=0.5) as process:
        assert process.stderr
        line = process.stderr.read().splitlines()[-1]
    assert process.returncode == 2
    assert line.startswith(
        "elfgate serve: there is no certificate after 0.5 s: the cluster at http://127.0.0.1:"
    )
    assert line.endswith("does not let the lease elfgate/elfgate-tls be written: 403 not now")
