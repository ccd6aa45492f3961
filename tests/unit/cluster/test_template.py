from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from elfgate.cluster.template import TEMPLATES, Template, workload
from elfgate.cluster.workload import Role, Workload
from elfgate.errors import InputError
from elfgate.linkage.report import Code
from support.objects import container, deployment, pod


def read(obj: object) -> Workload:
    found = workload(obj)
    assert found is not None
    return found


def test_a_pod_is_its_own_template() -> None:
    found = read(pod())

    assert (found.kind, found.namespace, found.name, found.every_node) == (
        "Pod",
        "shop",
        "web",
        False,
    )
    assert [item.image for item in found.containers] == ["registry.example/web:1"]
    assert found.pod_spec == pod()["spec"]


HELD: dict[str, Any] = {
    "template": {"spec": {"containers": [container()]}},
    "spec": {"containers": [container()]},
    "object": pod(),
    "argo": {"container": container()},
    "tekton": {"steps": [container()]},
}


def holding(row: Template, obj: Any) -> dict[str, Any]:
    """An object of a row's kind with this at its path; every other step is a list, where any may be."""
    for number, step in enumerate(reversed(row.path)):
        each = [obj] if number % 2 else {"a": obj}
        obj = each if step == "*" else {step: obj}
    return {
        **obj,
        "apiVersion": f"{row.group}/v1".lstrip("/"),
        "kind": row.kind,
        "metadata": {"name": "web"},
    }


@pytest.mark.parametrize("row", TEMPLATES, ids=lambda row: f"{row.group}/{row.kind}")
def test_every_kind_of_the_table_yields_its_containers(row: Template) -> None:
    found = read(holding(row, HELD[row.holds]))

    assert [item.name for item in found.containers] == ["web"]
    assert (found.kind, found.every_node) == (row.kind, row.every_node)
    assert found.others == ()


@pytest.mark.parametrize("row", TEMPLATES, ids=lambda row: f"{row.group}/{row.kind}")
def test_what_is_absent_on_the_way_holds_nothing(row: Template) -> None:
    for step in row.path:
        cut = row.path[: row.path.index(step)]
        short = Template(row.group, row.kind, cut)
        assert workload(holding(short, {})) is None


def test_an_object_with_several_templates_has_them_all() -> None:
    templates = {
        "leaderTemplate": {"spec": {"containers": [container("leader")]}},
        "workerTemplate": {"spec": {"containers": [container("worker")]}},
    }
    found = read(
        {
            "apiVersion": "leaderworkerset.x-k8s.io/v1",
            "kind": "LeaderWorkerSet",
            "spec": {"leaderWorkerTemplate": templates},
        }
    )
    assert [(item.part, item.containers[0].name) for item in (found, *found.others)] == [
        ("spec.leaderWorkerTemplate.leaderTemplate", "leader"),
        ("spec.leaderWorkerTemplate.workerTemplate", "worker"),
    ]


def test_settings_may_name_templates_in_lists_and_pod_specs_by_a_path() -> None:
    adapter = TypeAdapter(Template)
    path = "spec.crews[*].pod"
    row = adapter.validate_python(
        {"group": "s.example", "kind": "S", "path": path, "holds": "spec"}
    )
    crews = [{"pod": {"containers": [container(name)]}} for name in ("a", "b")]
    obj = {"apiVersion": "s.example/v1", "kind": "S", "spec": {"crews": crews}}

    found = workload(obj, templates=(row,))

    assert found
    assert [item.part for item in (found, *found.others)] == [
        "spec.crews[0].pod",
        "spec.crews[1].pod",
    ]


def test_two_rows_that_lead_to_one_template_are_judged_once() -> None:
    row = Template("batch.volcano.sh", "Job", ("spec", "tasks", "0", "template"))
    obj = {
        "apiVersion": "batch.volcano.sh/v1alpha1",
        "kind": "Job",
        "spec": {"tasks": [{"template": pod()}]},
    }
    found = workload(obj, templates=(*TEMPLATES, row))
    assert found
    assert found.others == ()


def test_what_a_controller_adds_to_leaves_only_the_platform_to_judge() -> None:
    found = read(holding(next(row for row in TEMPLATES if row.kind == "RayCluster"), pod()))
    (added,) = [item for item in found.containers[0].doubts if item.reason == "template"]
    assert added.codes is not None
    assert Code.PLATFORM_MISSING not in added.codes


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("v1", "ConfigMap"),
        ("serving.example/v1", "Service"),
        ("v1", "Service"),
        ("apps/v1", "Pod"),
        ("v1", "Deployment"),
    ],
)
def test_other_kinds_hold_nothing_to_judge(api_version: str, kind: str) -> None:
    assert workload({**pod(), "apiVersion": api_version, "kind": kind}) is None


def test_a_rollout_that_refers_to_a_deployment_holds_nothing_to_judge() -> None:
    assert (
        workload(
            {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "spec": {"workloadRef": {}}}
        )
        is None
    )


def test_settings_may_add_a_kind() -> None:
    row = Template("shop.example", "Stall", ("spec", "pods", "template"))
    obj = {"apiVersion": "shop.example/v2", "kind": "Stall", "spec": {"pods": {"template": pod()}}}

    found = workload(obj, templates=(*TEMPLATES, row))

    assert found
    assert found.kind == "Stall"


def test_scheduling_gates_and_another_scheduler_are_noted() -> None:
    gates = [{"name": "example.com/quota"}, {"name": "example.com/licence"}]
    found = workload(pod(schedulerName="volcano", schedulingGates=gates))
    assert found
    assert (found.scheduler, found.gates) == (
        "volcano",
        ("example.com/quota", "example.com/licence"),
    )
    plain = workload(pod(schedulerName="default-scheduler"))
    assert plain
    assert (plain.scheduler, plain.gates) == ("", ())


def test_init_containers_come_first_and_an_always_restarted_one_is_a_sidecar() -> None:
    found = read(
        pod(
            initContainers=[container("migrate"), container("proxy", restartPolicy="Always")],
            ephemeralContainers=[container("debug")],
        )
    )

    assert [(item.name, item.role) for item in found.containers] == [
        ("migrate", Role.INIT),
        ("proxy", Role.SIDECAR),
        ("web", Role.MAIN),
        ("debug", Role.EPHEMERAL),
    ]


def test_a_main_container_is_no_sidecar_whatever_its_restart_policy() -> None:
    assert read(pod(container(restartPolicy="Always"))).containers[0].role is Role.MAIN


def test_command_and_args_are_expanded_with_the_containers_own_variables() -> None:
    [web] = read(
        pod(container(command=["$(ROOT)/web"], args=["--key=$(KEY)"], env=[{"name": "ROOT", "value": "/opt"},
                                                                          {"name": "KEY", "valueFrom": {}}]))
    ).containers  # fmt: skip

    assert web.overrides.command == ("/opt/web",)
    assert web.overrides.args == ("--key=$(KEY)",)
    assert web.overrides.env == {"ROOT": "/opt"}
    assert web.overrides.unknown_env == {"KEY"}


def test_an_empty_command_leaves_the_images_own() -> None:
    [web] = read(pod(container(command=[], args=None))).containers

    assert web.overrides.command is None
    assert web.overrides.args is None


def test_the_containers_user_outranks_the_pods_even_if_it_is_root() -> None:
    [web, log] = read(
        pod(
            container("web", securityContext={"runAsUser": 0}),
            container("log", securityContext={"runAsNonRoot": True}),
            securityContext={"runAsUser": 1000, "runAsGroup": 2000},
        )
    ).containers

    assert (web.overrides.user, web.overrides.group) == (0, 2000)
    assert (log.overrides.user, log.overrides.group) == (1000, 2000)


@pytest.mark.parametrize("said", [{}, {"allowPrivilegeEscalation": True}])
def test_a_pod_gains_privileges_unless_it_says_no_and_of_others_only_that_no_is_known(
    said: dict[str, bool],
) -> None:
    containers = [
        container(securityContext=said),
        container("log", securityContext={"allowPrivilegeEscalation": False}),
    ]
    others = (deployment(containers=containers), pod(*containers, runtimeClassName="gvisor"))
    for obj, known in ((pod(*containers), False), *((other, None) for other in others)):
        [web, log] = read(obj).containers
        assert (web.overrides.no_new_privileges, log.overrides.no_new_privileges) == (known, True)


def test_the_groups_that_a_pod_adds_are_read() -> None:
    security = {"supplementalGroups": [5, 7], "fsGroup": 9, "supplementalGroupsPolicy": "Strict"}
    [web] = read(pod(securityContext=security)).containers
    assert (web.overrides.groups, web.overrides.image_groups) == (frozenset({5, 7, 9}), False)
    [plain] = read(pod()).containers
    assert (plain.overrides.groups, plain.overrides.image_groups) == (frozenset(), True)


@pytest.mark.parametrize(
    ("volumes", "others"),
    [
        ([{"name": "a", "emptyDir": {}}], False),
        ([{"name": "a", "persistentVolumeClaim": {"claimName": "b"}}], True),
        ([{"name": "a", "ephemeral": {}}], True),
    ],
)
def test_a_persistent_volume_may_bring_a_group(volumes: list[object], others: bool) -> None:
    """Its annotation ``pv.beta.kubernetes.io/gid``."""
    [web] = read(pod(volumes=volumes)).containers
    assert web.overrides.other_groups is others


def test_admission_may_give_groups_to_what_is_made_of_a_template() -> None:
    [web] = read(deployment()).containers
    assert web.overrides.other_groups


def test_mounts_are_absolute_and_plain() -> None:
    mounts = [
        {"name": "v", "mountPath": path}
        for path in ("/data/", "//opt/./bin", "relative", "/a/../b")
    ]

    [web] = read(
        pod(
            container(volumeMounts=mounts, volumeDevices=[{"name": "d", "devicePath": "/dev/xvda"}])
        )
    ).containers

    assert web.overrides.mounts == ("/data", "/opt/bin", "/relative", "/b", "/dev/xvda")


def test_an_image_may_be_left_to_an_injector() -> None:
    assert read(deployment(containers=[{"name": "istio-proxy"}])).containers[0].image == ""


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ([], "the document is not an object"),
        (pod(container(image=1)), "spec.containers[0].image is not a string"),
        (pod(container(), {"name": True}), "spec.containers[1].name is not a string"),
        (pod(container(command="web")), "spec.containers[0].command is not a list"),
        (pod(container(command=["web", None])), None),
        (pod(container(args=[["x"]])), "spec.containers[0].args[0] is not a string"),
        (pod(container(securityContext=[])), "spec.containers[0].securityContext is not an object"),
        (pod(container(securityContext={"runAsUser": "0"})),
         "spec.containers[0].securityContext.runAsUser is not an integer"),
        (pod(container(securityContext={"runAsUser": True})),
         "spec.containers[0].securityContext.runAsUser is not an integer"),
        (pod(container(volumeMounts=[{"mountPath": 1}])),
         "spec.containers[0].volumeMounts[0].mountPath is not a string"),
        (pod(initContainers={}), "spec.initContainers is not a list"),
        (deployment(containers=["web"]), "spec.template.spec.containers[0] is not an object"),
        ({**pod(), "metadata": []}, "metadata is not an object"),
        ({**pod(), "kind": {}}, "kind is not a string"),
        ({**deployment(), "spec": "x"}, "spec is not an object"),
    ],
)  # fmt: skip
def test_a_wrong_shape_is_named_by_its_path(obj: object, message: str | None) -> None:
    if message is None:
        assert workload(obj)  # null is what Kubernetes reads as empty
        return
    with pytest.raises(InputError) as caught:
        workload(obj)
    assert str(caught.value) == message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["name", "image", "env", "value", "valueFrom", "command", "securityContext", "runAsUser", "volumeMounts"]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JSON, JSON)
def test_whatever_the_shape_the_only_error_is_one_of_input(
    containers: object, security: object
) -> None:
    obj = {
        **pod(),
        "spec": {
            "containers": containers,
            "initContainers": [containers],
            "securityContext": security,
        },
    }
    with suppress(InputError):
        assert workload(obj) is not None
