"""Nodes are followed through everything that an API server does to those who watch it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from elfgate.cluster import api as api_module
from elfgate.cluster import following
from elfgate.cluster.access import Access
from elfgate.cluster.api import Api
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import Node
from elfgate.cluster.watch import NodeWatch
from support.api_server import GONE, ApiServer
from support.objects import node

Check = Callable[[NodeWatch], Awaitable[None]]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_LONGEST_WAIT", 0.01)


def follow(server: ApiServer, folder: Path, check: Check, *, stale_seconds: float = 0.2) -> None:
    async def main() -> None:
        with Api(Access(server.kubeconfig(folder))) as api:
            watch = NodeWatch(api, Inventory(), stale_seconds=stale_seconds)
            async with watch.following():
                await until(lambda: watch.synced)
                await check(watch)

    asyncio.run(main())


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - what is waited for happens on another thread
            await asyncio.sleep(0.005)


def names(watch: NodeWatch) -> set[str]:
    return set(watch.inventory.names())


def test_the_nodes_that_there_are_are_known_once_it_is_synced(tmp_path: Path) -> None:
    async def check(watch: NodeWatch) -> None:
        assert names(watch) == {"a", "b"}

    with ApiServer(node("a"), node("b")) as server:
        follow(server, tmp_path, check)


def test_an_empty_cluster_is_synced_too(tmp_path: Path) -> None:
    async def check(watch: NodeWatch) -> None:
        assert names(watch) == set()

    with ApiServer() as server:
        follow(server, tmp_path, check)


def test_nodes_come_change_and_go(tmp_path: Path) -> None:
    async def check(watch: NodeWatch) -> None:
        server.change("ADDED", node("b", "ppc64le"))
        await until(lambda: "b" in names(watch))
        server.change("MODIFIED", node("b", "ppc64le", unschedulable=True))
        await until(lambda: (kind := watch.inventory.kind_of("b")) and kind.unschedulable)
        server.change("DELETED", node("a"))
        await until(lambda: names(watch) == {"b"})
        assert server.lists == 1

    with ApiServer(node("a")) as server:
        follow(server, tmp_path, check)


def test_a_node_without_the_shape_of_one_is_left_out(tmp_path: Path) -> None:
    async def check(watch: NodeWatch) -> None:
        server.change("MODIFIED", {"metadata": {"name": "b", "labels": 5}})
        await until(lambda: names(watch) == {"a"})

    with ApiServer(node("a"), node("b")) as server:
        follow(server, tmp_path, check)


def test_a_lost_connection_is_taken_up_where_it_was(tmp_path: Path) -> None:
    async def check(watch: NodeWatch) -> None:
        server.change("ADDED", node("b"))
        await until(lambda: "b" in names(watch))
        server.hang_up()
        await until(lambda: len(server.watches) > 1)
        server.change("ADDED", node("c"))
        await until(lambda: "c" in names(watch))
        assert (server.lists, server.watches[:2]) == (1, ["0", "1"])

    with ApiServer(node("a")) as server:
        follow(server, tmp_path, check)


def test_a_bookmark_moves_the_place_to_go_on_from(tmp_path: Path) -> None:
    async def check(watch: NodeWatch) -> None:
        server.change("BOOKMARK", {"kind": "Node", "metadata": {}})
        server.change("ADDED", node("b"))
        await until(lambda: "b" in names(watch))
        server.hang_up()
        await until(lambda: len(server.watches) > 1)
        assert server.watches[1] == "2"

    with ApiServer(node("a")) as server:
        follow(server, tmp_path, check)


@pytest.mark.parametrize("how", ["status", "event"])
def test_what_the_server_has_forgotten_is_listed_anew(tmp_path: Path, how: str) -> None:
    async def check(watch: NodeWatch) -> None:
        server.change("DELETED", node("a"), tell=False)
        server.change("ADDED", node("c"), tell=False)
        server.forget()
        if how == "status":
            server.hang_up()
        else:
            server.say({"type": "ERROR", "object": GONE})
        await until(lambda: names(watch) == {"b", "c"})
        assert server.lists == 2

    with ApiServer(node("a"), node("b")) as server:
        follow(server, tmp_path, check)


def test_while_the_server_refuses_the_nodes_stay_known_and_it_is_asked_again(
    tmp_path: Path,
) -> None:
    async def check(watch: NodeWatch) -> None:
        server.refusing = 503
        server.hang_up()
        server.change("ADDED", node("b"), tell=False)
        server.refusing = 0
        server.forget()
        await until(lambda: names(watch) == {"a", "b"})
        assert watch.synced

    with ApiServer(node("a")) as server:
        follow(server, tmp_path, check)


def test_an_event_without_sense_does_not_end_the_following(tmp_path: Path) -> None:
    async def check(watch: NodeWatch) -> None:
        server.say({"type": 5})
        await until(lambda: server.lists == 2)
        server.change("ADDED", node("b"))
        await until(lambda: "b" in names(watch))

    with ApiServer(node("a")) as server:
        follow(server, tmp_path, check)


def test_nobody_sees_half_of_a_list(tmp_path: Path) -> None:
    many = [node(f"n{number:03}") for number in range(200)]
    seen = set()

    class Watched(Inventory):
        def upsert(self, node: Node) -> None:
            super().upsert(node)
            seen.add(len(self))

        def take(self, other: Inventory) -> None:
            super().take(other)
            seen.add(len(self))

    async def main() -> None:
        with ApiServer(*many) as server, Api(Access(server.kubeconfig(tmp_path))) as api:
            watch = NodeWatch(api, Watched())
            async with watch.following():
                await until(lambda: watch.synced)

    asyncio.run(main())
    assert seen == {200}


def test_nodes_that_are_not_followed_for_a_while_are_stale_until_they_have_been_listed_anew(
    tmp_path: Path,
) -> None:
    async def check(watch: NodeWatch) -> None:
        fresh = watch.inventory.stale_since
        assert fresh is None
        before, heard = watch.inventory.generation, watch.heard
        server.refusing = 503
        server.hang_up()
        await until(lambda: watch.inventory.stale_since)
        since = watch.inventory.stale_since
        assert since is not None
        assert heard <= since < watch.heard + 0.1
        assert watch.inventory.generation > before
        server.change("ADDED", node("b", "ppc64le"), tell=False)
        server.refusing = 0
        await until(lambda: watch.inventory.stale_since is None)
        assert names(watch) == {"a", "b"}
        assert server.lists == 2

    with ApiServer(node("a")) as server:
        follow(server, tmp_path, check)


def test_a_watch_that_is_opened_again_at_once_leaves_no_doubt(tmp_path: Path) -> None:
    async def check(watch: NodeWatch) -> None:
        server.hang_up()
        await until(lambda: len(server.watches) > 1)
        await asyncio.sleep(2)  # longer than it takes for nodes that nobody follows to be stale
        assert watch.inventory.stale_since is None
        assert server.lists == 1

    with ApiServer(node("a")) as server:
        follow(server, tmp_path, check, stale_seconds=1.5)


def test_a_server_that_falls_silent_counts_as_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_module, "_WATCH_SILENCE", 0.1)

    async def check(watch: NodeWatch) -> None:
        await until(lambda: len(server.watches) > 1)

    with ApiServer(node("a")) as server:
        follow(server, tmp_path, check)
