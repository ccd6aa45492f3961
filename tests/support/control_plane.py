"""A real Kubernetes control plane on loopback: etcd, kube-apiserver, controller manager, scheduler, and kwok's nodes.

with ControlPlane(programs, folder) as cluster:
    cluster.add_node("power-1", "ppc64le")
    cluster.kubectl("apply", "-f", "-", stdin=manifest)

kwok stands in for kubelets: it makes its nodes Ready and their pods Running, and starts nothing.
"""

import json
import os
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import trustme

PATIENCE = 60.0  # seconds
_CLUSTER = Path(__file__).parents[1] / "e2e" / "cluster"
_USUAL = re.findall(r"^usual=(\S+)", (_CLUSTER / "build").read_text(), re.MULTILINE)[0]
MINOR = os.environ.get("KUBERNETES") or _USUAL
"""The Kubernetes that the tests start."""

MINORS = sorted(path.parent.name for path in _CLUSTER.glob("kubernetes/*/go.mod"))
"""Each that can be built."""

_USERS = {
    "admin": "system:masters",
    "kwok": "system:masters",
    "system:kube-controller-manager": "",
    "system:kube-scheduler": "",
}


@dataclass(frozen=True)
class Said:
    """What kubectl printed, and its exit code."""

    code: int
    stdout: str
    stderr: str


@dataclass
class ControlPlane:
    """The cluster; a context manager.

    Attributes:
        programs: The folder that ``tests/e2e/cluster/build`` prints.
        folder: Where certificates, data and logs go.
        services: The addresses of Services. In 127.0.0.0/8, what listens there is reached through a Service of that
            address: there is no kube-proxy.
    """

    programs: Path
    folder: Path
    services: str = "10.96.0.0/16"
    ca: trustme.CA = field(default_factory=trustme.CA)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _flags: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def kubectl(self, *words: str, stdin: object = "", kubeconfig: Path | None = None) -> Said:
        """Run kubectl; ``stdin`` is text, or an object (or a list of them) to be written as JSON."""
        account = kubeconfig or self.kubeconfig("admin")
        command = [str(self.programs / "kubectl"), "--kubeconfig", str(account), *words]
        written = stdin if isinstance(stdin, str) else json.dumps(_written(stdin))
        done = subprocess.run(
            command, input=written, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def must(self, *words: str, stdin: object = "") -> str:
        """Run kubectl and tell what it prints; it may not fail."""
        said = self.kubectl(*words, stdin=stdin)
        assert said.code == 0, said.stderr
        return said.stdout

    def get(self, *words: str) -> Any:
        """An object as JSON."""
        return json.loads(self.must("get", *words, "-o", "json"))

    def kubeconfig(self, user: str) -> Path:
        """The file with which ``user`` talks to the cluster, by a certificate."""
        return self.folder / f"{user.rpartition(':')[2]}.kubeconfig"

    def token_kubeconfig(self, name: str, token: str) -> Path:
        """Write a file with which the bearer of a token talks to the cluster."""
        return self._write_kubeconfig(name, {"token": token})

    def add_node(self, name: str, architecture: str, taint: dict[str, str] | None = None) -> None:
        """Make a node join, and wait until its controller has taken the taints of a new node away."""
        taints = [taint] if taint else []
        self.must("create", "-f", "-", stdin=_node(name, architecture, taints))
        self.must("wait", "--for=condition=Ready", f"node/{name}", f"--timeout={PATIENCE:g}s")
        until(
            lambda: self.get("node", name)["spec"].get("taints", []) == taints,
            f"{name} keeps its taints",
        )

    def add_namespace(self, name: str, **labels: str) -> None:
        """Make a namespace, and wait for the service account that its pods need."""
        metadata = {"name": name, "labels": labels}
        self.must(
            "create",
            "-f",
            "-",
            stdin={"apiVersion": "v1", "kind": "Namespace", "metadata": metadata},
        )
        until(
            lambda: not self.kubectl("get", "-n", name, "sa", "default").code,
            f"{name} has no service account",
        )

    def trust(self) -> ssl.SSLContext:
        """What an HTTP client needs to be the administrator."""
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        context.load_cert_chain(str(self.folder / "admin.pem"))
        return context

    def restart(self, name: str) -> None:
        """End a component, and start it again as it was."""
        stopped = self._running[name]
        _end(stopped)
        self._run(name, *self._flags[name])
        self._until_answers(name, f"{self.url}/readyz")

    def restart_from_cold(self) -> None:
        """End everything, and start it again in the order of a node that boots; etcd has what it had."""
        flags = {name: self._flags[name] for name in self._running}
        self._stop()
        self._running.clear()
        for name, own in flags.items():
            self._run(name, *own)
            if name == "kube-apiserver":
                self._until_answers(name, f"{self.url}/readyz")

    def audited(self, resource: str, namespace: str) -> list[dict[str, Any]]:
        """The audit events of requests to create a resource in a namespace, so far."""
        lines = (self.folder / "audit.jsonl").read_text().splitlines(keepends=True)
        events = [json.loads(line) for line in lines if line.endswith("\n")]
        wanted = (resource, namespace, "create")
        return [event for event in events if (*_object(event), event["verb"]) == wanted]

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        etcd, peer, api, controllers, scheduler, kwok = _free_ports(6)
        self.url = f"https://127.0.0.1:{api}"
        self._write_certificates()
        policy = {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "rules": [{"level": "Metadata"}],
        }
        (self.folder / "audit.yaml").write_text(
            json.dumps(policy | {"omitStages": ["RequestReceived"]})
        )
        self._run(
            "etcd",
            f"--data-dir={self.folder}/etcd",
            "--unsafe-no-fsync",
            "--log-level=warn",
            "--name=lab",
            f"--listen-client-urls=http://127.0.0.1:{etcd}",
            f"--advertise-client-urls=http://127.0.0.1:{etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=lab=http://127.0.0.1:{peer}",
        )
        self._until_answers("etcd", f"http://127.0.0.1:{etcd}/health")
        self._run("kube-apiserver", *self._api_server_flags(etcd, api))
        self._until_answers("kube-apiserver", f"{self.url}/readyz")
        self._run(
            "kube-controller-manager",
            *self._component_flags("kube-controller-manager", controllers),
        )
        self._run("kube-scheduler", *self._component_flags("kube-scheduler", scheduler))
        self._run(
            "kwok",
            f"--kubeconfig={self.kubeconfig('kwok')}",
            f"--config={self.programs}/kwok-stages.yaml",
            "--manage-all-nodes=false",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            "--node-lease-duration-seconds=40",
            "--node-ip=127.0.0.1",
            f"--server-address=127.0.0.1:{kwok}",
        )
        self._until_answers("kube-controller-manager", f"https://127.0.0.1:{controllers}/healthz")
        self._until_answers("kube-scheduler", f"https://127.0.0.1:{scheduler}/readyz")
        self._until_answers("kwok", f"http://127.0.0.1:{kwok}/healthz")
        until(
            lambda: not self.kubectl("get", "-n", "default", "sa", "default").code,
            "no default service account",
        )

    def _api_server_flags(self, etcd: int, port: int) -> list[str]:
        return [
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={port}",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={self.folder}/server.crt",
            f"--tls-private-key-file={self.folder}/server.key",
            f"--client-ca-file={self.folder}/ca.crt",
            f"--service-account-key-file={self.folder}/accounts.key",
            f"--service-account-signing-key-file={self.folder}/accounts.key",
            f"--service-account-issuer={self.url}",
            f"--service-cluster-ip-range={self.services}",
            "--authorization-mode=RBAC",
            f"--audit-policy-file={self.folder}/audit.yaml",
            f"--audit-log-path={self.folder}/audit.jsonl",
            f"--admission-control-config-file={self._write_admission()}",
            "--allow-privileged",
            "--profiling=false",
        ]

    def _write_admission(self) -> Path:
        """Have the API server show its certificate to webhooks that ask for one."""
        shown = {
            "client-certificate": f"{self.folder}/server.crt",
            "client-key": f"{self.folder}/server.key",
        }
        users = {"apiVersion": "v1", "kind": "Config", "users": [{"name": "*", "user": shown}]}
        (self.folder / "webhooks.kubeconfig").write_text(json.dumps(users))
        group = "apiserver.config.k8s.io/v1"
        configuration = {
            "apiVersion": group,
            "kind": "WebhookAdmissionConfiguration",
            "kubeConfigFile": f"{self.folder}/webhooks.kubeconfig",
        }
        names = ("ValidatingAdmissionWebhook", "MutatingAdmissionWebhook")
        plugins = [{"name": name, "configuration": configuration} for name in names]
        document = {"apiVersion": group, "kind": "AdmissionConfiguration", "plugins": plugins}
        (self.folder / "admission.yaml").write_text(json.dumps(document))
        return self.folder / "admission.yaml"

    def _component_flags(self, name: str, port: int) -> list[str]:
        kubeconfig = self.kubeconfig(name)
        flags = [
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--tls-cert-file={self.folder}/server.crt",
            f"--tls-private-key-file={self.folder}/server.key",
            "--kube-api-qps=500",  # the usual spare an API server that others ask too
            "--kube-api-burst=1000",
        ]
        if name == "kube-scheduler":
            return flags
        return [
            *flags,
            "--use-service-account-credentials",
            f"--root-ca-file={self.folder}/ca.crt",
            f"--service-account-private-key-file={self.folder}/accounts.key",
        ]

    def _write_certificates(self) -> None:
        self.ca.cert_pem.write_to_path(str(self.folder / "ca.crt"))
        server = self.ca.issue_cert(
            "127.0.0.1", "localhost", "kubernetes.default.svc", common_name="kube-apiserver"
        )
        server.private_key_pem.write_to_path(str(self.folder / "server.key"))
        server.cert_chain_pems[0].write_to_path(str(self.folder / "server.crt"))
        accounts = self.ca.issue_cert(common_name="accounts")
        accounts.private_key_pem.write_to_path(str(self.folder / "accounts.key"))
        for user, group in _USERS.items():
            # Go takes no certificate whose list of alternative names is empty.
            leaf = self.ca.issue_cert(
                "localhost", common_name=user, organization_name=group or user
            )
            pem = self.folder / f"{user.rpartition(':')[2]}.pem"
            leaf.private_key_and_cert_chain_pem.write_to_path(str(pem))
            self._write_kubeconfig(user, {"client-certificate": str(pem), "client-key": str(pem)})

    def _write_kubeconfig(self, user: str, credentials: Mapping[str, str]) -> Path:
        cluster = {"server": self.url, "certificate-authority": str(self.folder / "ca.crt")}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": user, "user": credentials}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
            "current-context": "lab",
        }
        path = self.kubeconfig(user)
        path.write_text(json.dumps(config))
        return path

    def _run(self, name: str, *flags: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [str(self.programs / name), *flags]
            self._flags[name] = flags
            self._running[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )

    def _until_answers(self, name: str, url: str) -> None:
        with httpx.Client(verify=self.trust(), trust_env=False) as client:

            def answers() -> bool:
                dead = [
                    each for each, process in self._running.items() if process.poll() is not None
                ]
                assert not dead, f"{dead}: see {self.folder}"
                try:
                    return client.get(url).status_code == httpx.codes.OK
                except httpx.TransportError:
                    return False

            until(answers, f"{name} does not answer: see {self.folder}/{name}.log")

    def _stop(self) -> None:
        for process in reversed(self._running.values()):
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def build(minor: str = MINOR) -> Path:
    """Build what a control plane of a minor needs, if it is not built yet, and tell where it is."""
    command = [str(_CLUSTER / "build"), minor]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ)
    return Path(done.stdout.strip())


def until(holds: Callable[[], object], otherwise: str, *, patience: float = PATIENCE) -> None:
    """Look again and again until something holds in a cluster that works on by itself."""
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, otherwise
        time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def _object(event: Mapping[str, Any]) -> tuple[str, str]:
    about = event.get("objectRef", {})
    return about.get("resource", ""), about.get("namespace", "")


def _written(objs: object) -> object:
    return {"apiVersion": "v1", "kind": "List", "items": objs} if isinstance(objs, list) else objs


def _node(name: str, architecture: str, taints: list[dict[str, str]]) -> dict[str, Any]:
    own = {
        "kubernetes.io/arch": architecture,
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": name,
    }
    room = {"cpu": "32", "memory": "256Gi", "pods": "1000"}
    empty = ("kubeletVersion", "osImage", "kernelVersion", "bootID", "machineID", "systemUUID")
    info = dict.fromkeys((*empty, "containerRuntimeVersion", "kubeProxyVersion"), "")
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": own, "annotations": {"kwok.x-k8s.io/node": "fake"}},
        "spec": {"taints": taints},
        "status": {
            "allocatable": room,
            "capacity": room,
            "nodeInfo": info | {"architecture": architecture, "operatingSystem": "linux"},
        },
    }
