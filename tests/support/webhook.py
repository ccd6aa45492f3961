"""``elfgate serve`` as a process of a cluster's side, and the configuration by which the API server asks it."""

import base64
import json
import os
import signal
import ssl
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import trustme

from .control_plane import PATIENCE, until

NAME = "validate.elfgate.dev"
JSON = {"content-type": "application/json"}

_WORKLOADS = ["deployments", "replicasets", "statefulsets", "daemonsets"]
RULES = [
    ("", ["pods", "pods/ephemeralcontainers", "replicationcontrollers", "podtemplates"]),
    ("apps", _WORKLOADS),
    ("batch", ["jobs", "cronjobs"]),
]
# The namespaces that the webhook of all tests is asked about; others are labelled for one of their own, or for none.
UNLABELLED = {"matchExpressions": [{"key": "elfgate.dev/webhook", "operator": "DoesNotExist"}]}
RIGHTS = [
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
]
BINDINGS = [("", ["pods/binding", "bindings"])]


def service_account() -> list[dict[str, Any]]:
    """A service account ``elfgate`` in the namespace of that name, with the least rights."""
    name = {"name": "elfgate"}
    subject = {"kind": "ServiceAccount", "name": "elfgate", "namespace": "elfgate"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "elfgate"}
    rbac = "rbac.authorization.k8s.io/v1"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": name | {"namespace": "elfgate"}},
        {"apiVersion": rbac, "kind": "ClusterRole", "metadata": name, "rules": RIGHTS},
        {
            "apiVersion": rbac,
            "kind": "ClusterRoleBinding",
            "metadata": name,
            "subjects": [subject],
            "roleRef": role,
        },
    ]


@dataclass
class Webhook:
    """A webhook; a context manager.

    Attributes:
        folder: Where its certificate, settings, facts and log go.
        settings: Those of ``elfgate serve``, without ``listen``, ``tls`` and ``store``.
        environment: Besides the test's own.
        client_ca: The authority whose certificates its clients must show, if any.
    """

    folder: Path
    settings: dict[str, Any]
    ca: trustme.CA = field(default_factory=trustme.CA)
    environment: dict[str, str] = field(default_factory=dict)
    client_ca: Path | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.issue()
        (self.folder / "elfgate.yaml").write_text(json.dumps(self._settings()))
        with (self.folder / "log.jsonl").open("wb") as log:
            command = [
                sys.executable,
                "-m",
                "elfgate",
                "serve",
                "--config",
                str(self.folder / "elfgate.yaml"),
            ]
            environment = os.environ | self.environment
            self.process = subprocess.Popen(
                command, stderr=log, stdin=subprocess.DEVNULL, env=environment
            )
        try:
            until(
                self._listens, f"it does not listen: see {self.folder}/log.jsonl", patience=PATIENCE
            )
            until(
                self.ready,
                f"it does not become ready: see {self.folder}/log.jsonl",
                patience=PATIENCE,
            )
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def issue(self) -> None:
        """Write a new certificate and key into the files that it serves from."""
        leaf = self.ca.issue_cert("127.0.0.1")
        leaf.private_key_pem.write_to_path(str(self.folder / "tls.key"))
        leaf.cert_chain_pems[0].write_to_path(str(self.folder / "tls.crt"))

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self.url.rpartition(":")[2])

    def stop(self) -> None:
        """End it as the kubelet would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)

    def ready(self) -> bool:
        """Whether it says that it is ready."""
        return self.get("/readyz").status_code == httpx.codes.OK

    def get(self, path: str) -> httpx.Response:
        """Ask it something."""
        with self._client() as client:
            return client.get(path)

    def review(self, body: bytes) -> dict[str, Any]:
        """Its response to a review."""
        with self._client() as client:
            answer = client.post("/validate", content=body, headers=JSON)
        assert answer.status_code == httpx.codes.OK, answer.text
        response: dict[str, Any] = answer.json()["response"]
        return response

    def _client(self) -> httpx.Client:
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        return httpx.Client(base_url=self.url, verify=context, trust_env=False, timeout=20)

    def log(self) -> list[dict[str, Any]]:
        """What it has logged so far."""
        lines = (self.folder / "log.jsonl").read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]

    def configuration(
        self,
        name: str,
        *,
        rules: list[tuple[str, list[str]]] = RULES,
        selector: dict[str, Any] | None = None,
        failure_policy: str = "Ignore",
    ) -> dict[str, Any]:
        """A ValidatingWebhookConfiguration that sends reviews here."""
        bundle = base64.b64encode(self.ca.cert_pem.bytes()).decode()
        webhook = {
            "name": NAME,
            "clientConfig": {"url": f"{self.url}/validate", "caBundle": bundle},
            "rules": [
                {
                    "apiGroups": [group],
                    "apiVersions": ["*"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": resources,
                }
                for group, resources in rules
            ],
            "namespaceSelector": selector or {},
            "failurePolicy": failure_policy,
            "sideEffects": "None",
            "timeoutSeconds": 5,
            "admissionReviewVersions": ["v1"],
        }
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [webhook],
        }

    def _settings(self) -> dict[str, Any]:
        return {
            "listen": {"port": 0},
            "tls": {
                "certificate": str(self.folder / "tls.crt"),
                "key": str(self.folder / "tls.key"),
                "client_ca": str(self.client_ca) if self.client_ca else None,
            },
            "store": {"path": str(self.folder / "facts.db")},
            "admission": {"drain_seconds": 0},
            **self.settings,
        }

    def _listens(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log.jsonl").read_text()
        urls = [line["url"] for line in self.log() if "url" in line]
        self.url: str = urls[0] if urls else ""
        return bool(urls)
