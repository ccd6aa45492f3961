"""Gatekeeper and Kyverno as plain processes beside a real API server.

Each has the rule of ``reviews.py``.

Both keep their policies in the cluster: the API server, etcd and controllers run on the core of the
load generator, and are asked nothing while reviews are timed. Reports and events are off, so that
each does what a verdict takes, no more.
"""

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from subjects import LOAD_CORE, Bench, Subject, free_port
from support.control_plane import ControlPlane, build, until

HERE = Path(__file__).parent / "peers"
_QUIET = "--omitEvents=PolicyViolation,PolicyApplied,PolicyError,PolicySkipped"


def programs() -> Path | None:
    """The paths of the two, built if they can be; None without Go."""
    done = subprocess.run([HERE / "webhooks.sh"], stdout=subprocess.PIPE, text=True, check=False)
    return Path(done.stdout.strip()) if done.returncode == 0 else None


@contextmanager
def cluster(folder: Path, built: Path) -> Iterator[ControlPlane]:
    """A control plane with all that both need, on the load generator's core."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    try:
        running = ControlPlane(build(), folder / "cluster").__enter__()
    finally:
        os.sched_setaffinity(0, own)
    try:
        for peer in ("gatekeeper", "kyverno"):
            running.must("apply", "--server-side", "-f", str(built / f"{peer}-crds.yaml"))
        _until_established(running)
        running.add_namespace("gatekeeper-system")
        running.add_namespace("kyverno")
        yield running
    finally:
        running.__exit__(None, None, None)


def gatekeeper(bench: Bench, running: ControlPlane, built: Path) -> Subject:
    """Gatekeeper, after it has once made the kind of constraint that its template defines."""
    port = free_port()
    command = [
        str(built / "gatekeeper"),
        f"--kubeconfig={running.kubeconfig('admin')}",
        "--debug-use-fake-pod",
        "--disable-cert-rotation",
        f"--cert-dir={bench.folder}",
        "--host=127.0.0.1",
        f"--port={port}",
        "--operation=webhook",
        "--operation=status",
        "--operation=generate",
        f"--health-addr=127.0.0.1:{free_port()}",
        "--metrics-backend=opentelemetry",  # the other one listens on every interface
        f"--otlp-endpoint=127.0.0.1:{free_port()}",
        "--log-level=ERROR",
    ]
    subject = Subject(
        "Gatekeeper", command, port, "/v1/admit", env={"POD_NAMESPACE": "gatekeeper-system"}
    )
    running.must("apply", "-f", str(HERE / "gatekeeper" / "template.yaml"))
    with bench.started(subject):
        crd = "noalpineonpower.constraints.gatekeeper.sh"
        until(
            lambda: not running.kubectl("get", "crd", crd).code,
            "Gatekeeper makes no kind of its template",
        )
        _until_established(running)
        running.must("apply", "-f", str(HERE / "gatekeeper" / "constraint.yaml"))
    return subject


def kyverno(bench: Bench, running: ControlPlane, built: Path) -> Subject:
    """Kyverno with a ValidatingPolicy, which is its leanest kind."""
    port = free_port()
    running.must(
        "create",
        "-f",
        "-",
        stdin=[_tls(bench, "ca"), _tls(bench, "tls"), *map(_config, ("config", "metrics"))],
    )
    running.must("apply", "-f", str(HERE / "kyverno" / "policy.yaml"))
    command = [
        str(built / "kyverno"),
        f"--kubeconfig={running.kubeconfig('admin')}",
        f"--serverIP=127.0.0.1:{port}",
        "--webhookServerHost=127.0.0.1",
        f"--webhookServerPort={port}",
        f"--servicePort={port}",
        "--caSecretName=ca",
        "--tlsSecretName=tls",
        "--admissionReports=false",
        "--disableMetrics=true",
        "--controllerRuntimeMetricsAddress=0",
        _QUIET,
        "-v=0",
    ]
    names = {
        "NAMESPACE": "kyverno",
        "SERVICEACCOUNT_NAME": "kyverno",
        "DEPLOYMENT": "kyverno",
        "SVC": "kyverno-svc",
    }
    env = {f"KYVERNO_{key}": value for key, value in (names | {"POD_NAME": "kyverno-0"}).items()}
    env |= {"INIT_CONFIG": "config", "METRICS_CONFIG": "metrics"}
    return Subject("Kyverno", command, port, "/vpol/no-alpine-on-power", env=env)


def _until_established(running: ControlPlane) -> None:
    """Until the API server serves all custom resources.

    ``kubectl wait`` fails on one that has no status yet.
    """
    wait = ("wait", "--for=condition=Established", "crd", "--all", "--timeout=10s")
    until(
        lambda: not running.kubectl(*wait).code,
        "the API server does not serve the peers' resources",
    )


def _tls(bench: Bench, name: str) -> dict[str, object]:
    """A certificate of the benchmark's own, so that all subjects show one of the same kind."""
    files = {"tls.crt": bench.folder / f"{name}.crt", "tls.key": bench.folder / f"{name}.key"}
    data = {key: base64.b64encode(path.read_bytes()).decode() for key, path in files.items()}
    metadata = {"name": name, "namespace": "kyverno"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": metadata,
        "data": data,
    }


def _config(name: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "kyverno"},
        "data": {},
    }
