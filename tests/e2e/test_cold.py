"""A cluster that boots with the webhook registered and none running comes up, and can be freed. ``make e2e``."""

import base64
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from support import founding
from support.control_plane import ControlPlane, build, until
from support.manifests import pod, workload
from support.registry import Registry
from support.webhook import Webhook

pytestmark = pytest.mark.e2e

OWN, SYSTEM, OTHER = "elfgate", "kube-system", "shop"
FAILS = "validate.elfgate.dev"
MIRROR = {"kubernetes.io/config.mirror": "0f1e", "kubernetes.io/config.source": "file"}
GOOD, BAD = f"{founding.REPOSITORY}:2-debian", f"{founding.REPOSITORY}:2-alpine"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A cluster of its own, as everything in it is going to end."""
    if "ELFGATE_E2E" not in os.environ:
        pytest.skip("builds and starts Kubernetes: make e2e")
    with ControlPlane(build(), tmp_path_factory.mktemp("cold")) as running:
        running.add_node("ppc64le-1", "ppc64le")
        running.add_namespace(OWN)
        running.add_namespace(OTHER)
        yield running


def configuration(port: int, ca: trustme.CA) -> dict[str, Any]:
    """One webhook that is ignored where it does not answer, and asked about everything; and one that is not ignored,
    with the exemptions that a configuration can have."""
    exempt = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [OWN, SYSTEM]}
    annotations = "object.?metadata.?annotations.orValue({})"
    mirror = f"!('kubernetes.io/config.mirror' in {annotations})"
    bundle = base64.b64encode(ca.cert_pem.bytes()).decode()
    hook = {
        "clientConfig": {"url": f"https://127.0.0.1:{port}/validate", "caBundle": bundle},
        "rules": [
            {
                "apiGroups": [group],
                "apiVersions": ["*"],
                "operations": ["CREATE", "UPDATE"],
                "resources": resources,
            }
            for group, resources in (("", ["pods"]), ("apps", ["deployments", "replicasets"]))
        ],
        "sideEffects": "None",
        "timeoutSeconds": 5,
        "admissionReviewVersions": ["v1"],
    }
    fails: dict[str, Any] = {
        "name": FAILS,
        "failurePolicy": "Fail",
        "namespaceSelector": {"matchExpressions": [exempt]},
    }
    fails["matchConditions"] = [{"name": "not-a-mirror", "expression": mirror}]
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "elfgate"},
        "webhooks": [
            hook | {"name": "ignored.elfgate.dev", "failurePolicy": "Ignore"},
            hook | fails,
        ],
    }


def create(plane: ControlPlane, namespace: str, obj: dict[str, Any]) -> str:
    """What kubectl says of it, if anything is wrong."""
    return plane.kubectl("create", "-n", namespace, "-f", "-", stdin=obj).stderr


def mirrored(name: str) -> dict[str, Any]:
    """A static pod as its kubelet shows it to the API server."""
    obj = pod(name, BAD, nodeName="ppc64le-1", automountServiceAccountToken=False)
    obj["metadata"]["annotations"] = MIRROR
    return obj


def test_a_cluster_boots_with_the_webhook_registered_and_none_running(
    plane: ControlPlane, tmp_path: Path
) -> None:
    ca = trustme.CA()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    plane.must("create", "-f", "-", stdin=configuration(port, ca))
    until(lambda: FAILS in create(plane, OTHER, pod("probe", GOOD)), "the webhook is not contacted")
    plane.restart_from_cold()

    # What brings a cluster up, the webhook among it.
    assert create(plane, SYSTEM, pod("dns", GOOD, on="ppc64le")) == ""
    assert create(plane, SYSTEM, mirrored("etcd")) == ""
    assert create(plane, OTHER, mirrored("static")) == ""
    assert create(plane, OWN, workload("Deployment", "elfgate", GOOD, on="ppc64le")) == ""
    plane.must("rollout", "status", "-n", OWN, "deployment/elfgate", "--timeout=60s")
    refused = create(plane, OTHER, pod("web", GOOD))
    assert f'failed calling webhook "{FAILS}"' in refused

    settings = {"listen": {"port": port}, "nodes": {"watch": True}}
    with Registry({founding.REPOSITORY: founding.images()}) as registry:
        images = {name: registry.reference(name) for name in (GOOD, BAD)}
        settings |= {"images": images, "cluster": {"kubeconfig": str(plane.kubeconfig("admin"))}}
        with Webhook(tmp_path, settings, ca, {"POD_NAMESPACE": OWN}):
            until(
                lambda: "cannot start" in create(plane, OTHER, pod("bad", BAD, on="ppc64le")),
                "it does not judge",
            )
            assert create(plane, OTHER, pod("good", GOOD, on="ppc64le")) == ""
            # The webhook that is asked about everything refuses none of these either.
            for namespace, obj in (
                (SYSTEM, pod("bad", BAD, on="ppc64le")),
                (OWN, pod("bad", BAD, on="ppc64le")),
                (OTHER, mirrored("another")),
            ):
                assert create(plane, namespace, obj) == ""
    check_that_it_can_be_freed(plane)


def check_that_it_can_be_freed(plane: ControlPlane) -> None:
    assert f'failed calling webhook "{FAILS}"' in create(plane, OTHER, pod("locked", GOOD))
    command = [sys.executable, "-m", "elfgate", "doctor", "--breakglass", "--yes"]
    kubeconfig = f"--kubeconfig={plane.kubeconfig('admin')}"
    done = subprocess.run([*command, kubeconfig], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "validatingwebhookconfiguration elfgate: deleted" in done.stdout
    until(lambda: create(plane, OTHER, pod("freed", GOOD)) == "", "it is still locked")
