"""The webhook as registries tell it of pushes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import trustme

from support.serving import Pki

TOKEN = "0123456789abcdef0123456789abcdef"
NODE = {
    "kind": "Node",
    "metadata": {
        "name": "n",
        "labels": {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"},
    },
}


@contextmanager
def serving(folder: Path, host: str, **changes: Any) -> Iterator[httpx.Client]:
    """A client of a webhook that takes notifications, and reads from one registry by plain HTTP."""
    pki = Pki(folder, trustme.CA())
    pki.issue()
    pki.ca.cert_pem.write_to_path(str(folder / "ca.crt"))
    (folder / "nodes.json").write_text(json.dumps({"kind": "List", "items": [NODE]}))
    (folder / "tokens").write_text(f"{TOKEN}\n{TOKEN[::-1]}\n")
    settings = {
        "listen": {"port": 0},
        "tls": {"certificate": str(pki.certificate), "key": str(pki.key)},
        "nodes": {"file": str(folder / "nodes.json")},
        "store": {"path": str(folder / "facts.db")},
        "admission": {"drain_seconds": 0},
        "registries": {"insecure": [host]},
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


def review_of(image: str) -> dict[str, Any]:
    """The review of a pod's creation."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": {"containers": [{"name": "c", "image": image}]},
    }
    return {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "1",
            "operation": "CREATE",
            "namespace": "shop",
            "object": pod,
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
        },
    }
