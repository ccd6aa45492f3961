"""Events are counted up, a few at a time, and survive other writers."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from elfgate.cluster import events as module
from elfgate.cluster.access import Access
from elfgate.cluster.api import Api
from elfgate.cluster.events import Events, Subject, subjects
from elfgate.cluster.review import Review
from support.api_server import ApiServer
from support.objects import pod

POD = Subject("v1", "Pod", "shop", "web", "uid-1")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_INTERVAL", 0.005)


def write(
    server: ApiServer, folder: Path, tell: Callable[[Events], None], until: Callable[[], Any]
) -> None:
    async def main() -> None:
        with Api(Access(server.kubeconfig(folder))) as api:
            events = Events(api)
            async with events.writing(), asyncio.timeout(60):
                tell(events)
                while not until():  # noqa: ASYNC110 - what is waited for happens on another thread
                    await asyncio.sleep(0.005)

    asyncio.run(main())


def test_an_event_names_its_object_and_says_why(tmp_path: Path) -> None:
    with ApiServer() as server:
        write(
            server,
            tmp_path,
            lambda events: events.tell(POD, "cannot start"),
            lambda: server.events_written,
        )
        (event,) = server.events_written.values()
    assert event["involvedObject"] == {
        "apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web", "uid": "uid-1",
    }  # fmt: skip
    assert (event["reason"], event["type"], event["message"]) == (
        "CannotStart",
        "Warning",
        "cannot start",
    )


def test_the_same_message_about_the_same_object_is_one_event_counted_up(tmp_path: Path) -> None:
    def tell(events: Events) -> None:
        for _ in range(200):
            events.tell(POD, "cannot start")

    with ApiServer() as server:
        write(server, tmp_path, tell, lambda: server.events_written)
        assert [event["count"] for event in server.events_written.values()] == [200]
        assert server.event_requests == 1


def test_an_event_that_another_replica_has_made_is_counted_up(tmp_path: Path) -> None:
    with ApiServer() as server:
        write(
            server,
            tmp_path,
            lambda events: events.tell(POD, "x"),
            lambda: server.event_requests == 1,
        )
        write(
            server,
            tmp_path,
            lambda events: events.tell(POD, "x"),
            lambda: server.event_requests == 3,
        )
        assert len(server.events_written) == 1


def test_a_long_message_is_cut_to_what_kubernetes_takes(tmp_path: Path) -> None:
    with ApiServer() as server:
        write(
            server,
            tmp_path,
            lambda events: events.tell(POD, "x" * 5000),
            lambda: server.events_written,
        )
        (event,) = server.events_written.values()
    assert len(event["message"]) == 1024


def test_no_more_events_wait_than_can_be_kept(tmp_path: Path) -> None:
    def tell(events: Events) -> None:
        for number in range(module._MOST + 10):
            events.tell(POD, f"message {number}")
        assert len(events._waiting) == module._MOST

    with ApiServer() as server:
        write(server, tmp_path, tell, lambda: server.events_written)


def test_a_pod_and_its_controller_are_told_and_no_other_owner() -> None:
    owners = [
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": "web-1",
            "uid": "uid-2",
            "controller": True,
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "uid-3"},
    ]
    obj = pod()
    obj["metadata"] |= {"uid": "uid-1", "ownerReferences": owners}
    review = Review.model_validate(
        {
            "uid": "1",
            "resource": {"resource": "pods"},
            "operation": "CREATE",
            "namespace": "shop",
            "object": obj,
        }
    )
    assert subjects(review) == [POD, Subject("apps/v1", "ReplicaSet", "shop", "web-1", "uid-2")]


def test_no_more_than_a_few_events_are_written_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_INTERVAL", 60.0)

    def tell(events: Events) -> None:
        for number in range(20):
            events.tell(replace(POD, uid=f"uid-{number}"), "cannot start")

    with ApiServer() as server:
        write(server, tmp_path, tell, lambda: len(server.events_written) >= 5)
        assert server.event_requests == 5
