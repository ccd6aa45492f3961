"""Connections wait for their handshakes, and clients take turns."""

import socket
from collections.abc import Iterator

import pytest

from elfgate.server.anteroom import Anteroom
from elfgate.server.visitor import Visitor


@pytest.fixture
def plain() -> Iterator[socket.socket]:
    with socket.socket() as made:
        yield made


def anybody(_peer: str) -> bool:
    return True


def test_clients_take_turns(plain: socket.socket) -> None:
    anteroom = Anteroom(100)
    for place, peer in enumerate(("flood", "flood", "flood", "api")):
        assert anteroom.enter(Visitor(plain, peer, float(place))) is None
    turns = [anteroom.next(anybody) for _ in range(5)]
    assert [each and (each.peer, each.accepted) for each in turns] == [
        ("flood", 0.0),
        ("api", 3.0),
        ("flood", 1.0),
        ("flood", 2.0),
        None,
    ]
    assert not len(anteroom)


def test_clients_of_whom_many_wait_are_told(plain: socket.socket) -> None:
    anteroom = Anteroom(100)
    for peer in ("flood", "flood", "flood", "api"):
        anteroom.enter(Visitor(plain, peer, 0.0))
    assert anteroom.more_than(2) == {"flood"}
    assert anteroom.more_than(3) == frozenset()


def test_one_client_has_half_of_the_room_and_its_oldest_make_way(plain: socket.socket) -> None:
    anteroom = Anteroom(8)
    surplus = [anteroom.enter(Visitor(plain, "flood", float(place))) for place in range(8)]
    assert [each and each.accepted for each in surplus] == [None] * 4 + [0.0, 1.0, 2.0, 3.0]
    assert anteroom.enter(Visitor(plain, "api", 0.0)) is None
    assert len(anteroom) == 5


def test_where_others_hold_all_the_room_the_newcomer_is_handed_back(plain: socket.socket) -> None:
    anteroom = Anteroom(1)
    refused = Visitor(plain, "api", 1.0)
    anteroom.enter(Visitor(plain, "flood", 0.0))
    assert anteroom.enter(refused) is refused
    assert len(anteroom) == 1


def test_a_client_without_room_is_passed_over(plain: socket.socket) -> None:
    anteroom = Anteroom(8)
    for peer in ("flood", "api"):
        anteroom.enter(Visitor(plain, peer, 0.0))
    found = anteroom.next(lambda peer: peer == "api")
    assert found
    assert found.peer == "api"
    assert len(anteroom) == 1


def test_those_that_wait_too_long_are_handed_out(plain: socket.socket) -> None:
    anteroom = Anteroom(8)
    for peer, accepted in (("a", 1.0), ("a", 3.0), ("b", 2.0)):
        anteroom.enter(Visitor(plain, peer, accepted))
    assert [each.accepted for each in anteroom.since(2.5)] == [1.0, 2.0]
    assert len(anteroom) == 1
