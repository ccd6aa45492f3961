"""``elfgate audit``, as a person or a pipeline uses it: on objects as kubectl prints them, and a real registry."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support import founding
from support.manifests import pod, pod_spec, workload
from support.registry import Answer, Registry

if TYPE_CHECKING:
    import subprocess

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Obj = dict[str, Any]


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with Registry({founding.REPOSITORY: founding.images()}) as serving:
        yield serving


@pytest.fixture
def image(registry: Registry) -> Callable[[str], str]:
    return lambda tag: registry.reference(f"{founding.REPOSITORY}:{tag}")


def node(name: str, architecture: str) -> Obj:
    labels = {"kubernetes.io/arch": architecture, "kubernetes.io/os": "linux"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def listed(*objects: Obj) -> str:
    """As ``kubectl get -o json`` prints them."""
    return json.dumps({"apiVersion": "v1", "items": objects, "kind": "List"})


def in_namespace(obj: Obj, namespace: str = "shop", **labels: str) -> Obj:
    obj["metadata"] |= {"namespace": namespace, "labels": labels}
    return obj


def owned(obj: Obj, kind: str, name: str) -> Obj:
    obj["metadata"]["ownerReferences"] = [{"kind": kind, "name": name, "controller": True}]
    return obj


def audit(elfgate: Run, text: str, *words: str, code: int) -> Obj:
    ran = elfgate("audit", "-f", "-", "-o", "json", *words, text=text)
    assert (ran.returncode, ran.stderr) == (code, "")
    report: Obj = json.loads(ran.stdout)
    return report


BOTH = (node("amd-1", "amd64"), node("power-1", "ppc64le"))


def test_each_workload_is_told_with_what_fails_where_it_may_land(
    elfgate: Run, image: Callable[[str], str]
) -> None:
    alpine = in_namespace(workload("Deployment", "web", image("2-alpine"), replicas=3))
    debian = in_namespace(workload("StatefulSet", "db", image("2-debian")))
    report = audit(elfgate, listed(*BOTH, alpine, debian), code=1)
    web, db = sorted(report["found"], key=lambda each: -each["replicas"])
    assert (web["state"], web["decision"]) == ("fails", "warned")
    assert web["platforms"] == {"linux/amd64": "starts", "linux/ppc64le": "fails"}
    assert (db["state"], db["decision"], db["replicas"]) == ("starts", "admitted", 1)
    assert report["replicas"] == {"starts": 1, "kept_off": 0, "unknown": 0, "fails": 3}


def test_a_reason_is_told_once_for_all_workloads_of_an_image(
    elfgate: Run, image: Callable[[str], str]
) -> None:
    objects = [
        in_namespace(workload("Deployment", f"web-{n}", image("2-alpine"), replicas=n), team=team)
        for n, team in ((1, "red"), (2, "red"), (3, "blue"))
    ]
    report = audit(elfgate, listed(*BOTH, *objects), "--owner-label", "team", code=1)
    (reason,) = report["reasons"]
    assert (reason["code"], reason["platforms"]) == ("loader_missing", ["linux/ppc64le"])
    assert (reason["workloads"], reason["replicas"]) == (3, 6)
    assert reason["owners"] == {"red": 2, "blue": 1}
    assert "kubernetes.io/arch" in reason["remedy"]


def test_an_owner_is_its_namespaces_where_a_workload_does_not_say(
    elfgate: Run, image: Callable[[str], str]
) -> None:
    namespace = {"kind": "Namespace", "metadata": {"name": "shop", "labels": {"team": "green"}}}
    objects = in_namespace(pod("web", image("2"))), namespace
    report = audit(elfgate, listed(BOTH[0], *objects), "--owner-label", "team", code=0)
    assert report["found"][0]["owner"] == "green"


def test_what_one_owner_makes_is_judged_once(elfgate: Run, image: Callable[[str], str]) -> None:
    deployment = in_namespace(workload("Deployment", "web", image("2-debian"), replicas=2))
    replica_set = owned(workload("ReplicaSet", "web-7d4b", image("2-debian")), "Deployment", "web")
    pods = [owned(pod(f"web-7d4b-{n}", image("2-debian")), "ReplicaSet", "web-7d4b") for n in "ab"]
    made = [in_namespace(each) for each in (replica_set, *pods)]
    report = audit(elfgate, listed(*BOTH, *made, deployment), code=0)
    (found,) = report["found"]
    assert (found["kind"], found["name"], found["replicas"]) == ("Deployment", "web", 2)


def test_pods_stand_for_an_owner_that_is_not_there_and_may_land_anew(
    elfgate: Run, image: Callable[[str], str]
) -> None:
    pods = [
        owned(pod(f"web-7d4b-{n}", image("2-alpine"), nodeName="amd-1"), "ReplicaSet", "web-7d4b")
        for n in "abc"
    ]
    report = audit(elfgate, listed(*BOTH, *map(in_namespace, pods)), code=1)
    (found,) = report["found"]
    assert (found["kind"], found["name"], found["replicas"]) == ("Deployment", "web", 3)
    assert found["platforms"]["linux/ppc64le"] == "fails"


def test_pods_of_a_daemon_set_that_is_not_there_count_as_on_every_node(
    elfgate: Run, image: Callable[[str], str]
) -> None:
    def on(name: str) -> Obj:
        fields = [{"key": "metadata.name", "operator": "In", "values": [name]}]
        required = {"nodeSelectorTerms": [{"matchFields": fields}]}
        affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
        made = pod(f"agent-{name}", image("2-alpine"), nodeName=name, affinity=affinity)
        return in_namespace(owned(made, "DaemonSet", "agent"))

    report = audit(elfgate, listed(*BOTH, on("amd-1")), code=1)
    (found,) = report["found"]
    assert (found["kind"], found["decision"]) == ("DaemonSet", "warned")
    assert found["platforms"] == {"linux/amd64": "starts", "linux/ppc64le": "fails"}


def test_a_container_that_admission_added_is_judged_as_its_owners(
    elfgate: Run, image: Callable[[str], str]
) -> None:
    deployment = in_namespace(workload("Deployment", "web", image("2-debian")))
    made = in_namespace(owned(pod("web-7d4b-x", image("2-debian")), "ReplicaSet", "web-7d4b"))
    made["spec"]["containers"].append({"name": "proxy", "image": image("2-alpine")})
    report = audit(elfgate, listed(*BOTH, made, deployment), code=1)
    (found,) = report["found"]
    assert found["images"] == {image("2-debian"): "starts", image("2-alpine"): "fails"}
    assert [each["container"] for each in found["problems"]] == ["proxy"]


def test_a_bare_pod_is_judged_where_it_runs(elfgate: Run, image: Callable[[str], str]) -> None:
    made = in_namespace(pod("web", image("2-alpine"), nodeName="amd-1"))
    report = audit(elfgate, listed(*BOTH, made), code=0)
    assert report["found"][0]["platforms"] == {"linux/amd64": "starts"}


def test_pods_and_jobs_that_have_ended_are_counted_only(
    elfgate: Run, image: Callable[[str], str]
) -> None:
    over = in_namespace(pod("web", image("2"))) | {"status": {"phase": "Succeeded"}}
    complete = {"conditions": [{"type": "Complete", "status": "True"}]}
    job = in_namespace(workload("Job", "once", image("2"))) | {"status": complete}
    running = in_namespace(workload("Job", "twice", image("2"), parallelism=2))
    report = audit(elfgate, listed(BOTH[0], over, job, running), code=0)
    assert (report["over"], [each["name"] for each in report["found"]]) == (2, ["twice"])
    assert report["found"][0]["replicas"] == 2


def test_what_is_not_known_says_why_and_fails_only_if_told_to(
    elfgate: Run, image: Callable[[str], str]
) -> None:
    text = listed(*BOTH, in_namespace(pod("web", image("3"))))
    report = audit(elfgate, text, code=0)
    (reason,) = report["reasons"]
    assert (reason["state"], reason["reason"]) == ("unknown", "image_not_found")
    audit(elfgate, text, "--fail-on", "unknown", code=3)


def test_what_is_only_warned_of_does_not_fail_on_what_is_denied(
    elfgate: Run, image: Callable[[str], str]
) -> None:
    warned = in_namespace(pod("web", image("2-alpine")))
    denied = in_namespace(pod("app", image("2-alpine"), on="ppc64le"))
    audit(elfgate, listed(*BOTH, warned), "--fail-on", "denied", code=0)
    audit(elfgate, listed(*BOTH, warned, denied), "--fail-on", "denied", code=1)


def test_a_baseline_fails_on_what_is_new_only(
    elfgate: Run, image: Callable[[str], str], tmp_path: Path
) -> None:
    before = [in_namespace(workload("Deployment", "web", image("2-alpine")))]
    known = tmp_path / "known.json"
    known.write_text(json.dumps(audit(elfgate, listed(*BOTH, *before), code=1)))
    retagged = in_namespace(workload("Deployment", "web", image("2")))
    report = audit(elfgate, listed(*BOTH, *before), "--baseline", str(known), code=0)
    assert [each["new"] for each in report["reasons"]] == [0]
    added = in_namespace(workload("Deployment", "app", image("2-alpine")))
    later = listed(*BOTH, retagged, added)
    ran = elfgate("audit", "-f", "-", "--baseline", str(known), text=later)
    assert ran.returncode == 1
    assert "shop/Deployment/app" in ran.stdout
    assert "new: 1 cannot start, 0 not known" in ran.stdout


def test_what_could_move_is_told_by_platform(elfgate: Run, image: Callable[[str], str]) -> None:
    objects = (
        in_namespace(workload("Deployment", "static", image("2"))),
        in_namespace(workload("Deployment", "pinned", image("2-debian"), on="amd64")),
        in_namespace(workload("Deployment", "musl", image("2-alpine"), on="amd64")),
        in_namespace(pod("bound", image("2-debian"), nodeName="amd-1")),
    )
    report = audit(elfgate, listed(*objects), "--for", "linux/arm64,linux/ppc64le", code=1)
    states = {each["name"]: each["platforms"] for each in report["found"]}
    assert states == {
        "static": {"linux/arm64": "starts", "linux/ppc64le": "fails"},
        "pinned": {"linux/arm64": "kept-off", "linux/ppc64le": "kept-off"},
        "musl": {"linux/arm64": "kept-off", "linux/ppc64le": "fails"},
        "bound": {"linux/arm64": "starts", "linux/ppc64le": "starts"},
    }
    assert report["platforms"]["linux/ppc64le"] == {
        "starts": 1,
        "kept_off": 1,
        "unknown": 0,
        "fails": 2,
    }


def test_what_is_in_the_way_of_a_move_is_told_with_another_tag_that_starts(
    elfgate: Run, image: Callable[[str], str]
) -> None:
    objects = [in_namespace(pod(tag, image(tag))) for tag in ("2-debian", "2-alpine")]
    ran = elfgate("audit", "-f", "-", "--for", "ppc64le", text=listed(*objects))
    assert ran.returncode == 1
    assert f"use {image('2-debian')}, which starts on linux/ppc64le" in ran.stdout
    assert "1 of 2 (50 %)" in ran.stdout


def test_the_same_is_said_as_check_says(elfgate: Run, image: Callable[[str], str]) -> None:
    objects = [
        in_namespace(workload(kind, f"{kind.lower()}-{tag}", image(tag), on=on))
        for kind in ("Deployment", "DaemonSet", "CronJob")
        for tag in founding.images()
        for on in ("", "ppc64le", "amd64")
    ]
    for position, obj in enumerate(objects):
        obj["metadata"]["name"] += f"-{position}"
    report = audit(elfgate, listed(*BOTH, *objects), code=1)
    ran = elfgate("check", "-", "--arch", "amd64,ppc64le", "-o", "json", text=listed(*objects))
    checked = {each["name"]: each["verdict"] for each in json.loads(ran.stdout)["results"]}
    assert {each["name"]: each["decision"] for each in report["found"]} == checked


def test_what_the_policies_would_deny_and_what_is_exempt_is_told(
    elfgate: Run, image: Callable[[str], str], tmp_path: Path
) -> None:
    config = tmp_path / "elfgate.yaml"
    config.write_text(
        'policies: {most: dryrun, help: "ask #platform"}\n'
        "admission: {exempt_namespaces: [tools]}\n",
        encoding="utf-8",
    )
    objects = [
        in_namespace(workload("Deployment", namespace, image("2-alpine"), on="ppc64le"), namespace)
        for namespace in ("shop", "tools", "kube-system")
    ]
    words = ("--config", str(config), "--fail-on", "denied")
    report = audit(elfgate, listed(*BOTH, *objects), *words, code=0)
    told = {each["name"]: (each["decision"], each["would_deny"]) for each in report["found"]}
    assert told == {
        "shop": ("admitted", True),
        "tools": ("exempt", False),
        "kube-system": ("exempt", False),
    }
    ran = elfgate("audit", "-f", "-", *words, text=listed(*BOTH, *objects))
    assert "by the policies: 1 would be denied, 1 admitted, 2 exempt" in ran.stdout
    assert "\n    ask #platform\n" in ran.stdout
    assert [reason["help"] for reason in report["reasons"]] == [["ask #platform"]]


def test_exemptions_that_spare_nothing_of_what_runs_are_named(
    elfgate: Run, image: Callable[[str], str], tmp_path: Path
) -> None:
    config = tmp_path / "elfgate.yaml"
    lasting = "owner: team-a, reason: moves, expires: 2099-01-01"
    config.write_text(
        f"policies: {{exemptions: [{{namespace: shop, {lasting}}}, {{namespace: gone, {lasting}}}]}}",
        encoding="utf-8",
    )
    failing = workload("Deployment", "web", image("2-alpine"), on="ppc64le")
    objects = listed(*BOTH, in_namespace(failing, "shop"))
    words = ("--config", str(config), "--fail-on", "denied")
    report = audit(elfgate, objects, *words, code=0)
    idle = "the exemption of team-a (namespace gone)"
    assert report["unused"] == [idle]
    ran = elfgate("audit", "-f", "-", *words, text=objects)
    assert f"{idle} spares nothing of this\n" in ran.stdout
    assert audit(elfgate, objects, *words, "--for", "linux/ppc64le", code=0)["unused"] == []


def test_an_object_of_a_wrong_shape_does_not_stop_the_others(
    elfgate: Run, image: Callable[[str], str]
) -> None:
    broken = in_namespace(pod("broken", image("2")))
    broken["spec"]["containers"] = 7
    odd = in_namespace(pod("odd", image("2"), nodeSelector={"a": 7}))
    report = audit(
        elfgate, listed(*BOTH, broken, odd, in_namespace(pod("web", image("2-debian")))), code=0
    )
    assert "containers" in report["unread"][0]
    assert {each["name"]: each["state"] for each in report["found"]} == {
        "odd": "unknown",
        "web": "starts",
    }


def test_a_folder_of_manifests_is_audited_for_named_architectures(
    elfgate: Run, image: Callable[[str], str], tmp_path: Path
) -> None:
    for tag in founding.images():
        path = tmp_path / f"{tag}.yaml"
        path.write_text(json.dumps({"kind": "Pod", "spec": pod_spec(image(tag))}))
    ran = elfgate("audit", "-f", str(tmp_path), "--arch", "amd64")
    assert ran.returncode == 0
    assert ran.stdout == "3 workloads, 3 replicas, 3 images: 3 start\n"


@pytest.mark.parametrize(
    ("words", "text", "said"),
    [
        ([], listed(), "no node among the objects"),
        (["--arch", "vax"], listed(), "vax"),
        (["--for", ","], listed(), "--for"),
        (["--nodes", "-"], listed(), "--nodes"),
        (["--arch", "amd64", "--baseline", "nowhere.json"], listed(), "nowhere.json"),
        (["--arch", "amd64"], "a: [", "standard input"),
    ],
)
def test_audit_refuses_bad_input_in_one_line(
    elfgate: Run, words: list[str], text: str, said: str
) -> None:
    ran = elfgate("audit", "-f", "-", *words, text=text)
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert said in ran.stderr


def test_another_tag_that_starts_is_looked_for_in_the_registry_if_asked(
    elfgate: Run, image: Callable[[str], str], registry: Registry
) -> None:
    alpine = in_namespace(workload("Deployment", "web", image("2-alpine")))
    objects = listed(*BOTH, alpine)
    name = registry.reference(founding.REPOSITORY)
    (reason,) = audit(elfgate, objects, "--look-for-tags", code=1)["reasons"]
    assert reason["remedy"].startswith(f"use {name}:2-debian, which starts on ppc64le")
    moving = audit(elfgate, objects, "--for", "linux/ppc64le", "--look-for-tags", code=1)
    assert f"use {name}:2-debian" in moving["reasons"][0]["remedy"]


def test_no_registry_is_asked_for_its_tags_unless_that_is_wanted(
    elfgate: Run, image: Callable[[str], str], registry: Registry
) -> None:
    alpine = in_namespace(workload("Deployment", "web", image("2-alpine")))
    registry.seen.clear()
    (reason,) = audit(elfgate, listed(*BOTH, alpine), code=1)["reasons"]
    assert "2-debian" not in reason["remedy"]
    assert not any("tags/list" in path for path in registry.paths())


def test_a_registry_without_a_list_of_tags_changes_nothing(
    elfgate: Run, image: Callable[[str], str], registry: Registry
) -> None:
    alpine = in_namespace(workload("Deployment", "web", image("2-alpine")))
    path = f"/v2/{founding.REPOSITORY}/tags/list"
    registry.answer(path, Answer(404))
    report = audit(elfgate, listed(*BOTH, alpine), "--look-for-tags", code=1)
    registry.answer(path)
    assert report["workloads"]["fails"] == 1
