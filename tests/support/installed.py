"""What the chart's pods run, as processes: kwok runs no containers.

They have the files that the pods mount, the rights of the pods' service accounts, and the address of the Service.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from . import opa
from .chart import NAMESPACE, Object, containers, helm, lay_out, objects, one
from .control_plane import PATIENCE, ControlPlane, until

LACKING = (
    ""
    if opa.OPA and os.geteuid() == 0 and shutil.which("unshare")
    else "needs OPA (.ci/opa builds one), and root: port 443, a name's address"
)


def run_helm(cluster: ControlPlane, major: str, *words: str) -> str:
    """Run Helm as the administrator, in the chart's namespace.

    Raises:
        AssertionError: if it fails.
    """
    done = helm(
        major, words[0], "-n", NAMESPACE, *words[1:], kubeconfig=cluster.kubeconfig("admin")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def hooks(cluster: ControlPlane, major: str) -> list[Object]:
    """Give the hooks of the release ``elfgate`` their accounts and rights; all that they are, Jobs too."""
    found = list(objects(run_helm(cluster, major, "get", "hooks", "elfgate")))
    cluster.must("apply", "-f", "-", stdin=[obj for obj in found if obj["kind"] != "Job"])
    return found


@contextmanager
def serving(
    cluster: ControlPlane, major: str, folder: Path, images: Mapping[str, str]
) -> Iterator[None]:
    """Run what the pods of the release ``elfgate`` run, in their order, until the webhook is ready.

    What a Secret or a server would bring stands below the folder: a certificate of the cluster's
    authority, no credentials, and a file of facts in place of a shared store.

    Args:
        cluster: Where the chart is installed.
        major: The Helm that knows the release.
        folder: Where files go; its path must be short, as a socket's is.
        images: Where to read images instead of their registries.
    """
    found = list(objects(run_helm(cluster, major, "get", "manifest", "elfgate")))
    settings = lay_out(found, folder)
    known = yaml.safe_load(settings.read_text())
    known["listen"] = {"host": address(cluster), "port": 443}
    known["cluster"] = {"kubeconfig": str(kubeconfig(cluster, "elfgate"))}
    known["images"] = dict(images)
    _supply(cluster, known, folder)
    settings.write_text(json.dumps(known))
    *before, webhook = containers(one(found, "Deployment")["spec"]["template"])
    with ExitStack() as stack, (folder / "log").open("wb") as log:
        if before:
            stack.enter_context(_evaluating(before, folder))
        environment = {**os.environ, "POD_NAMESPACE": NAMESPACE, "POD_NAME": "elfgate-0"}
        stack.callback(
            _end, subprocess.Popen(_command(webhook["args"], folder), stderr=log, env=environment)
        )
        look = ["doctor", "--service-account", f"{NAMESPACE}/elfgate"]
        until(
            lambda: not job(cluster, look, "elfgate-test").returncode,
            f"it is not ready: see {folder}/log",
            patience=3
            * PATIENCE,  # processes that predict start beside, on a machine that others use
        )
        yield


def _supply(cluster: ControlPlane, known: dict[str, Any], folder: Path) -> None:
    """Bring what the settings expect of Secrets and servers."""
    if "certificate" in known["tls"]:
        leaf = cluster.ca.issue_cert(f"elfgate.{NAMESPACE}.svc")
        leaf.private_key_pem.write_to_path(known["tls"]["key"])
        leaf.cert_chain_pems[0].write_to_path(known["tls"]["certificate"])
        authority = base64.b64encode(cluster.ca.cert_pem.bytes()).decode()
        trusted = {
            "webhooks": [{"name": "validate.elfgate.dev", "clientConfig": {"caBundle": authority}}]
        }
        cluster.must("patch", "validatingwebhookconfiguration/elfgate", "-p", json.dumps(trusted))
    if "docker_config" in known["registries"]:
        Path(known["registries"]["docker_config"]).write_text("{}")
    if "url" in known["store"]:
        known["store"] = {"path": str(folder / "facts.db")}


@contextmanager
def _evaluating(before: Sequence[Object], folder: Path) -> Iterator[None]:
    """Make the bundle, and run OPA beside the webhook."""
    bundle, beside = before
    subprocess.run(_command(bundle["args"], folder), check=True, capture_output=True)
    assert opa.OPA
    running = subprocess.Popen(
        [opa.OPA, *_placed(beside["args"], folder)], stderr=subprocess.DEVNULL
    )
    try:
        until((folder / "run/opa/opa.sock").exists, "OPA does not listen")
        yield
    finally:
        _end(running)


def job(
    cluster: ControlPlane, arguments: Sequence[str], account: str
) -> "subprocess.CompletedProcess[str]":
    """Run elfgate as a service account, where the Service's name has the Service's address."""
    hosts = cluster.folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{address(cluster)} elfgate.{NAMESPACE}.svc\n")
    inside = f'mount --bind {hosts} /etc/hosts && exec "$@"'
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig(cluster, account))}
    command = [
        "unshare",
        "-m",
        "sh",
        "-c",
        inside,
        "sh",
        sys.executable,
        "-m",
        "elfgate",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def address(cluster: ControlPlane) -> str:
    """The Service's."""
    found: str = cluster.get("service", "-n", NAMESPACE, "elfgate")["spec"]["clusterIP"]
    return found


def kubeconfig(cluster: ControlPlane, account: str) -> Path:
    """The file with which a service account talks to the cluster."""
    token = cluster.must("create", "token", "-n", NAMESPACE, account).strip()
    return cluster.token_kubeconfig(f"chart-{account}", token)


_APPROVED = "api-approved.kubernetes.io"


def definition(kind: str, group_version: str) -> dict[str, Any]:
    """A CustomResourceDefinition that takes anything: the operators' own are theirs to check."""
    group, _, version = group_version.partition("/")
    plural = f"{kind.lower()}s"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        # Groups of Kubernetes' own community are protected (KEP-1111).
        "metadata": {"name": f"{plural}.{group}", "annotations": {_APPROVED: "unapproved, a test"}},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }


def _placed(arguments: Sequence[str], folder: Path) -> list[str]:
    """A container's arguments, its paths below a folder; and no port that may be taken."""
    moved = [f"{folder}{word}" if word.startswith("/") else word for word in arguments]
    moved = [word.replace("unix:///", f"unix://{folder}/") for word in moved]
    return [word for word in moved if not word.startswith("--diagnostic-addr")]


def _command(arguments: Sequence[str], folder: Path) -> list[str]:
    return [sys.executable, "-m", "elfgate", *_placed(arguments, folder)]


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait(60)
