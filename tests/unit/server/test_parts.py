"""The parts of the server that need no connection."""

import asyncio
import json
import logging
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elfgate.cluster.inventory import Inventory
from elfgate.cluster.review import response
from elfgate.memory.recent import Recent
from elfgate.server.answers import ANSWERS, CachedAnswer, weigh
from elfgate.server.fallback import fallback, review_uid
from elfgate.server.logs import JsonFormatter
from elfgate.server.memories import MemoryCollector
from elfgate.server.metrics import DISTINCT, NAMESPACES, Metrics
from elfgate.server.nodes import NodeCollector
from elfgate.server.readiness import readiness
from elfgate.server.request import seconds_to_answer
from elfgate.settings.admission import Admission
from support.judging import real_node

ADMISSION = Admission(default_timeout_seconds=7)


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        (b"timeout=10s", 10.0),
        (b"timeout=1s&x=2", 1.0),
        (b"timeout=1.5s", 1.5),
        (b"timeout=500ms", 0.5),
        (b"timeout=1m0s", 30.0),
        (b"timeout=99999h", 7.0),
        (b"timeout=0s", 7.0),
        (b"timeout=-1s", 7.0),
        (b"timeout=s", 7.0),
        (b"timeout=", 7.0),
        (b"", 7.0),
        (b"\xff\xfe%", 7.0),
    ],
)
def test_the_api_servers_timeout_is_read_as_go_writes_it(query: bytes, seconds: float) -> None:
    assert seconds_to_answer(query, ADMISSION) == seconds


@given(st.binary(max_size=200))
def test_any_query_gives_a_time_to_answer(query: bytes) -> None:
    assert 0 < seconds_to_answer(b"timeout=" + query, ADMISSION) <= 30


@given(st.text(max_size=600))
def test_a_fallback_is_an_answer_that_the_api_server_takes(why: str) -> None:
    for allow in (True, False):
        review = json.loads(fallback("u", why=why, allow=allow))
        assert review["response"]["uid"] == "u"
        assert review["response"]["allowed"] is allow
        for warning in review["response"].get("warnings", []):
            assert warning.isprintable()


def test_a_reviews_uid_is_found_whatever_else_is_wrong_with_it() -> None:
    assert (
        review_uid(
            b'{"kind": "AdmissionReview", "apiVersion": 7, "request": {"uid": "u", "object": []}}'
        )
        == "u"
    )


def test_labels_have_an_end() -> None:
    metrics = Metrics()
    for number in range(DISTINCT * 3):
        metrics.judged(
            point="pod", allowed=True, outcome="judged", codes=[f"code_{number}"], seconds=0.001
        )
    text, _ = metrics.exposition()
    series = [
        line for line in text.decode().splitlines() if line.startswith("elfgate_findings_total{")
    ]
    assert len(series) == DISTINCT + 1
    assert 'elfgate_findings_total{code="other",decision="allowed",point="pod"} 128.0' in series


def test_a_log_line_is_a_json_object_with_what_came_along() -> None:
    record = logging.makeLogRecord(
        {"name": "x", "levelname": "INFO", "msg": "line\n%s", "args": ("two",), "uid": "u"}
    )
    line = JsonFormatter().format(record)
    assert "\n" not in line
    entry = json.loads(line)
    assert entry.pop("time").endswith("+00:00")
    assert entry == {"level": "info", "logger": "x", "message": "line\ntwo", "uid": "u"}


def test_a_check_that_hangs_is_told_like_one_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elfgate.server.readiness.CHECK_SECONDS", 0.01)

    async def hang() -> None:
        await asyncio.Event().wait()

    async def complaints() -> list[str]:
        return await readiness({"nodes": hang})()

    assert asyncio.run(complaints()) == ["nodes: no answer within 0.01 s"]


def test_metrics_tell_of_the_nodes_and_how_old_that_is() -> None:
    inventory, heard = (
        Inventory([real_node("a", "amd64"), real_node("p", "ppc64le"), real_node("q", "ppc64le")]),
        0.0,
    )
    metrics = Metrics()
    metrics.registry.register(NodeCollector(inventory, lambda: heard))
    heard = time.monotonic() - 7
    text = metrics.exposition()[0].decode()
    assert 'elfgate_nodes{platform="linux/ppc64le"} 2.0' in text
    assert "\nelfgate_nodes_watch_age_seconds 7.0" in text
    assert "\nelfgate_nodes_stale 0.0" in text
    inventory.doubt(heard)
    assert "\nelfgate_nodes_stale 1.0" in metrics.exposition()[0].decode()


def test_metrics_tell_how_full_each_memory_is() -> None:
    answers = Recent(ANSWERS, weigh)
    metrics = Metrics()
    metrics.registry.register(MemoryCollector())
    asked = (b"digest", 1, "revision", 20_000)
    answer = response("", allowed=True)
    answers.put(asked, CachedAnswer.of(answer, point="pod", outcome="admitted"))
    text = metrics.exposition()[0].decode()
    used = ANSWERS.usage()
    assert used is not None
    assert f'elfgate_memory_bytes{{memory="answers"}} {float(used.bytes)}' in text
    assert f'elfgate_memory_entries{{memory="answers"}} {float(used.entries)}' in text


def test_nodes_from_a_file_have_no_age() -> None:
    metrics = Metrics()
    metrics.registry.register(NodeCollector(Inventory(), None))
    assert b"nodes_watch_age" not in metrics.exposition()[0]


def test_findings_of_rules_in_dry_run_are_counted_apart() -> None:
    metrics = Metrics()
    metrics.judged(
        point="pod",
        allowed=True,
        outcome="admitted",
        codes=(),
        dryrun=["exec_format"],
        seconds=0.001,
    )
    text = metrics.exposition()[0].decode()
    assert 'elfgate_findings_total{code="exec_format",decision="dryrun",point="pod"} 1.0' in text
    assert 'elfgate_reviews_total{decision="allowed",outcome="admitted",point="pod"} 1.0' in text


def test_denials_that_are_held_back_are_counted_by_namespace_and_namespaces_have_an_end() -> None:
    metrics = Metrics()
    for number in range(NAMESPACES + 3):
        metrics.would_deny(point="pod", namespace=f"team-{number}", codes=["exec_format"])
    text = metrics.exposition()[0].decode()
    series = [line for line in text.splitlines() if line.startswith("elfgate_would_deny_total{")]
    assert len(series) == NAMESPACES + 1
    assert 'elfgate_would_deny_total{namespace="team-0",point="pod"} 1.0' in series
    assert 'elfgate_would_deny_total{namespace="other",point="pod"} 3.0' in series
    findings = 'elfgate_findings_total{code="exec_format",decision="would_deny",point="pod"}'
    assert f"{findings} {float(NAMESPACES + 3)}" in text


def test_metrics_tell_what_each_step_took() -> None:
    metrics = Metrics()
    metrics.steps({"parse": 0.0001, "engine": 0.002})
    text = metrics.exposition()[0].decode()
    assert 'elfgate_step_seconds_bucket{le="0.0005",step="parse"} 1.0' in text
    assert 'elfgate_step_seconds_sum{step="engine"} 0.002' in text
