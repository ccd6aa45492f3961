"""What people see of elfgate: kubectl against a real API server, with the webhook behind it. ``make e2e``."""

import pytest

from support.control_plane import ControlPlane, Said, until
from support.manifests import pod, workload
from support.webhook import NAME, Webhook
from support.words import ALPINE, DEBIAN, DENIED, ON_POWER, PARTLY, apply, refused

pytestmark = pytest.mark.e2e


def test_a_pod_that_cannot_start_where_it_may_land_is_denied(
    cluster: ControlPlane, namespace: str
) -> None:
    assert apply(cluster, namespace, pod("web", ALPINE, on="ppc64le")) == refused()
    assert cluster.get("pods", "-n", namespace)["items"] == []


def test_a_pod_that_starts_on_some_of_its_nodes_is_created_with_warnings(
    cluster: ControlPlane, namespace: str
) -> None:
    said = apply(cluster, namespace, pod("web", ALPINE))
    assert (said.code, said.stdout) == (0, "pod/web created\n")
    assert said.stderr.splitlines() == PARTLY


def test_a_pod_that_starts_everywhere_is_created_without_a_word(
    cluster: ControlPlane, namespace: str
) -> None:
    assert apply(cluster, namespace, pod("web", DEBIAN)) == Said(0, "pod/web created\n", "")


@pytest.mark.parametrize(
    "kind", ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"]
)
def test_a_workload_is_denied_before_its_first_pod(
    cluster: ControlPlane, namespace: str, kind: str
) -> None:
    assert apply(cluster, namespace, workload(kind, "web", ALPINE, on="ppc64le")) == refused()


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "StatefulSet", "Job", "CronJob"])
def test_a_workload_whose_pods_start_on_some_nodes_is_warned_of(
    cluster: ControlPlane, namespace: str, kind: str
) -> None:
    said = apply(cluster, namespace, workload(kind, "web", ALPINE))
    assert (said.code, said.stderr.splitlines()) == (0, PARTLY)


@pytest.mark.parametrize(
    "kind", ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"]
)
def test_a_workload_whose_pods_start_everywhere_is_admitted(
    cluster: ControlPlane, namespace: str, kind: str
) -> None:
    said = apply(cluster, namespace, workload(kind, "web", DEBIAN))
    assert (said.code, said.stderr) == (0, "")


def test_an_update_may_take_no_node_away_from_a_daemonset(
    cluster: ControlPlane, namespace: str
) -> None:
    said = apply(cluster, namespace, workload("DaemonSet", "web", DEBIAN))
    assert (said.code, said.stderr) == (0, "")
    said = apply(cluster, namespace, workload("DaemonSet", "web", ALPINE))
    assert said.code == 1
    assert f"{PARTLY[0].removeprefix('Warning: ')}:" in said.stderr


def test_a_new_daemonset_that_starts_on_some_nodes_is_warned_of(
    cluster: ControlPlane, namespace: str
) -> None:
    said = apply(cluster, namespace, workload("DaemonSet", "web", ALPINE))
    assert said.code == 0
    assert said.stderr.splitlines() == PARTLY


def test_a_dry_run_on_the_server_is_answered_alike_and_changes_nothing(
    cluster: ControlPlane, namespace: str
) -> None:
    assert (
        apply(cluster, namespace, pod("web", ALPINE, on="ppc64le"), "--dry-run=server") == refused()
    )
    said = apply(cluster, namespace, workload("Deployment", "web", ALPINE), "--dry-run=server")
    assert (said.code, said.stdout) == (0, "deployment.apps/web created (server dry run)\n")
    assert said.stderr.splitlines() == PARTLY
    assert cluster.get("pods,deployments", "-n", namespace)["items"] == []


def test_an_ephemeral_container_that_cannot_start_on_the_pods_node_is_denied(
    cluster: ControlPlane, namespace: str
) -> None:
    cluster.must("create", "-n", namespace, "-f", "-", stdin=pod("web", DEBIAN, on="ppc64le"))
    cluster.must("wait", "-n", namespace, "--for=condition=Ready", "pod/web", "--timeout=60s")
    debug = ("debug", "-n", namespace, "web", "--attach=false", "-c", "dbg", "--image")
    said = cluster.kubectl(*debug, ALPINE)
    assert said.code == 1
    words = DENIED.replace(f"server ({ALPINE})", f"ephemeral container dbg ({ALPINE})")
    assert said.stderr == f"Error from server (Forbidden): {words}"
    assert cluster.kubectl(*debug, DEBIAN).code == 0


def test_a_rollout_stops_before_its_first_pod(cluster: ControlPlane, namespace: str) -> None:
    cluster.must(
        "create",
        "-n",
        namespace,
        "-f",
        "-",
        stdin=workload("Deployment", "web", DEBIAN, on="ppc64le"),
    )
    cluster.must("rollout", "status", "-n", namespace, "deployment/web", "--timeout=60s")
    said = cluster.kubectl("set", "image", "-n", namespace, "deployment/web", f"server={ALPINE}")
    assert said == Said(1, "", f"error: failed to patch image update to pod template: {DENIED}")
    (replica_set,) = cluster.get("replicasets", "-n", namespace)["items"]
    assert replica_set["status"]["readyReplicas"] == 1


def test_scaling_asks_nothing_of_a_deployment_that_was_admitted(
    cluster: ControlPlane, namespace: str
) -> None:
    cluster.must("create", "-n", namespace, "-f", "-", stdin=workload("Deployment", "web", DEBIAN))
    said = cluster.kubectl("scale", "-n", namespace, "deployment/web", "--replicas=5")
    assert said == Said(0, "deployment.apps/web scaled\n", "")
    cluster.must("rollout", "status", "-n", namespace, "deployment/web", "--timeout=60s")


def test_a_replica_set_from_before_elfgate_is_stopped_at_its_pods(
    cluster: ControlPlane, webhook: Webhook, namespace: str
) -> None:
    cluster.must("label", "namespace", namespace, "elfgate.dev/webhook=off")
    obj = workload("ReplicaSet", "old", ALPINE, on="ppc64le", replicas=0)
    until(lambda: apply(cluster, namespace, obj).code == 0, "the namespace's label is not seen")
    cluster.must("label", "namespace", namespace, "elfgate.dev/webhook-")
    until(
        lambda: (
            apply(cluster, namespace, pod("web", ALPINE, on="ppc64le"), "--dry-run=server").code
        ),
        "still off",
    )
    cluster.must("scale", "-n", namespace, "replicaset/old", "--replicas=2")

    def failure() -> str:
        status = cluster.get("replicaset", "-n", namespace, "old")["status"]
        return "".join(
            item["message"]
            for item in status.get("conditions", [])
            if item["type"] == "ReplicaFailure"
        )

    until(failure, "it does not say that it fails")
    assert ON_POWER.rstrip() in failure()
    assert cluster.get("pods", "-n", namespace)["items"] == []


def test_an_exempted_namespace_is_left_alone(cluster: ControlPlane, webhook: Webhook) -> None:
    cluster.add_namespace("exempted", **{"elfgate.dev/webhook": "off"})
    assert apply(cluster, "exempted", pod("web", ALPINE, on="ppc64le")) == Said(
        0, "pod/web created\n", ""
    )


def test_the_audit_log_names_the_rules_and_the_policies_revision(
    cluster: ControlPlane, namespace: str
) -> None:
    assert apply(cluster, namespace, pod("web", ALPINE, on="ppc64le")) == refused()
    until(lambda: cluster.audited("pods", namespace), "the request is not audited")
    (event,) = cluster.audited("pods", namespace)
    assert event["annotations"][f"{NAME}/codes"] == "loader_missing"
    assert event["annotations"][f"{NAME}/policy-revision"]
