"""The content of reports: what is told of each workload, how much, and in which words."""

from dataclasses import replace
from typing import Any

import pytest

from elfgate.audit.entry import Entry, Problem, State
from elfgate.audit.reporting import MOST_RESULTS, reports
from elfgate.audit.subject import Subject
from elfgate.cluster.workload import Workload
from elfgate.policy.rulebook import shipped

CANNOT = Problem(
    image="app:1",
    container="web",
    platform="linux/ppc64le",
    state=State.FAILS,
    code="loader_missing",
    message="/server needs the loader /lib64/ld64.so.2",
    remedy="use app:2",
)
NOT_KNOWN = Problem(
    image="app:1",
    container="web",
    platform="linux/s390x",
    state=State.UNKNOWN,
    code="linkage_unknown",
    message="the registry does not answer",
    reason="registry_unreachable",
)


def entry(*problems: Problem, namespace: str = "shop", **more: Any) -> Entry:
    subject = Subject(Workload("Deployment", namespace, "web", (), {}), "", owner="red")
    return Entry(subject, problems=problems, **({"decision": "denied"} | more))


def one(*problems: Problem, **more: Any) -> dict[str, Any]:
    return reports([entry(*problems, **more)], shipped())["shop"]


@pytest.mark.parametrize(
    ("problem", "more", "word"),
    [
        (CANNOT, {}, "fail"),
        (CANNOT, {"decision": "admitted", "would_deny": True}, "fail"),
        (CANNOT, {"decision": "warned"}, "warn"),
        (CANNOT, {"decision": "exempt"}, "skip"),
        (NOT_KNOWN, {"decision": "warned"}, "error"),
    ],
)
def test_an_outcome_has_the_apis_word(problem: Problem, more: dict[str, Any], word: str) -> None:
    told = one(problem, **more)
    assert [each["result"] for each in told["results"]] == [word]
    assert told["summary"] == dict.fromkeys(("pass", "fail", "error", "skip", "warn"), 0) | {
        word: 1
    }


def test_what_starts_is_counted_only() -> None:
    told = one(decision="admitted")
    assert told["summary"]["pass"] == 1
    assert told["results"] == []


def test_platforms_of_one_reason_are_told_together() -> None:
    (result,) = one(CANNOT, replace(CANNOT, platform="linux/s390x"))["results"]
    assert result["properties"]["platforms"] == "linux/ppc64le, linux/s390x"


def test_a_result_names_its_workload_and_the_way_out() -> None:
    (result,) = one(CANNOT)["results"]
    assert result["resources"] == [{"kind": "Deployment", "namespace": "shop", "name": "web"}]
    told = result["properties"]
    assert (told["remedy"], told["owner"], told["decision"]) == ("use app:2", "red", "denied")
    assert "reason" not in told


def test_a_report_is_bounded_and_has_the_worst_first() -> None:
    many = [entry(NOT_KNOWN, decision="warned")] * MOST_RESULTS + [entry(CANNOT)]
    told = reports(many, shipped())["shop"]
    assert len(told["results"]) == MOST_RESULTS == told["configuration"]["limits"]["maxResults"]
    assert told["results"][0]["result"] == "fail"
    assert told["summary"]["error"] == MOST_RESULTS


def test_a_long_text_is_cut() -> None:
    (result,) = one(replace(CANNOT, message="x" * 10_000))["results"]
    assert len(result["message"]) == 800


def test_each_namespace_has_its_own() -> None:
    found = reports([entry(CANNOT), entry(namespace="bar"), entry(namespace="")], shipped())
    assert list(found) == ["bar", "shop"]
