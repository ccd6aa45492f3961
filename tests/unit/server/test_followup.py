"""What was admitted while its image was still being read is judged again, and told if it cannot start."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elfgate.cluster.access import Access
from elfgate.cluster.api import Api
from elfgate.cluster.decisive import decisive
from elfgate.cluster.events import Events
from elfgate.cluster.review import Review
from elfgate.cluster.workload import Point
from elfgate.gate.gate import Judgement
from elfgate.policy.document import Document, FindingEntry, LinkageEntry, Request, VariantEntry
from elfgate.policy.verdict import Verdict, Violation
from elfgate.server import followup as module
from elfgate.server.followup import FollowUp
from support.api_server import ApiServer
from support.objects import pod


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.0001)


def review(name: str = "web", *, dry_run: bool = False, **metadata: Any) -> Review:
    obj = pod()
    obj["metadata"] |= {"name": name, "uid": name, **metadata}
    fields: dict[str, Any] = {
        "uid": name,
        "resource": {"resource": "pods"},
        "operation": "CREATE",
        "dryRun": dry_run,
    }
    return Review.model_validate({**fields, "namespace": "shop", "object": obj})


def judgement(*, reading: bool = False, allowed: bool = True) -> Judgement:
    finding = FindingEntry(
        code="linkage_unknown",
        path="",
        message="it is still being read",
        effect="unknown",
        reason="not_scanned",
    )
    linkage = LinkageEntry(
        container="web",
        platform="linux/amd64",
        verdict="unknown",
        variant=VariantEntry(id="unknown"),
        findings=[finding] if reading else [],
    )
    request = Request(point="pod", kind="Pod", today="2026-01-01")
    document = Document(request=request, targets=[], containers=[], linkages=[linkage])
    denials = [] if allowed else [Violation(code="loader_missing", headline="web cannot start")]
    verdict = Verdict(version=1, revision="r", allowed=allowed, denials=denials, warnings=[])
    return Judgement(verdict, document)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with ApiServer() as server, Api(Access(server.kubeconfig(tmp_path))) as running:
        yield running


def told(
    api: Api, reviews: list[Review], first: Judgement, *then: Judgement
) -> tuple[list[tuple[str, str]], int]:
    """What waits to be told after these reviews were admitted, and how many times they were judged again."""
    later = list(then)
    asked = []

    async def judge(again: Review, _seconds: float, _point: Point) -> Judgement | None:
        asked.append(again)
        return later.pop(0) if len(later) > 1 else later[0]

    async def main() -> list[tuple[str, str]]:
        events = Events(api)
        follower = FollowUp(judge, events)
        for one in reviews:
            follower.notice(one, decisive(one), Point.POD, first)
        await asyncio.gather(*follower._tasks)
        return [(told.subject.name, told.message) for told in events._waiting.values()]

    return asyncio.run(main()), len(asked)


def test_it_is_judged_again_until_all_is_read_and_told_if_it_cannot_start(api: Api) -> None:
    reading = judgement(reading=True)
    assert told(api, [review()], reading, reading, reading, judgement(allowed=False)) == (
        [("web", "web cannot start")],
        3,
    )


def test_nothing_is_told_of_what_starts_after_all(api: Api) -> None:
    assert told(api, [review()], judgement(reading=True), judgement()) == ([], 1)


def test_nothing_is_told_of_what_is_never_read(api: Api) -> None:
    assert told(api, [review()], judgement(reading=True), judgement(reading=True)) == (
        [],
        module.TRIES,
    )


@pytest.mark.parametrize(
    ("one", "first"),
    [
        (review(dry_run=True), judgement(reading=True)),
        (review(), judgement()),
        (review(), judgement(reading=True, allowed=False)),
    ],
    ids=["a dry run", "nothing is unknown", "it was refused"],
)
def test_what_needs_no_following_up_is_left_alone(api: Api, one: Review, first: Judgement) -> None:
    assert told(api, [one], first, judgement(allowed=False)) == ([], 0)


def test_pods_of_one_owner_are_judged_once_and_each_is_told(api: Api) -> None:
    reviews = [review(f"web-{suffix}", generateName="web-") for suffix in ("aaaaa", "bbbbb")]
    kept, judged = told(api, reviews, judgement(reading=True), judgement(allowed=False))
    assert ([name for name, _ in kept], judged) == (["web-aaaaa", "web-bbbbb"], 1)
