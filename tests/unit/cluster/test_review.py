import copy
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest

from elfgate.cluster.decisive import decisive, digest
from elfgate.cluster.review import (
    Review,
    bound_node,
    judged,
    parse,
    response,
    warning_lines,
)
from elfgate.cluster.workload import Role
from elfgate.errors import InputError
from support.objects import container, deployment, pod

RECORDED = Path(__file__).parents[2] / "data" / "reviews"


def recorded(name: str) -> Review:
    return parse((RECORDED / f"{name}.json").read_bytes())


def review(obj: object, *, old: object = None, operation: str = "CREATE", **fields: Any) -> Review:
    request = {"uid": "u", "resource": {"resource": "pods"}, "operation": operation, "namespace": "shop", "name": "web",
               "object": obj, "oldObject": old, **fields}  # fmt: skip
    return parse(
        orjson.dumps(
            {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
        )
    )


@pytest.mark.parametrize(
    ("name", "kind", "containers"),
    [
        ("pod-create-kubectl", "Pod", ["registry.example/solo:1.0"]),
        ("pod-create-replicaset-controller", "Pod", ["registry.example/web:1.0"]),
        ("deployment-create-kubectl", "Deployment", ["registry.example/web:1.0"]),
        ("replicaset-create-deployment-controller", "ReplicaSet", ["registry.example/web:1.0"]),
        ("pod-ephemeralcontainers-update-kubectl-debug", "Pod", ["busybox"]),
    ],
)
def test_what_a_real_api_server_asks_is_judged(name: str, kind: str, containers: list[str]) -> None:
    found = judged(recorded(name))

    assert found
    assert found.kind == kind
    assert [item.image for item in found.containers] == containers
    assert (found.namespace, bool(found.name)) == ("default", True)


@pytest.mark.parametrize(
    "name",
    [
        "binding-create-scheduler",
        "binding-create-scheduler-rs-pod",
        "bindings-deprecated-create",
        "deployment-scale-update-kubectl",
        "pod-delete-kubectl",
        "pod-exec-connect-kubectl",
        "pod-status-update-kubelet",
    ],
)
def test_what_starts_nothing_new_passes_at_once(name: str) -> None:
    assert judged(recorded(name)) is None


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        ("binding-create-scheduler", ("solo", "kwok-ppc64le")),
        ("binding-create-scheduler-topology-labels", ("topo", "kwok-ppc64le")),
        ("bindings-deprecated-create", ("b2", "kwok-s390x")),
        ("pod-create-kubectl", None),
        ("deployment-scale-update-kubectl", None),
    ],
)
def test_a_binding_tells_its_pod_and_node(name: str, bound: tuple[str, str] | None) -> None:
    assert bound_node(recorded(name)) == bound


def test_the_envelope_is_read() -> None:
    found = recorded("pod-create-replicaset-controller")

    assert found.uid == "b88a0696-ebc2-4ecc-b4ab-a59567f6fb85"
    assert found.user.username == "system:serviceaccount:kube-system:replicaset-controller"
    assert (found.namespace, found.operation, found.dry_run) == ("default", "CREATE", False)


def test_only_the_added_ephemeral_container_is_judged() -> None:
    old = pod(ephemeralContainers=[container("first")])
    new = pod(ephemeralContainers=[container("first"), container("second")])

    found = judged(review(new, old=old, operation="UPDATE", subResource="ephemeralcontainers"))

    assert found
    assert [(item.name, item.role) for item in found.containers] == [("second", Role.EPHEMERAL)]


def test_an_update_that_changes_nothing_relevant_passes_at_once() -> None:
    new = deployment()
    new["metadata"]["labels"] = {"touched": "yes"}
    new["spec"]["replicas"] = 3
    new["spec"]["template"]["metadata"] = {"annotations": {"restarted": "now"}}

    assert judged(review(new, old=deployment(), operation="UPDATE")) is None


CHANGES: list[dict[str, Any]] = [
    {"containers": [container(image="registry.example/web:2")]},
    {"containers": [container(command=["/other"])]},
    {"containers": [container(env=[{"name": "PATH", "value": "/bin"}])]},
    {"containers": [container(volumeMounts=[{"name": "v", "mountPath": "/lib"}])]},
    {"securityContext": {"runAsUser": 1000}},
    {"nodeSelector": {"kubernetes.io/arch": "ppc64le"}},
    {"tolerations": [{"operator": "Exists"}]},
    {"affinity": {"nodeAffinity": {}}},
    {"os": {"name": "linux"}},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_an_update_that_changes_what_starts_or_where_is_judged(change: dict[str, Any]) -> None:
    assert judged(review(deployment(**change), old=deployment(), operation="UPDATE"))


def test_an_object_that_is_being_deleted_passes_at_once() -> None:
    dying = pod(container(image="registry.example/web:2"))
    dying["metadata"]["deletionTimestamp"] = "2026-11-24T05:52:42Z"

    assert judged(review(dying, old=pod(), operation="UPDATE")) is None


def test_a_deletion_timestamp_hides_nothing_that_is_created() -> None:
    pretending = pod()
    pretending["metadata"]["deletionTimestamp"] = "2026-11-24T05:52:42Z"

    assert judged(review(pretending))


def test_an_old_object_of_another_shape_decides_nothing() -> None:
    assert judged(review(pod(), old=pod(container(image=1)), operation="UPDATE"))


def test_the_requests_namespace_and_name_stand_for_missing_ones() -> None:
    obj = pod()
    obj["metadata"] = {"generateName": "web-"}

    found = judged(review(obj))

    assert found
    assert (found.namespace, found.name) == ("shop", "web")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the review is not JSON: "),
        (b"{", "the review is not JSON: "),
        (b"[" * 100_000, "the review is not JSON: "),
        (b'"\xff"', "the review is not JSON: "),
        (b"[]", "not an AdmissionReview: "),
        (b"{}", "not an AdmissionReview: apiVersion: "),
        (
            b'{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{}}',
            "not an AdmissionReview: ",
        ),
        (
            b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}',
            "not an AdmissionReview: request: ",
        ),
        (b" " * (3 << 20) + b"{}", "the review is longer than 3 MiB"),
    ],
)
def test_garbage_is_refused_in_one_line(body: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(body)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_cut_review_is_refused() -> None:
    body = (RECORDED / "pod-create-kubectl.json").read_bytes()

    with pytest.raises(InputError):
        parse(body[:-20])


def test_every_field_may_be_of_any_type_and_only_input_errors_follow() -> None:
    base = orjson.loads((RECORDED / "pod-create-kubectl.json").read_bytes())
    for key in base["request"]:
        for wrong in (None, 1, "x", [], [1], {"x": 1}, True):
            body = copy.deepcopy(base)
            body["request"][key] = wrong
            with suppress(InputError):
                judged(parse(orjson.dumps(body)))


def test_an_allowed_answer_is_short() -> None:
    assert response("u", allowed=True) == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": "u", "allowed": True},
    }


def test_a_denial_is_forbidden_and_keeps_its_lines() -> None:
    answer: Any = response(
        "u",
        allowed=False,
        message="web cannot start\n  a \x1b[31mred\x00 reason\n",
        audit={"codes": "x"},
    )

    status = answer["response"]["status"]
    assert (status["code"], status["reason"]) == (403, "Forbidden")
    assert status["message"] == "web cannot start\n  a \\x1b[31mred\\x00 reason"
    assert answer["response"]["auditAnnotations"] == {"codes": "x"}


def test_a_warning_is_one_printable_line() -> None:
    assert warning_lines(["two\n  lines\tand \x1b[1mmore\x00", "", " \n"]) == [
        r"two lines and \x1b[1mmore\x00"
    ]


def test_a_warning_is_given_once() -> None:
    assert warning_lines(["a", "b", "a\n"]) == ["a", "b"]


def test_long_warnings_stay_whole_while_there_is_room() -> None:
    assert warning_lines(["x" * 3000, "y" * 900]) == ["x" * 3000, "y" * 900]


def test_one_endless_warning_is_cut_and_not_lost() -> None:
    assert warning_lines(["x" * 9000, "y"]) == ["x" * 255 + "…", "y"]


def test_warnings_past_the_limit_are_cut_and_counted() -> None:
    lines = warning_lines([f"{number:03} " + "ß" * 400 for number in range(40)])

    assert sum(map(len, lines)) < 4096
    assert all(len(line) <= 256 for line in lines)
    assert [line[:3] for line in lines[:-1]] == [f"{number:03}" for number in range(len(lines) - 1)]
    assert lines[-1] == f"… and {40 - (len(lines) - 1)} more"
    assert len(lines) >= 15


def test_a_message_without_end_is_cut() -> None:
    answer: Any = response("u", allowed=False, message="x" * 1_000_000)

    assert len(answer["response"]["status"]["message"]) <= 32_000


def test_pods_of_one_owner_are_alike_whatever_their_volumes_are_called() -> None:
    def asked(suffix: str, path: str = "/var/run/secrets/kubernetes.io/serviceaccount") -> bytes:
        mount = {"name": f"kube-api-access-{suffix}", "mountPath": path, "readOnly": True}
        obj = pod(
            container(volumeMounts=[mount]), volumes=[{"name": mount["name"], "projected": {}}]
        )
        obj["metadata"] |= {"name": f"web-{suffix}", "generateName": "web-"}
        fields = {
            "uid": suffix,
            "resource": {"resource": "pods"},
            "operation": "CREATE",
            "object": obj,
        }
        return digest(decisive(Review.model_validate(fields)))

    assert asked("7xk2p") == asked("q9z4m")
    assert asked("7xk2p") != asked("7xk2p", path="/usr/lib")


@pytest.mark.parametrize(
    "spec", [5, [], {"containers": 5}, {"containers": [5]}, {"containers": [{"volumeMounts": [5]}]}]
)
def test_a_pod_of_any_shape_can_be_told_from_others(spec: object) -> None:
    obj = {"kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
    fields = {"uid": "1", "resource": {"resource": "pods"}, "operation": "CREATE", "object": obj}
    assert digest(decisive(Review.model_validate(fields)))


def test_a_bound_pod_may_be_given_a_toleration() -> None:
    before = pod(nodeName="arm-1")
    after = pod(nodeName="arm-1", tolerations=[{"operator": "Exists"}])
    assert judged(review(after, old=before, operation="UPDATE")) is None
    assert judged(review(pod(tolerations=[]), old=pod(), operation="UPDATE"))


def test_what_an_update_changes_is_judged_beside_how_it_was() -> None:
    before, after = deployment(), deployment(containers=[container(command=["/b"])])
    found = judged(review(after, old=before, operation="UPDATE"))
    assert found
    assert found.before
    assert found.before.containers[0].overrides.command is None


def test_only_the_templates_that_an_update_changes_are_judged() -> None:
    def group(worker: str) -> dict[str, Any]:
        templates = {
            f"{role}Template": {"spec": {"containers": [container(role, image)]}}
            for role, image in (("leader", "a:1"), ("worker", worker))
        }
        return {
            "apiVersion": "leaderworkerset.x-k8s.io/v1",
            "kind": "LeaderWorkerSet",
            "metadata": {"name": "web"},
            "spec": {"leaderWorkerTemplate": templates},
        }

    found = judged(review(group("b:2"), old=group("b:1"), operation="UPDATE"))
    assert found
    assert [item.name for item in found.containers] == ["worker"]
    assert found.others == ()
    assert judged(review(group("b:1"), old=group("b:1"), operation="UPDATE")) is None


def test_volumes_that_give_groups_or_are_images_decide_and_others_do_not() -> None:
    volumes: list[dict[str, Any]] = [
        {"name": "kube-api-access-x", "projected": {"sources": []}},
        {"name": "a", "persistentVolumeClaim": {"claimName": "x"}},
        {"name": "b", "persistentVolumeClaim": {"claimName": "y"}},
        {"name": "c", "image": {"reference": "data:1"}},
    ]
    kept = decisive(review(pod(volumes=volumes))).obj
    assert kept
    assert kept["spec"]["volumes"] == [
        {"persistentVolumeClaim": {}},
        {"image": {"reference": "data:1"}},
    ]


def test_very_many_volumes_are_kept_as_they_are() -> None:
    """Not one is looked at (``test_elements`` counts the steps), and none that decides is lost."""
    volumes = [{"image": {"reference": f"data:{number}"}} for number in range(30_000)]
    kept = decisive(review(pod(volumes=volumes))).obj
    assert kept
    assert kept["spec"]["volumes"] == volumes


def test_labels_and_annotations_that_decide_are_kept() -> None:
    obj = pod()
    obj["metadata"] |= {
        "labels": {
            "app": "web",
            "kueue.x-k8s.io/queue-name": "q",
            "rollouts-pod-template-hash": "5d9fb",
        },
        "annotations": {"a": "b", "cdi.k8s.io/gpu": "vendor.example/gpu=0"},
    }
    kept = decisive(review(obj)).obj
    assert kept
    assert kept["metadata"]["labels"] == {
        "kueue.x-k8s.io/queue-name": "q",
        "rollouts-pod-template-hash": "5d9fb",
    }
    assert kept["metadata"]["annotations"] == {"cdi.k8s.io/gpu": "vendor.example/gpu=0"}
