"""A verdict on what policies see of a document is the verdict on the document, but for the names."""

import asyncio
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import TypeVar

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from elfgate.policy import bundle
from elfgate.policy.annotation import LOOKS, USUAL
from elfgate.policy.config import Exemption, PolicyConfig
from elfgate.policy.document import FURTHER, Document, GroupEntry, Model, SecurityEntry, VolumeEntry
from elfgate.policy.embedded import EmbeddedEngine
from elfgate.policy.mask import masked
from elfgate.policy.reach import looks_of
from elfgate.policy.sight import EVERYTHING, Sight, sight
from elfgate.policy.verdict import KINDS, Verdict
from elfgate.wiring import policies
from support import chance
from support.documents import pod

NOTHING = Sight(frozenset())
M = TypeVar("M", bound=Model)
OTHERS = {
    "namespace_labels": {"odd": "one"},
    "labels": {"an": "other"},
    "annotations": {"an": "other"},
    "service_account": "another",
    "host_network": True,
    "host_pid": True,
    "host_ipc": True,
    "volumes": [VolumeEntry(name="another", kind="", source="")],
    "command": ["another"],
    "args": ["another"],
    "mounts": {"/an": "other"},
    "security": SecurityEntry(seccomp="another"),
    "groups": [GroupEntry(nodes=7, labels={"an": "other"})],
    "digest": "sha256:another",
    "manifest": "sha256:another",
}
FOR_SOME = Exemption(
    namespace="shop", workload="web-*", owner="a", reason="b", expires=date(2099, 1, 1)
)


@cache
def engine(seed: int) -> tuple[EmbeddedEngine, Sight]:
    try:
        config = PolicyConfig.model_validate(chance.config(seed)) if seed else None
    except ValidationError:  # some by chance mean nothing, and are refused
        config = None
    policies = bundle.load(config=config)
    return EmbeddedEngine(policies), sight(policies)


def judged(engine: EmbeddedEngine, document: Document) -> Verdict:
    return asyncio.run(engine.evaluate(document))


@given(st.integers(0, 40), st.integers(0, 10_000))
def test_what_policies_see_is_judged_as_the_whole_document(settings: int, seed: int) -> None:
    live, looks = engine(settings)
    whole = chance.document(seed)
    seen = masked(whole, looks)
    assert seen.unmasked(judged(live, seen.document())) == judged(live, whole)


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


def renamed(document: Document, behind: Mapping[str, str], image: str, name: str) -> Document:
    """The document with other containers' names, the pod's, and other images that are alike."""
    containers = [
        container.model_copy(
            update={
                "name": behind[container.name],
                "image": f"{image}:{position}",
                "repository": image,
                "tag": f"{position}",
                "digest": "",
            }
        )
        for position, container in enumerate(document.containers)
    ]
    linkages = [
        linkage.model_copy(update={"container": behind[linkage.container]})
        for linkage in document.linkages
    ]
    request = document.request.model_copy(update={"name": name})
    return document.model_copy(
        update={"request": request, "containers": containers, "linkages": linkages}
    )


@given(st.integers(0, 10_000), st.data())
def test_renaming_changes_a_verdict_in_nothing_but_the_names(
    seed: int, data: st.DataObject
) -> None:
    live, looks = engine(0)
    whole = chance.document(seed)
    before = sorted({container.name for container in whole.containers})
    after = data.draw(st.lists(names, min_size=len(before), max_size=len(before), unique=True))
    behind = dict(zip(before, after, strict=True))
    other = renamed(whole, behind, data.draw(names), data.draw(names))
    one, two = masked(whole, looks), masked(other, looks)
    verdict, again = (
        judged(live, document).model_dump(exclude=set(KINDS)) for document in (whole, other)
    )
    assert verdict == again
    if len(set(one.names)) == len(set(two.names)) and two.whole is None:
        assert two.unmasked(judged(live, two.document())) == judged(live, other)


@example(settings=36, seed=200)  # an exemption of a finding that nothing is said of
@given(st.integers(0, 40), st.integers(0, 10_000))
def test_why_a_program_fails_where_the_pod_cannot_land_decides_nothing(
    settings: int, seed: int
) -> None:
    live, _ = engine(settings)
    whole = chance.document(seed)
    landing = {target.platform for target in whole.targets}
    pairs = [(linkage.container, linkage.platform) for linkage in whole.linkages]
    assume(len(set(pairs)) == len(pairs))  # one prediction each, as the gate has it
    linkages = [
        linkage if linkage.platform in landing else linkage.model_copy(update={"findings": []})
        for linkage in whole.linkages
        if linkage.platform in landing or linkage.verdict != "starts"
    ]
    told = [each for each in whole.linkages if each.platform in landing or each.verdict != "starts"]
    reduced, whole = (whole.model_copy(update={"linkages": each}) for each in (linkages, told))
    assert judged(live, reduced) == judged(live, whole)


def test_pods_that_differ_in_what_nobody_looks_at_are_one_question() -> None:
    one = pod(containers=2, starts=("amd64",), fails=("s390x",))
    behind = {container.name: f"another-{container.name}" for container in one.containers}
    other = renamed(one, behind, "example/app", "b")
    same = renamed(one, behind, "example/other", "c")
    assert masked(other, NOTHING).json == masked(same, NOTHING).json


@pytest.mark.parametrize("mark", ["\ue000", "\ue001", "\ue002"])
def test_a_document_with_a_mark_in_it_is_seen_as_it_is(mark: str) -> None:
    one = pod(fails=("s390x",))
    odd = renamed(one, {"app-0": f"{mark}0000"}, "example/app", "a")
    assert masked(odd, NOTHING).document() is odd


def test_policies_that_look_at_everything_see_the_whole_document() -> None:
    one = pod(fails=("s390x",))
    assert masked(one, EVERYTHING).document() is one


def test_a_document_is_written_as_pydantic_writes_it() -> None:
    for number in range(50):
        document = chance.full(number)
        assert document.json_bytes().decode() == document.model_dump_json()


def test_what_was_not_put_into_a_document_is_not_written() -> None:
    for number in range(50):
        document = chance.document(number)
        assert Document.model_validate_json(document.json_bytes()) == document
        assert masked(chance.full(number), Sight(USUAL)).json == document.json_bytes()


@given(st.integers(0, 10_000), st.sets(st.sampled_from(sorted(LOOKS))))
def test_what_nobody_looks_at_changes_no_question(seed: int, looks: set[str]) -> None:
    document, sight = chance.full(seed), Sight(frozenset(looks))
    for look in FURTHER:
        changed = _changed(document, look)
        same = changed == document or look not in looks
        assert (masked(changed, sight).json == masked(document, sight).json) is same


def _changed(document: Document, look: str) -> Document:
    """The document with something else in each place that this word of ``looks_at`` is for."""

    def other(entry: M) -> M:
        marked = [name for name, word in looks_of(type(entry)).items() if word == look]
        return entry.model_copy(update={name: OTHERS[name] for name in marked})

    return document.model_copy(
        update={
            "request": other(document.request),
            "pod": other(document.pod),
            "targets": [other(entry) for entry in document.targets],
            "containers": [other(entry) for entry in document.containers],
            "linkages": [other(entry) for entry in document.linkages],
        }
    )


@pytest.mark.parametrize(("exemptions", "alike"), [([], True), ([FOR_SOME], False)])
def test_a_verdict_is_remembered_for_every_name_or_for_its_own(
    exemptions: list[Exemption], *, alike: bool
) -> None:
    async def remembered() -> bool:
        config = PolicyConfig(exemptions=exemptions)
        live = await policies.engine(policies.Judging(config=config))
        behind = {"app-0": "app-0"}
        for name in ("one", "other"):
            document = renamed(pod(fails=("s390x",)), behind, "example/app", name)
            verdict = await live.evaluate(document)
            assert verdict.denials[0].container == "app-0"
        entries = len(live._verdicts)
        await live.close()
        return entries == 1

    assert asyncio.run(remembered()) is alike
