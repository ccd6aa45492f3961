"""The webhook and its cluster through what happens to both: ends, crowds, new nodes. ``make e2e``."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.control_plane import ControlPlane, Said, until
from support.manifests import pod, workload
from support.webhook import BINDINGS, NAME, Webhook
from support.words import ALPINE, DEBIAN, DENIED, ON_POWER, apply

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("policy", ["Ignore", "Fail"])
def test_a_webhook_that_is_down_does_what_its_failure_policy_says(
    cluster: ControlPlane, settings: dict[str, Any], tmp_path: Path, policy: str
) -> None:
    name = f"down-{policy.lower()}"
    cluster.add_namespace(name, **{"elfgate.dev/webhook": name})
    with Webhook(tmp_path, settings) as other:
        configuration = other.configuration(
            name, selector={"matchLabels": {"elfgate.dev/webhook": name}}, failure_policy=policy
        )
        cluster.must("create", "-f", "-", stdin=configuration)
        bad = pod("bad", ALPINE, on="ppc64le")
        until(
            lambda: NAME in apply(cluster, name, bad, "--dry-run=server").stderr,
            "it is not contacted",
        )
        other.stop()
        said = apply(cluster, name, pod("web", ALPINE, on="ppc64le"))
    cluster.must("delete", "validatingwebhookconfiguration", name)
    if policy == "Ignore":
        assert said == Said(0, "pod/web created\n", "")
    else:
        assert said.code == 1
        assert said.stderr.startswith(
            f'Error from server (InternalError): error when creating "STDIN": Internal error occurred: '
            f'failed calling webhook "{NAME}": failed to call webhook: Post "{other.url}/validate?timeout=5s": dial tcp'
        )


def test_a_node_of_a_new_architecture_counts_from_when_it_joins(
    cluster: ControlPlane, namespace: str
) -> None:
    taint = {"key": "example.com/trial", "effect": "NoSchedule"}
    obj = pod("web", DEBIAN, tolerations=[{"key": "example.com/trial", "operator": "Exists"}])
    assert apply(cluster, namespace, obj, "--dry-run=server").stderr == ""
    cluster.add_node("riscv64-1", "riscv64", taint)
    try:
        expected = (
            f"Warning: server ({DEBIAN}) cannot start on riscv64 (riscv64-1): "
            "the image has nothing for linux/riscv64"
        )
        until(
            lambda: apply(cluster, namespace, obj, "--dry-run=server").stderr,
            "the node is not seen",
        )
        assert apply(cluster, namespace, obj, "--dry-run=server").stderr.startswith(expected)
    finally:
        cluster.must("delete", "node", "riscv64-1")
    until(
        lambda: not apply(cluster, namespace, obj, "--dry-run=server").stderr,
        "the node is still seen",
    )


def test_two_hundred_pods_at_once_each_get_their_own_answer(
    cluster: ControlPlane, webhook: Webhook, namespace: str
) -> None:
    before = failures(webhook)
    answers = create_at_once(
        cluster,
        namespace,
        [pod(f"p{number}", (DEBIAN, ALPINE)[number % 2], on="ppc64le") for number in range(200)],
    )
    assert [status for status, _ in answers] == [201, 403] * 100
    assert {body["message"] for status, body in answers if status == 403} == {DENIED.rstrip("\n")}
    assert failures(webhook) == before


def failures(webhook: Webhook) -> list[str]:
    return [
        line
        for line in webhook.get("/metrics").text.splitlines()
        if line.startswith("elfgate_failures_total")
    ]


def create_at_once(
    cluster: ControlPlane, namespace: str, objs: list[dict[str, Any]]
) -> list[tuple[int, dict[str, Any]]]:
    async def main() -> list[tuple[int, dict[str, Any]]]:
        limits = httpx.Limits(max_connections=len(objs))
        async with httpx.AsyncClient(
            verify=cluster.trust(), trust_env=False, timeout=60, limits=limits
        ) as client:
            url = f"{cluster.url}/api/v1/namespaces/{namespace}/pods"
            answers = await asyncio.gather(*(client.post(url, json=obj) for obj in objs))
        return [(answer.status_code, answer.json()) for answer in answers]

    return asyncio.run(main())


def test_an_api_server_that_comes_back_is_watched_again(
    cluster: ControlPlane, namespace: str
) -> None:
    cluster.restart("kube-apiserver")
    test_a_node_of_a_new_architecture_counts_from_when_it_joins(cluster, namespace)


def test_kubectl_finds_elfgate_as_a_plug_in_that_asks_the_live_cluster(
    cluster: ControlPlane, images: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "web.json").write_text(
        json.dumps(workload("Deployment", "web", ALPINE, on="ppc64le"))
    )
    words = [
        "elfgate",
        "check",
        str(tmp_path / "web.json"),
        "--context=lab",
        f"--store={tmp_path}/facts.db",
        f"--image={ALPINE}={images[ALPINE]}",
    ]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "KUBECONFIG": str(cluster.kubeconfig("admin"))}
    command = [str(cluster.programs / "kubectl"), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "Deployment default/web: denied" in done.stdout
    assert "cannot start on ppc64le (ppc64le-1)" in done.stdout


def test_a_binding_to_a_node_on_which_the_pod_cannot_start_is_refused_and_told_by_an_event(
    cluster: ControlPlane, settings: dict[str, Any], tmp_path: Path
) -> None:
    cluster.add_namespace("bound", **{"elfgate.dev/webhook": "bound"})
    with Webhook(
        tmp_path, settings | {"admission": {"drain_seconds": 0, "bindings": True}}
    ) as other:
        selector = {"matchLabels": {"elfgate.dev/webhook": "bound"}}
        cluster.must(
            "create",
            "-f",
            "-",
            stdin=other.configuration("bound", rules=BINDINGS, selector=selector),
        )
        try:
            until(
                lambda: "cannot start" in bind(cluster, "probe", "s390x-1"),
                "bindings are not asked about",
            )
            assert apply(cluster, "bound", pod("web", ALPINE, on="ppc64le")).code == 0
            until(lambda: scheduling(cluster, "web"), "the scheduler does not say that it fails")
            assert (
                f'admission webhook "{NAME}" denied the request: {ON_POWER.splitlines()[0]}'
                in scheduling(cluster, "web")
            )
            until(lambda: "cannot start on ppc64le" in events(cluster, "web"), "there is no event")
            assert apply(cluster, "bound", pod("good", ALPINE, on="arm64")).code == 0
            cluster.must(
                "wait", "-n", "bound", "--for=condition=Ready", "pod/good", "--timeout=60s"
            )
        finally:
            cluster.must("delete", "validatingwebhookconfiguration", "bound")


def bind(cluster: ControlPlane, name: str, node: str) -> str:
    """Bind a pod by hand, by the deprecated resource ``bindings``; what the API server says."""
    unscheduled = pod(name, ALPINE, schedulerName="nobody")
    cluster.kubectl("create", "-n", "bound", "-f", "-", stdin=unscheduled)
    target = {"apiVersion": "v1", "kind": "Node", "name": node}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}
    return cluster.kubectl("create", "-n", "bound", "-f", "-", stdin=binding).stderr


def scheduling(cluster: ControlPlane, name: str) -> str:
    conditions = cluster.get("pod", "-n", "bound", name)["status"].get("conditions", [])
    return "".join(
        item.get("message", "") for item in conditions if item.get("reason") == "SchedulerError"
    )


def events(cluster: ControlPlane, name: str) -> str:
    return cluster.must(
        "get", "events", "-n", "bound", "--field-selector", f"involvedObject.name={name}"
    )


def test_pods_of_one_owner_are_answered_from_memory(
    cluster: ControlPlane, webhook: Webhook, namespace: str
) -> None:
    obj = workload("Deployment", "many", DEBIAN, replicas=40)
    before = judged_anew(webhook)
    assert apply(cluster, namespace, obj).code == 0
    cluster.must("rollout", "status", "-n", namespace, "deployment/many", "--timeout=60s")
    # The Deployment, its ReplicaSet and the first pods, of which several may come at once.
    assert judged_anew(webhook) - before < 12


def judged_anew(webhook: Webhook) -> int:
    lines = webhook.get("/metrics").text.splitlines()
    counts = [
        line.split()[1]
        for line in lines
        if line.startswith('elfgate_step_seconds_count{step="parse"}')
    ]
    return int(float(counts[0])) if counts else 0


def test_what_is_found_out_too_late_becomes_an_event_on_the_pod_and_its_owner(
    cluster: ControlPlane, settings: dict[str, Any], tmp_path: Path
) -> None:
    cluster.add_namespace("late", **{"elfgate.dev/webhook": "late"})
    admission = {"drain_seconds": 0, "events": True, "first_sight_seconds": 0}
    with Webhook(tmp_path, settings | {"admission": admission}) as other:
        selector = {"matchLabels": {"elfgate.dev/webhook": "late"}}
        cluster.must("create", "-f", "-", stdin=other.configuration("late", selector=selector))
        try:
            owner = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}}
            uid = json.loads(
                cluster.must("create", "-n", "late", "-o", "json", "-f", "-", stdin=owner)
            )["metadata"]["uid"]
            probe = pod("probe", "example/none:1", on="ppc64le")
            until(
                lambda: apply(cluster, "late", probe, "--dry-run=server").stderr,
                "the webhook is not contacted",
            )
            obj = pod("web", ALPINE, on="ppc64le")
            reference = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": "owner",
                "uid": uid,
                "controller": True,
            }
            obj["metadata"]["ownerReferences"] = [reference]
            said = apply(cluster, "late", obj)
            assert (said.code, "still being read" in said.stderr) == (0, True)
            until(lambda: len(late_events(cluster)) == 2, "there are no events")
        finally:
            cluster.must("delete", "validatingwebhookconfiguration", "late")
    told = late_events(cluster)
    assert {
        (event["involvedObject"]["kind"], event["involvedObject"]["name"]) for event in told
    } == {
        ("Pod", "web"),
        ("ConfigMap", "owner"),
    }
    for event in told:
        assert event["message"].startswith(ON_POWER.splitlines()[0])
        assert (event["type"], event["count"]) == ("Warning", 1)
    assert "CannotStart" in cluster.must("describe", "-n", "late", "pod/web")


def late_events(cluster: ControlPlane) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = cluster.get(
        "events", "-n", "late", "--field-selector=reason=CannotStart"
    )["items"]
    return items
