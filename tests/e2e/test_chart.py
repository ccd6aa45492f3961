"""The chart in a real control plane: taken by its API server, installed by Helm, and its pods' commands run.

kwok runs no containers, so what they would run is run here as processes: with the files that the pods mount, and with
the rights of their service accounts. ``make e2e``.
"""

import base64
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from support import opa
from support.chart import CHART, FOREIGN, NAMESPACE, VALUES, containers, helm, helms, lay_out, objects, one, rendered
from support.control_plane import ControlPlane, until

pytestmark = pytest.mark.e2e

RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")} | {
    "elfgate.dev/webhook": "off"
}  # of these tests' webhook, not of the chart's
EVERYTHING = ["events=true", "bindings=true", "flowSchema.enabled=true", "networkPolicy.enabled=true"]
# What is left of pods and Jobs goes by and by; events stay for an hour; and each namespace has these of its own.
KINDS = (
    "all,configmaps,secrets,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,leases,persistentvolumeclaims,"
    "poddisruptionbudgets,networkpolicies,flowschemas,prioritylevelconfigurations,endpointslices,"
    "validatingwebhookconfigurations,mutatingwebhookconfigurations"
)


@pytest.fixture(scope="module")
def restricted(cluster: ControlPlane) -> ControlPlane:
    """The cluster, with the chart's namespace and stand-ins for the kinds that operators bring."""
    if cluster.kubectl("get", "namespace", NAMESPACE).code:
        cluster.add_namespace(NAMESPACE)
    labels = [f"{name}={value}" for name, value in RESTRICTED.items()]
    cluster.must("label", "namespace", NAMESPACE, "--overwrite", *labels)
    cluster.must("create", "-f", "-", stdin=[_definition(kind, group) for kind, group in FOREIGN.items()])
    for kind in FOREIGN:
        name = f"{kind.lower()}s.{FOREIGN[kind].partition('/')[0]}"
        cluster.must("wait", "--for=condition=Established", f"crd/{name}", "--timeout=60s")
    return cluster


@pytest.fixture(params=["3", "4"])
def major(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    if chosen not in helms():
        pytest.skip(f"no Helm {chosen}: .ci/helm {chosen} builds it")
    return chosen


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.name.removesuffix("-values.yaml"))
def test_the_api_server_takes_every_object_without_a_warning(restricted: ControlPlane, values: Path) -> None:
    found = list(rendered(max(helms()), values))
    said = restricted.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=found)
    assert (said.code, said.stderr) == (0, "")
    assert said.stdout.count("(server dry run)") == len(found)


def test_helm_installs_upgrades_tests_and_uninstalls_and_leaves_nothing(restricted: ControlPlane, major: str) -> None:
    cluster, before = restricted, _everything(restricted)
    settings = [part for word in (*EVERYTHING, "steer=true") for part in ("--set", word)]
    _helm(cluster, major, "install", "elfgate", str(CHART), "--wait", "--timeout", "120s", *settings)
    assert cluster.get("deployment", "-n", NAMESPACE, "elfgate")["status"]["readyReplicas"] == 2

    filled = {"tls.crt": "YQ=="}  # as a pod fills it in
    cluster.must("patch", "-n", NAMESPACE, "secret/elfgate-tls", "-p", json.dumps({"data": filled}))
    trusted = {"webhooks": [{"name": "validate.elfgate.dev", "clientConfig": {"caBundle": _authority(cluster)}}]}
    cluster.must("patch", "validatingwebhookconfiguration/elfgate", "-p", json.dumps(trusted))
    _helm(cluster, major, "upgrade", "elfgate", str(CHART), "--wait", "--timeout", "120s", "--set", "replicas=3")
    assert cluster.get("deployment", "-n", NAMESPACE, "elfgate")["status"]["readyReplicas"] == 3
    assert cluster.get("secret", "-n", NAMESPACE, "elfgate-tls")["data"] == filled
    (hook,) = cluster.get("validatingwebhookconfiguration", "elfgate")["webhooks"]
    assert hook["clientConfig"]["caBundle"] == _authority(cluster)
    assert cluster.kubectl("get", "mutatingwebhookconfiguration", "elfgate").code == 1

    _helm(cluster, major, "test", "elfgate")
    _helm(cluster, major, "uninstall", "elfgate", "--wait", "--timeout", "120s")
    until(lambda: _everything(cluster) <= before, f"left: {_everything(cluster) - before}")


@pytest.mark.skipif(opa.OPA is None, reason="no OPA: .ci/opa builds one")
def test_what_the_pods_run_works_with_the_rights_that_the_chart_grants(
    restricted: ControlPlane, tmp_path: Path
) -> None:
    if os.geteuid() or not shutil.which("unshare"):
        pytest.skip("needs root and unshare, to give the Service's name an address")
    cluster, port, major = restricted, _free_port(), max(helms())
    settings = [part for word in (*EVERYTHING, f"service.port={port}") for part in ("--set", word)]
    _helm(cluster, major, "install", "elfgate", str(CHART), "--wait", "--timeout", "120s", *settings)
    try:
        found = list(objects(_helm(cluster, major, "get", "manifest", "elfgate")))
        hooks = list(objects(_helm(cluster, major, "get", "hooks", "elfgate")))
        cluster.must("create", "-f", "-", stdin=[obj for obj in hooks if obj["kind"] != "Job"])
        with _serving(cluster, found, port, tmp_path):
            looked = _job(cluster, one(hooks, "Job", "elfgate-test"))
            assert looked.returncode == 0, looked.stdout + looked.stderr
            assert "ok      webhook validate.elfgate.dev: readiness: it is ready" in looked.stdout
            assert "a review is answered, by policies of revision elfgate-1" in looked.stdout
        freed = _job(cluster, one(hooks, "Job", "elfgate-uninstall"))
        assert freed.returncode == 0, freed.stdout + freed.stderr
        assert cluster.kubectl("get", "validatingwebhookconfiguration", "elfgate").code == 1
        assert _refused(cluster) == []
    finally:
        _helm(cluster, major, "uninstall", "elfgate", "--wait", "--timeout", "120s")


@contextmanager
def _serving(cluster: ControlPlane, found: list[Any], port: int, folder: Path) -> Iterator[None]:
    """Run what the webhook's pod runs, in its order, until it is ready."""
    settings = lay_out(found, folder)
    known = yaml.safe_load(settings.read_text())
    known["listen"] = {"host": "127.0.0.1", "port": port}
    known["cluster"] = {"kubeconfig": str(_kubeconfig(cluster, "elfgate"))}
    settings.write_text(json.dumps(known))
    bundle, beside, webhook = containers(one(found, "Deployment")["spec"]["template"])
    subprocess.run(_command(bundle["args"], folder), check=True, capture_output=True)
    with ExitStack() as stack:
        process = subprocess.Popen([opa.OPA, *_placed(beside["args"], folder)], stderr=subprocess.DEVNULL)
        stack.callback(_end, process)
        until((folder / "run/opa/opa.sock").exists, "OPA does not listen")
        with (folder / "log").open("wb") as log:
            environment = {**os.environ, "POD_NAMESPACE": NAMESPACE, "POD_NAME": "elfgate-0"}
            serving = subprocess.Popen(_command(webhook["args"], folder), stderr=log, env=environment)
        stack.callback(_end, serving)
        until(lambda: _ready(cluster, port), f"it is not ready: {folder}/log")
        yield


def _ready(cluster: ControlPlane, port: int) -> bool:
    """Whether it says so, with the certificate that it has made and the API server has been told of."""
    (hook,) = (
        each
        for each in cluster.get("validatingwebhookconfiguration", "elfgate")["webhooks"]
        if "validate" in each["name"]
    )
    bundle = hook["clientConfig"].get("caBundle", "")
    if not bundle:
        return False
    trust = ssl.create_default_context(cadata=base64.b64decode(bundle).decode())
    name = f"elfgate.{NAMESPACE}.svc"
    with httpx.Client(verify=trust, trust_env=False) as client:
        try:
            url = f"https://127.0.0.1:{port}/readyz"
            return client.get(url, extensions={"sni_hostname": name}).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def _job(cluster: ControlPlane, job: Any) -> "subprocess.CompletedProcess[str]":
    """Run a Job's command as its service account, where the Service's name is this machine's."""
    spec = job["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    hosts = cluster.folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost elfgate.{NAMESPACE}.svc\n")
    inside = f'mount --bind {hosts} /etc/hosts && exec "$@"'
    environment = {**os.environ, "KUBECONFIG": str(_kubeconfig(cluster, spec["serviceAccountName"]))}
    command = ["unshare", "-m", "sh", "-c", inside, "sh", sys.executable, "-m", "elfgate", *container["args"]]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def _kubeconfig(cluster: ControlPlane, account: str) -> Path:
    token = cluster.must("create", "token", "-n", NAMESPACE, account).strip()
    return cluster.token_kubeconfig(f"chart-{account}", token)


def _placed(arguments: list[str], folder: Path) -> list[str]:
    """A container's arguments, its paths below a folder; and no port that may be taken."""
    moved = [f"{folder}{word}" if word.startswith("/") else word for word in arguments]
    moved = [word.replace("unix:///", f"unix://{folder}/") for word in moved]
    return [word for word in moved if not word.startswith("--diagnostic-addr")]


def _command(arguments: list[str], folder: Path) -> list[str]:
    return [sys.executable, "-m", "elfgate", *_placed(arguments, folder)]


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait(60)


def _refused(cluster: ControlPlane) -> list[str]:
    """What the chart's accounts were not allowed to do, so far."""
    lines = (cluster.folder / "audit.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines if f"system:serviceaccount:{NAMESPACE}:elfgate" in line]
    assert events
    return [event["requestURI"] for event in events if event.get("responseStatus", {}).get("code") == 403]


def _helm(cluster: ControlPlane, major: str, *words: str) -> str:
    done = helm(major, words[0], "-n", NAMESPACE, *words[1:], kubeconfig=cluster.kubeconfig("admin"))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _everything(cluster: ControlPlane) -> set[str]:
    """The names of all that a release could leave behind."""
    columns = "-o=custom-columns=K:.kind,N:.metadata.namespace,M:.metadata.name"
    lines = cluster.must("get", KINDS, "-A", "--no-headers", columns).splitlines()
    return {" ".join(line.split()) for line in lines}


def _authority(cluster: ControlPlane) -> str:
    return base64.b64encode((cluster.folder / "ca.crt").read_bytes()).decode()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _definition(kind: str, group_version: str) -> dict[str, Any]:
    """A CustomResourceDefinition that takes anything: the operators' own are theirs to check."""
    group, _, version = group_version.partition("/")
    plural = f"{kind.lower()}s"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }
