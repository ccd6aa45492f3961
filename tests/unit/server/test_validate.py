"""The webhook's judge: what it remembers and for how long, and what it does when there is no time."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elfgate.cluster.bounds import VOLUMES
from elfgate.cluster.template import TEMPLATES
from elfgate.cluster.workload import CONTAINERS
from elfgate.gate.breath import SLICE
from elfgate.policy.config import PolicyConfig
from elfgate.scan import access
from elfgate.server.load import ANSWERING, BRIEFLY, Load
from elfgate.settings.admission import Admission
from support import founding
from support.judging import judging, real_node, review_of
from support.objects import container, deployment, pod
from support.oci import image
from support.registry import Answer, Registry
from support.tarball import program, tarball

POWER = {"kubernetes.io/arch": "ppc64le"}
NODES = [real_node("a", "amd64"), real_node("p", "ppc64le")]
MANIFEST = f"/v2/{founding.REPOSITORY}/manifests"


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry({founding.REPOSITORY: founding.images()}) as running:
        yield running


def server(registry: Registry, tag: str = "2-alpine") -> dict[str, str]:
    return container(image=registry.reference(f"{founding.REPOSITORY}:{tag}"))


def test_a_pod_like_one_before_is_answered_from_memory_under_its_own_uid(
    tmp_path: Path, registry: Registry
) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            one = pod(server(registry), nodeSelector=POWER)
            first = await judge.ask(one, uid="first")
            asked = len(registry.seen)
            one["metadata"] |= {
                "uid": "x",
                "managedFields": [{"manager": "kubectl"}],
                "labels": {"tier": "web"},
            }
            second = await judge.ask(one | {"status": {"phase": "Pending"}}, uid='se"cond')
            assert first["allowed"] is second["allowed"] is False
            assert second == {**first, "uid": 'se"cond'}
            assert len(registry.seen) == asked

    asyncio.run(main())


def test_what_is_exempt_is_never_refused(tmp_path: Path, registry: Registry) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            bad = pod(server(registry), nodeSelector=POWER)
            assert not (await judge.ask(bad))["allowed"]
            assert (await judge.ask(bad, namespace="kube-system"))["allowed"]
            bad["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "1"}
            assert (await judge.ask(bad))["allowed"]

    asyncio.run(main())


def test_what_decides_is_judged_anew(tmp_path: Path, registry: Registry) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            good, bad = (
                pod(server(registry), nodeSelector={"kubernetes.io/arch": a})
                for a in ("amd64", "ppc64le")
            )
            for _ in range(2):
                assert (await judge.ask(good))["allowed"]
                assert not (await judge.ask(bad))["allowed"]
                other = pod(
                    server(registry) | {"command": ["/nothing"]},
                    nodeSelector={"kubernetes.io/arch": "amd64"},
                )
                assert "/nothing" in (await judge.ask(other))["status"]["message"]

    asyncio.run(main())


def test_a_kind_that_the_settings_add_is_judged(tmp_path: Path, registry: Registry) -> None:
    kind = {"group": "shop.example", "kind": "Stall", "path": ["spec", "pods", "template"]}
    templates = (*TEMPLATES, *Admission.model_validate({"kinds": [kind]}).kinds)
    template = {"spec": pod(server(registry), nodeSelector=POWER)["spec"]}
    stall = {"apiVersion": "shop.example/v2", "kind": "Stall", "metadata": {"name": "web"}}
    stall |= {"spec": {"pods": {"template": template}}}

    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            assert (await judge.ask(stall))["allowed"]
        async with judging(tmp_path, registry, NODES, templates=templates) as judge:
            assert not (await judge.ask(stall))["allowed"]

    asyncio.run(main())


def test_a_large_review_is_judged_in_slices(tmp_path: Path, registry: Registry) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            many = [server(registry) | {"name": f"c{number}"} for number in range(CONTAINERS)]
            await judge.ask(pod(*many))  # what each image would do is at hand then
            again = asyncio.ensure_future(judge.ask(pod(*reversed(many))))
            looks = 0
            while not again.done():
                await asyncio.sleep(0)
                looks += 1
            assert looks > CONTAINERS * len(NODES) // SLICE

    asyncio.run(main())


def test_nodes_that_come_and_go_are_seen_by_the_next_review(
    tmp_path: Path, registry: Registry
) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            anywhere = pod(server(registry))
            assert (await judge.ask(anywhere))["allowed"]
            judge.inventory.remove("a")
            assert not (await judge.ask(anywhere))["allowed"]
            judge.inventory.upsert(real_node("a2", "amd64"))
            assert (await judge.ask(anywhere))["allowed"]

    asyncio.run(main())


def test_a_refusal_that_rests_on_a_stale_list_of_nodes_is_a_warning(
    tmp_path: Path, registry: Registry
) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES[1:]) as judge:
            anywhere, named = pod(server(registry)), pod(server(registry), nodeSelector=POWER)
            every = deployment(containers=[server(registry)]) | {"kind": "DaemonSet"}
            assert not any([(await judge.ask(obj))["allowed"] for obj in (anywhere, named, every)])
            judge.inventory.doubt(time.monotonic() - 42)
            for obj in (anywhere, every):
                doubtful = await judge.ask(obj)
                assert doubtful["allowed"]
                assert "the list of nodes is 42 s old" in " ".join(doubtful["warnings"])
            # It asks for an architecture on which it cannot start, whatever nodes there are.
            assert not (await judge.ask(named))["allowed"]
            judge.inventory.trust()
            assert not any([(await judge.ask(obj))["allowed"] for obj in (anywhere, named, every)])

    asyncio.run(main())


def test_a_rule_of_ones_own_refuses_nothing_either_that_rests_on_a_stale_list_of_nodes(
    tmp_path: Path, registry: Registry
) -> None:
    rule = Path(__file__).parents[3] / "docs" / "rules" / "ubi_on_s390x.rego"
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / rule.name).write_text(rule.read_text())

    async def main() -> None:
        mainframe = [real_node("z", "s390x")]
        async with judging(tmp_path, registry, mainframe, rules=rules) as judge:
            anywhere = pod(server(registry, "2-debian"))
            named = pod(server(registry, "2-debian"), nodeSelector={"kubernetes.io/arch": "s390x"})
            for obj in (anywhere, named):
                assert "UBI" in (await judge.ask(obj))["status"]["message"]
            judge.inventory.doubt(time.monotonic() - 60)
            assert (await judge.ask(anywhere))["allowed"]
            assert not (await judge.ask(named))["allowed"]

    asyncio.run(main())


def test_what_a_rule_in_dry_run_finds_is_for_metrics_and_audits_alone(
    tmp_path: Path, registry: Registry
) -> None:
    async def main() -> None:
        tried = PolicyConfig(rules={"loader_missing": "dryrun"})
        async with judging(tmp_path, registry, NODES, config=tried) as judge:
            answered = await judge.answered(pod(server(registry), nodeSelector=POWER))
            response = json.loads(answered.body)["response"]
            assert (response["allowed"], response.get("warnings", [])) == (True, [])
            assert response["auditAnnotations"]["dryrun"] == "loader_missing"
            assert (answered.codes, answered.dryrun) == ((), ("loader_missing",))

    asyncio.run(main())


@pytest.mark.parametrize(
    "settings",
    [
        {"rules": {"loader_missing": "dryrun"}},
        {"rules": {"loader_missing": "warn"}},
        {"most": "dryrun"},
        {"namespaces": {"s*": {"most": "warn"}}},
    ],
)
def test_a_denial_that_is_held_back_is_told_with_image_platform_and_words(
    settings: dict[str, Any], tmp_path: Path, registry: Registry
) -> None:
    async def main() -> None:
        config = PolicyConfig.model_validate(settings)
        async with judging(tmp_path, registry, NODES, config=config) as judge:
            power = pod(server(registry), nodeSelector=POWER)
            anywhere = pod(server(registry))
            for answer in (await judge.answered(power), await judge.answered(power)):
                (held,) = answer.refusals
                assert answer.allowed
                assert (held.code, held.platforms) == ("loader_missing", ("linux/ppc64le",))
                assert held.image == power["spec"]["containers"][0]["image"]
                assert "cannot start on ppc64le (p): " in held.words
                audit = json.loads(answer.body)["response"]["auditAnnotations"]
                assert audit["would-deny"] == held.words
            assert (await judge.answered(anywhere)).refusals == ()

    asyncio.run(main())


def test_a_tag_that_has_moved_is_seen_when_its_time_is_over(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            bound = pod(server(registry), nodeSelector=POWER)
            assert not (await judge.ask(bound))["allowed"]
            images = dict(registry.images[founding.REPOSITORY])
            registry.images = {founding.REPOSITORY: images | {"2-alpine": images["2-debian"]}}
            assert (await judge.ask(bound))["allowed"] is expected

    expected = False  # within the time that a tag's answer holds
    asyncio.run(main())
    monkeypatch.setattr(access, "TAG_SECONDS", 0.0)
    registry.images, expected = {founding.REPOSITORY: founding.images()}, True
    asyncio.run(main())


def test_what_could_not_be_read_is_asked_for_again(tmp_path: Path, registry: Registry) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            bound = pod(server(registry), nodeSelector=POWER)
            registry.answer(f"{MANIFEST}/2-alpine", Answer(404))
            unknown = await judge.ask(bound)
            assert unknown["allowed"]
            assert "linkage_unknown" in unknown["auditAnnotations"]["codes"]
            registry.answer(f"{MANIFEST}/2-alpine")
            assert not (await judge.ask(bound))["allowed"]

    asyncio.run(main())


def test_the_pods_that_one_owner_makes_are_judged_once(tmp_path: Path, registry: Registry) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            with_names = [
                named(pod(server(registry)), "web-7d5f-", made_up) for made_up in ("6kwtt", "abcde")
            ]
            known = [await judge.answered(one) for one in with_names]
            assert [bool(answer.seconds) for answer in known] == [True, False]

    asyncio.run(main())


def named(obj: dict[str, dict[str, str]], generate: str, made_up: str) -> dict[str, dict[str, str]]:
    obj["metadata"] |= {"generateName": generate, "name": generate + made_up}
    return obj


def test_a_slow_registry_is_waited_for_until_the_deadline_and_read_on(tmp_path: Path) -> None:
    """The scanner itself would wait for ever: the review's own deadline ends it."""
    layer_may_come = threading.Event()
    slow = image([tarball({"server": program(founding.server("amd64"))})], entrypoint=["/server"])
    layer = slow.children[-1]

    def body() -> Iterator[bytes]:
        layer_may_come.wait(20)
        yield layer.data

    async def main(registry: Registry) -> None:
        async with judging(tmp_path, registry, [real_node("p", "ppc64le")], wait=None) as judge:
            one = pod(container(image=registry.reference("slow:1")))
            async with asyncio.timeout(5):
                unknown = await judge.ask(one, deadline=0.3)
            assert unknown["allowed"]
            assert "still being read" in " ".join(unknown["warnings"])
            layer_may_come.set()
            assert not (await judge.ask(one))["allowed"]
            assert registry.paths().count(f"/v2/slow/blobs/{layer.digest}") == 1

    with Registry({"slow": {"1": slow}}) as registry:
        registry.answer(f"/v2/slow/blobs/{layer.digest}", Answer(body=body()))
        try:
            asyncio.run(main(registry))
        finally:
            layer_may_come.set()


def test_under_load_reviews_wait_for_no_registry_but_still_for_the_store(
    tmp_path: Path, registry: Registry
) -> None:
    digest = founding.images()["2-alpine"].digest
    read_before = pod(
        container(image=registry.reference(f"{founding.REPOSITORY}@{digest}")), nodeSelector=POWER
    )
    never_read = pod(server(registry, "2"), nodeSelector=POWER)

    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            assert not (await judge.ask(read_before))["allowed"]
        registry.answer(f"{MANIFEST}/2", Answer(body=registry.drip()))
        async with judging(tmp_path, registry, NODES, in_flight=1) as judge:
            async with asyncio.timeout(5):
                unknown = await judge.ask(never_read)
            assert unknown["allowed"]
            assert "still being read" in " ".join(unknown["warnings"])
            assert not (await judge.ask(read_before))["allowed"]

    asyncio.run(main())


def test_load_is_shed_in_order() -> None:
    told: list[bool] = []
    load = Load(8, told.append)
    steps = [load.one_more() for _ in range(8)]
    patience = []
    for step in steps:
        step.__enter__()
        patience.append(load.patience(2.0))
    assert told == [True]  # from the fifth on, nothing is read in the background
    assert patience == [2.0 - ANSWERING] * 6 + [BRIEFLY] * 2  # from the seventh on, nobody waits
    for step in steps:
        step.__exit__(None, None, None)
    assert told == [True, False]
    assert load.patience(0.0) == BRIEFLY


def test_what_a_review_has_no_room_for_is_unknown_and_read_by_nobody(
    tmp_path: Path, registry: Registry
) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            first = server(registry, "2-debian")
            rest = [
                container(f"c-{number}", registry.reference(f"another/app:{number}"))
                for number in range(600)
            ]
            many = [first | {"name": f"web-{number}"} for number in range(200)]
            response = await judge.ask(pod(*many, *rest))
            assert response["allowed"] is True
            warning = " ".join(response["warnings"])
            assert "no more than 128 containers" in warning
            assert warning.startswith("it is not known whether web-128 ")
            assert not [asked for asked in registry.seen if "another" in asked.path]

    asyncio.run(main())


@pytest.mark.parametrize(("workload", "alike"), [("*", True), ("web-*", False)])
def test_a_pod_of_another_name_is_another_question_only_where_a_policy_looks_at_it(
    tmp_path: Path, registry: Registry, workload: str, *, alike: bool
) -> None:
    exemption = {"namespace": "x", "workload": workload, "owner": "a", "reason": "b"}
    config = {"exemptions": [exemption | {"expires": "2099-01-01"}]}

    async def main() -> None:
        async with judging(
            tmp_path, registry, NODES, config=PolicyConfig.model_validate(config)
        ) as judge:
            one = pod(server(registry), nodeSelector=POWER)
            other = one | {"metadata": {"name": "other", "namespace": "shop"}}
            keys = [judge.validator.read(review_of(each)).key for each in (one, other)]
            assert (keys[0] == keys[1]) is alike
            answers = [await judge.ask(each) for each in (one, other)]
            assert answers[0] == answers[1]

    asyncio.run(main())


@pytest.mark.parametrize("depth", [10, 250, 300, 900])
def test_fields_of_any_depth_are_no_error(tmp_path: Path, registry: Registry, depth: int) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            nested: Any = "x"
            for _ in range(depth):
                nested = [nested]
            stall = {"kind": "Stall", "metadata": {"name": "s"}, "spec": nested}
            for _ in range(2):
                assert (await judge.ask(stall))["allowed"]

    asyncio.run(main())


def test_all_that_one_review_waits_for_ends_with_its_one_deadline(
    tmp_path: Path, registry: Registry
) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            images = [f"slow/app:{number}" for number in range(4)]
            for number in range(4):
                registry.answer(f"/v2/slow/app/manifests/{number}", Answer(body=registry.drip()))
            volumes = [
                {"name": f"v{number}", "image": {"reference": registry.reference(path)}}
                for number, path in enumerate(images)
            ]
            obj = pod(server(registry, "2-debian"), volumes=volumes)
            async with asyncio.timeout(10):
                assert (await judge.ask(obj, deadline=2.0))["allowed"]

    asyncio.run(main())


def test_of_many_volumes_only_so_many_are_looked_at(tmp_path: Path, registry: Registry) -> None:
    async def main() -> None:
        async with judging(tmp_path, registry, NODES[:1]) as judge:
            volumes = [
                {"name": f"v{n}", "image": {"reference": registry.reference(f"some/volume:{n}")}}
                for n in range(1000)
            ]
            await judge.ask(pod(server(registry, "2-debian"), volumes=volumes))
            asked = {each.path for each in registry.seen if "some/volume" in each.path}
            assert 0 < len(asked) <= VOLUMES

    asyncio.run(main())


def test_a_kind_that_nobody_listed_is_passed_over_and_named_once(
    tmp_path: Path, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    obj = {
        **deployment(containers=[server(registry)]),
        "apiVersion": "example.com/v1",
        "kind": "Fleet",
    }

    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            for name in ("a", "b"):
                metadata = {**obj["metadata"], "name": name}
                assert (await judge.ask({**obj, "metadata": metadata}))["allowed"]
            await judge.ask(deployment(containers=[server(registry)]))

    asyncio.run(main())
    named = [record for record in caplog.records if "are passed over" in record.message]
    assert [(vars(record)["group"], vars(record)["kind"]) for record in named] == [
        ("example.com", "Fleet")
    ]
