"""What the chart installs: what is asked, how the pods run, and that their files are what elfgate and OPA take."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from elfgate.cli.main import verb_parser
from elfgate.policy.bundle import load
from elfgate.settings import Settings
from elfgate.wiring.policies import Judging, engine
from support import opa
from support.chart import (
    ROOT,
    VALUES,
    containers,
    helms,
    lay_out,
    objects,
    one,
    pods,
    rendered,
    template,
)

CI = {path.name.removesuffix("-values.yaml"): path for path in VALUES}
named = pytest.mark.parametrize(
    "values", VALUES, ids=lambda path: path.name.removesuffix("-values.yaml")
)


@pytest.fixture
def major() -> str:
    """The newest Helm that is there: what they render is the same."""
    if not helms():
        pytest.skip("no Helm: .ci/helm builds one")
    return max(helms())


def _hooks(major: str, values: str, kind: str = "ValidatingWebhookConfiguration") -> dict[str, Any]:
    return {hook["name"]: hook for hook in one(rendered(major, CI[values]), kind)["webhooks"]}


def test_without_values_nothing_can_lock_a_cluster(major: str) -> None:
    hooks = _hooks(major, "default")
    assert list(hooks) == ["validate.elfgate.dev"]
    hook = hooks["validate.elfgate.dev"]
    assert (hook["failurePolicy"], hook["sideEffects"], hook["timeoutSeconds"]) == (
        "Ignore",
        "None",
        5,
    )
    (exempt,) = hook["namespaceSelector"]["matchExpressions"]
    assert exempt == {
        "key": "kubernetes.io/metadata.name",
        "operator": "NotIn",
        "values": ["kube-system", "elfgate"],
    }
    assert "system:nodes" in hook["matchConditions"][0]["expression"]


def test_without_values_there_are_two_webhooks_and_one_is_always_left(major: str) -> None:
    found = rendered(major)
    spec = one(found, "Deployment")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert one(found, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_opa_runs_beside_the_webhook_from_before_its_start_until_after_its_end(major: str) -> None:
    spec = one(rendered(major), "Deployment")["spec"]["template"]["spec"]
    bundle, beside = spec["initContainers"]
    assert (bundle["name"], bundle["args"][:2]) == ("bundle", ["bundle", "build"])
    assert (beside["name"], beside["restartPolicy"]) == ("opa", "Always")
    terms = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    assert terms == [
        {
            "matchExpressions": [
                {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64", "arm64"]}
            ]
        }
    ]


def test_every_endpoint_has_a_failure_policy_and_selectors_of_its_own(major: str) -> None:
    hooks = _hooks(major, "strict") | _hooks(major, "strict", "MutatingWebhookConfiguration")
    policies = {name: hook["failurePolicy"] for name, hook in hooks.items()}
    assert policies == {
        "validate.elfgate.dev": "Fail",
        "bindings.elfgate.dev": "Ignore",
        "mutate.elfgate.dev": "Ignore",
    }
    for hook in hooks.values():
        values = hook["namespaceSelector"]["matchExpressions"][0]["values"]
        assert values == ["kube-system", "kube-node-lease", "monitoring", "elfgate"]
    assert hooks["validate.elfgate.dev"]["namespaceSelector"]["matchLabels"] == {"team": "shop"}
    assert hooks["bindings.elfgate.dev"]["rules"][0]["resources"] == ["pods/binding", "bindings"]


@named
def test_the_settings_are_what_serve_takes_and_every_pod_is_restricted(
    major: str, values: Path, tmp_path: Path
) -> None:
    settings = Settings.read(lay_out(rendered(major, values), tmp_path))
    assert settings.nodes.watch
    found = list(pods(rendered(major, values)))
    assert found
    for name, pod in found:
        context = pod["spec"]["securityContext"]
        seccomp = None if values == CI["openshift"] else {"type": "RuntimeDefault"}
        assert (context["runAsNonRoot"], context.get("seccompProfile")) == (True, seccomp), name
        for container in containers(pod):
            expected = {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["securityContext"] == expected, f"{name}: {container['name']}"
            assert "memory" in container["resources"]["limits"]
            assert "cpu" not in container["resources"]["limits"]


def test_the_policies_that_the_pods_see_are_those_of_the_project(
    major: str, tmp_path: Path
) -> None:
    settings = Settings.read(lay_out(rendered(major, CI["policies"]), tmp_path))
    assert settings.policies.folder is not None
    assert load(settings.policies.folder).revision == load(ROOT / "policies").revision
    judged = Judging.of_settings(settings.policies).bundle()
    assert judged.data["elfgate"]["config"]["rules"]["latest_tag"] == "off"  # not YAML's false
    assert judged.data["elfgate"]["config"]["exemptions"][0]["owner"] == "team-a"


@pytest.mark.skipif(opa.OPA is None, reason="no OPA: .ci/opa builds one")
@pytest.mark.parametrize("values", ["default", "policies", "own-rules", "gitops"])
def test_the_bundle_that_the_pod_makes_for_opa_is_the_one_that_the_webhook_expects(
    major: str, values: str, tmp_path: Path, short: Path
) -> None:
    found = rendered(major, CI[values])
    settings = lay_out(found, tmp_path)
    bundle, beside = one(found, "Deployment")["spec"]["template"]["spec"]["initContainers"]
    arguments = [str(tmp_path) + word if word.startswith("/") else word for word in bundle["args"]]
    subprocess.run([sys.executable, "-m", "elfgate", *arguments], check=True, capture_output=True)
    assert beside["args"][-2:] == ["--bundle", bundle["args"][-1]]
    with opa.running(short, *_options(beside["args"]), arguments[-1]) as socket:
        chosen = Settings.read(settings).policies.model_copy(update={"opa_socket": socket})
        asyncio.run(_judges_rightly(chosen))


def _options(arguments: list[str]) -> list[str]:
    """OPA's, without what the test gives it itself: the addresses, as a port may be taken, and the bundle's place."""
    return [
        word for word in arguments[2:-1] if "-addr=" not in word and "version-check" not in word
    ]


async def _judges_rightly(policies: Any) -> None:
    """Making an engine proves it on the golden documents."""
    judge = await engine(Judging.of_settings(policies))
    await judge.close()


def test_a_bundle_from_a_registry_is_followed_without_opa(major: str) -> None:
    spec = one(rendered(major, CI["bundle"]), "Deployment")["spec"]["template"]["spec"]
    assert "initContainers" not in spec


def test_a_claim_of_its_own_goes_with_each_webhook(major: str) -> None:
    spec = one(rendered(major, CI["claim"]), "StatefulSet")["spec"]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {
        "whenDeleted": "Delete",
        "whenScaled": "Delete",
    }
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "5Gi"
    assert "replicas" not in spec  # the autoscaler's


def test_the_network_policy_lets_the_webhook_reach_its_store(major: str) -> None:
    _, reached = one(rendered(major, CI["valkey"]), "NetworkPolicy")["spec"]["egress"]
    assert [each["port"] for each in reached["ports"]] == [443, 6443, 6380]


def test_what_warms_the_store_reads_its_part_of_the_pods_own_cluster(major: str) -> None:
    job = one(rendered(major, CI["valkey"]), "CronJob")["spec"]["jobTemplate"]["spec"]
    assert (job["completionMode"], job["completions"]) == ("Indexed", 8)
    (container,) = job["template"]["spec"]["containers"]
    assert container["args"][:4] == ["warm", "--cluster", "--shard", "$(JOB_COMPLETION_INDEX)/8"]
    parser = verb_parser("warm")
    taken = parser.parse_args(
        [word.replace("$(JOB_COMPLETION_INDEX)", "3") for word in container["args"][1:]]
    )
    assert (taken.cluster, taken.shard, taken.image) == (True, "3/8", ["registry.example/base:1"])


def test_the_audit_judges_by_the_webhooks_own_settings(major: str) -> None:
    job = one(rendered(major, CI["audit"]), "CronJob")["spec"]["jobTemplate"]["spec"]
    (container,) = job["template"]["spec"]["containers"]
    verb, *words = container["args"]
    taken = verb_parser(verb).parse_args(words)
    assert (verb, str(taken.config)) == ("audit", "/etc/elfgate/elfgate.yaml")
    assert taken.to_come == "linux/arm64,linux/ppc64le"
    assert (taken.owner_label, taken.fail_on, taken.outputs) == ("team", "denied", ["json"])
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {"/etc/elfgate", "/run/elfgate/policies"} <= mounted


def test_the_audit_writes_reports_if_it_is_told_to(major: str) -> None:
    found = objects(template(major, "--set", "audit.enabled=true,audit.reports=policyreport"))
    job = one(list(found), "CronJob")["spec"]["jobTemplate"]["spec"]
    (container,) = job["template"]["spec"]["containers"]
    verb, *words = container["args"]
    assert verb_parser(verb).parse_args(words).write_reports == "policyreport"


def test_images_by_digest_have_no_tag(major: str) -> None:
    pod = one(rendered(major, CI["placement"]), "Deployment")["spec"]["template"]
    assert [container["image"].partition("@")[0] for container in containers(pod)] == [
        "registry.example/elfgate",
        "registry.example/opa",
        "registry.example/elfgate",
    ]


def test_the_pods_roll_when_settings_or_policies_change(major: str) -> None:
    annotations = [
        one(rendered(major, CI[name]), "Deployment")["spec"]["template"]["metadata"]["annotations"]
        for name in ("default", "own-rules", "embedded")
    ]
    assert len({each["checksum/settings"] for each in annotations}) == 3
    assert len({each["checksum/policies"] for each in annotations}) == 2


_FIXED = ("runAsUser", "runAsGroup", "fsGroup", "seccompProfile")


def test_on_openshift_no_pod_chooses_a_user_a_group_or_a_seccomp_profile(major: str) -> None:
    """restricted-v2 refuses what lies outside the namespace's range, and gives the rest by itself."""
    for name, pod in pods(rendered(major, CI["openshift"])):
        contexts = [pod["spec"]["securityContext"]]
        contexts += [each["securityContext"] for each in containers(pod)]
        assert [key for each in contexts for key in _FIXED if key in each] == [], name
        assert contexts[0]["runAsNonRoot"] is True
        assert all(each["capabilities"] == {"drop": ["ALL"]} for each in contexts[1:])


def test_elsewhere_every_pod_runs_as_a_fixed_user_without_rights(major: str) -> None:
    for name, pod in pods(rendered(major)):
        context = pod["spec"]["securityContext"]
        assert [key for key in _FIXED if key not in context] == [], name


def test_security_contexts_are_free(major: str) -> None:
    for _, pod in pods(rendered(major, CI["host-network"])):
        context = pod["spec"]["securityContext"]
        assert context["runAsUser"] == 1000
        assert "fsGroup" not in context


def test_in_the_nodes_network_the_clusters_names_still_resolve(major: str) -> None:
    spec = one(rendered(major, CI["host-network"]), "Deployment")["spec"]
    pod = spec["template"]["spec"]
    assert (pod["hostNetwork"], pod["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")
    assert spec["revisionHistoryLimit"] == 3


def test_every_object_and_pod_has_the_common_labels(major: str) -> None:
    found = rendered(major, CI["openshift"])
    assert [obj for obj in found if obj["metadata"]["labels"].get("team") != "platform"] == []
    labels = [pod["metadata"]["labels"] for _, pod in pods(found)]
    assert [each for each in labels if each.get("team") != "platform"] == []


def test_the_pods_port_is_the_one_that_the_webhook_listens_on(major: str) -> None:
    (container,) = one(rendered(major, CI["host-network"]), "Deployment")["spec"]["template"][
        "spec"
    ]["containers"]
    assert container["ports"][0] == {"name": "https", "containerPort": 18443}
