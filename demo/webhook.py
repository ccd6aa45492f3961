"""The real webhook as a process of its own, over TLS on loopback, and its client in the API server's place."""

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import trustme

from demo.cluster import node_list
from lab.fetched import LabError

NAME = "validate.elfgate.dev"
PATIENCE = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """The part of an AdmissionResponse that a person comes to see."""

    allowed: bool
    message: str
    reason: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook that serves."""

    url: str
    client: httpx.Client

    def ask(self, review: Mapping[str, Any]) -> Answer:
        """Send an AdmissionReview.

        Raises:
            LabError: if it is not answered as a webhook must.
        """
        answered = self.client.post("/validate?timeout=10s", json=review)
        if answered.status_code != httpx.codes.OK:
            raise LabError(f"the webhook answered {answered.status_code}: {answered.text.strip()}")
        response = answered.json()["response"]
        if response["uid"] != review["request"]["uid"]:
            raise LabError("the webhook answered another review")
        status = response.get("status", {})
        warnings = tuple(response.get("warnings", ()))
        return Answer(
            response["allowed"], status.get("message", ""), status.get("reason", ""), warnings
        )


@contextmanager
def serving(images: Mapping[str, str], *, store: Path, folder: Path) -> Iterator[Webhook]:
    """Run ``elfgate serve`` while this lasts.

    Args:
        images: Reference → location, as the webhook's settings take them.
        store: The SQLite file of facts.
        folder: Where settings, certificate and log may be written.

    Raises:
        LabError: if it does not become ready.
    """
    authority = trustme.CA()
    settings = _settings(images, store, folder, authority)
    log = folder / "log.jsonl"
    with log.open("wb") as stderr:
        command = [sys.executable, "-m", "elfgate", "serve", "--config", str(settings)]
        process = subprocess.Popen(command, stderr=stderr, stdin=subprocess.DEVNULL)
    try:
        trust = ssl.create_default_context()
        authority.configure_trust(trust)
        url = _url(process, log)
        with httpx.Client(base_url=url, verify=trust, trust_env=False, timeout=PATIENCE) as client:
            _until_ready(client)
            yield Webhook(url, client)
    finally:
        process.terminate()
        process.wait()


def _settings(images: Mapping[str, str], store: Path, folder: Path, authority: trustme.CA) -> Path:
    leaf = authority.issue_cert("127.0.0.1")
    leaf.private_key_pem.write_to_path(str(folder / "tls.key"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))
    (folder / "nodes.json").write_text(json.dumps(node_list()))
    settings = {
        "listen": {"host": "127.0.0.1", "port": 0},
        "tls": {"certificate": str(folder / "tls.crt"), "key": str(folder / "tls.key")},
        "nodes": {"file": str(folder / "nodes.json")},
        "store": {"path": str(store)},
        "images": dict(images),
        "admission": {"drain_seconds": 0},
    }
    path = folder / "elfgate.yaml"
    path.write_text(json.dumps(settings, indent=2))  # JSON is YAML
    return path


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address where it listens, which is the first thing that it logs."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        lines = log.read_text().splitlines(keepends=True)
        if lines and lines[0].endswith("\n") and '"url"' in lines[0]:
            return str(json.loads(lines[0])["url"])
        if process.poll() is not None:
            raise LabError(f"elfgate serve ended: {''.join(lines).strip()}")
        time.sleep(0.05)
    raise LabError(f"elfgate serve did not listen within {PATIENCE:g} s")


def _until_ready(client: httpx.Client) -> None:
    until = time.monotonic() + PATIENCE
    probe = client.get("/readyz")
    while probe.status_code != httpx.codes.OK:
        if time.monotonic() > until:
            raise LabError(f"elfgate serve did not become ready: {probe.text.strip()}")
        time.sleep(0.05)
        probe = client.get("/readyz")
