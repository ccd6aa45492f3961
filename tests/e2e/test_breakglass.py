"""``elfgate doctor --breakglass`` frees a real cluster that a dead webhook locks. ``make e2e``."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from support.control_plane import ControlPlane, until
from support.manifests import pod

pytestmark = pytest.mark.e2e

NAME = "locked"
LABELLED = {"matchLabels": {"elfgate.dev/webhook": NAME}}
FOREIGN = "policy.example.com"


def breakglass(cluster: ControlPlane, *words: str) -> subprocess.CompletedProcess[str]:
    """The verb, about this test's configuration only: another is the whole session's."""
    kubeconfig = f"--kubeconfig={cluster.kubeconfig('admin')}"
    command = [
        sys.executable,
        "-m",
        "elfgate",
        "doctor",
        "--breakglass",
        kubeconfig,
        f"--configuration={NAME}",
        *words,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def configuration(kind: str, *webhooks: str, policy: str = "Fail") -> dict[str, Any]:
    """One whose webhooks do not exist, about pods in this test's namespace."""
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["pods"],
    }
    hook = {
        "clientConfig": {"url": "https://127.0.0.1:1/validate"},
        "rules": [rule],
        "namespaceSelector": LABELLED,
        "failurePolicy": policy,
        "sideEffects": "None",
        "timeoutSeconds": 1,
        "admissionReviewVersions": ["v1"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [hook | {"name": name} for name in webhooks],
    }


@pytest.fixture
def locked(cluster: ControlPlane) -> Iterator[str]:
    """A namespace in which no pod can be created, as long as the test's configurations are there."""
    if cluster.kubectl("get", "namespace", NAME).code:
        cluster.add_namespace(NAME, **{"elfgate.dev/webhook": NAME})
    yield NAME
    for kind in ("validating", "mutating"):
        cluster.kubectl("delete", f"{kind}webhookconfiguration", NAME)


def created(cluster: ControlPlane) -> bool:
    said = cluster.kubectl(
        "create", "-n", NAME, "--dry-run=server", "-f", "-", stdin=pod("web", "example/web:1")
    )
    return said.code == 0


def lock(cluster: ControlPlane, *configurations: dict[str, Any]) -> None:
    for each in configurations:
        cluster.must("create", "-f", "-", stdin=each)
    until(lambda: not created(cluster), "the webhook is not contacted")


def test_a_locked_cluster_is_freed_by_one_command(cluster: ControlPlane, locked: str) -> None:
    names = [f"{kind.lower()}.elfgate.dev" for kind in ("Validating", "Mutating")]
    lock(cluster, configuration("Validating", names[0]), configuration("Mutating", names[1]))
    done = breakglass(cluster, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:3] == [
        f"validatingwebhookconfiguration {NAME}: deleted",
        f"mutatingwebhookconfiguration {NAME}: deleted",
    ]
    until(lambda: created(cluster), "it is still locked")
    again = breakglass(cluster, "--yes")
    assert (again.returncode, again.stdout.splitlines()[1]) == (
        0,
        "no webhook configuration of elfgate's: it locks nothing here",
    )


@pytest.mark.parametrize("way", ["let_pass", "remove"])
def test_without_yes_it_changes_nothing_and_prints_commands_that_work(
    cluster: ControlPlane, locked: str, way: str
) -> None:
    lock(cluster, configuration("Validating", "validate.elfgate.dev"))
    assert "nothing was changed" in breakglass(cluster).stdout
    done = breakglass(cluster, "-o", "json")
    assert done.returncode == 1
    (found,) = json.loads(done.stdout)["configurations"]
    assert (found["refuses"], found["done"], created(cluster)) == (True, "", False)
    kubectl, *words = shlex.split(found[way])
    assert kubectl == "kubectl"
    cluster.must(*words)
    until(lambda: created(cluster), "it is still locked")


def test_webhooks_of_others_in_the_same_configuration_stay(
    cluster: ControlPlane, locked: str
) -> None:
    lock(cluster, configuration("Validating", FOREIGN, "validate.elfgate.dev"))
    done = breakglass(cluster, "--yes")
    assert (done.returncode, done.stdout.splitlines()[1]) == (
        0,
        f"validatingwebhookconfiguration {NAME}: set to Ignore",
    )
    hooks = cluster.get("validatingwebhookconfiguration", NAME)["webhooks"]
    assert {hook["name"]: hook["failurePolicy"] for hook in hooks} == {
        FOREIGN: "Fail",
        "validate.elfgate.dev": "Ignore",
    }


def test_named_configurations_take_no_right_to_list_them(
    cluster: ControlPlane, locked: str
) -> None:
    """What a hook of the chart runs as: it may get and delete the one configuration."""
    lock(cluster, configuration("Validating", "validate.elfgate.dev"))
    metadata, group = {"name": "unlocker"}, "rbac.authorization.k8s.io"
    kinds = ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"]
    rule = {
        "apiGroups": ["admissionregistration.k8s.io"],
        "resources": kinds,
        "verbs": ["get", "delete"],
    }
    subject = {"kind": "ServiceAccount", "name": "unlocker", "namespace": NAME}
    role = {"apiGroup": group, "kind": "ClusterRole", "name": "unlocker"}
    cluster.must("create", "serviceaccount", "-n", NAME, "unlocker")
    cluster.must(
        "create",
        "-f",
        "-",
        stdin=[
            {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": metadata}
            | {"rules": [rule | {"resourceNames": [NAME]}]},
            {"apiVersion": f"{group}/v1", "kind": "ClusterRoleBinding", "metadata": metadata}
            | {"subjects": [subject], "roleRef": role},
        ],
    )
    token = cluster.must("create", "token", "-n", NAME, "unlocker").strip()
    kubeconfig = cluster.token_kubeconfig("unlocker", token)
    done = breakglass(cluster, "--yes", f"--kubeconfig={kubeconfig}")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"validatingwebhookconfiguration {NAME}: deleted" in done.stdout
