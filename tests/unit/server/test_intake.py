"""Large bodies are taken in by turns: one piece in a turn of the event loop, whoever sends many."""

import asyncio
from collections.abc import Iterator

from elfgate.server.intake import Intake


async def turns(intake: Intake, peers: list[str]) -> list[str]:
    """The peers in the order in which they are let in, with a bar for each turn of the loop."""
    seen: list[str] = []

    async def one(peer: str) -> None:
        await intake.turn(peer)
        seen.append(peer)

    waiting = [asyncio.create_task(one(peer)) for peer in peers]
    while not all(task.done() for task in waiting):
        await asyncio.sleep(0)
        seen.append("|")
    return seen


def runs(seen: list[str]) -> Iterator[str]:
    yield from "".join(seen).split("|")


def test_clients_take_turns() -> None:
    seen = asyncio.run(turns(Intake(), ["f", "f", "f", "f", "a", "b"]))
    assert [each for each in seen if each != "|"] == ["f", "a", "b", "f", "f", "f"]


def test_one_piece_is_taken_in_between_two_looks_at_what_has_come() -> None:
    seen = asyncio.run(turns(Intake(), ["f"] * 9))
    assert max(map(len, runs(seen))) == 1


def test_one_who_has_given_up_takes_no_turn() -> None:
    async def main() -> list[str]:
        intake, seen = Intake(), list[str]()

        async def one(peer: str) -> None:
            await intake.turn(peer)
            seen.append(peer)

        gone, stays = (asyncio.create_task(one(peer)) for peer in ("gone", "stays"))
        await asyncio.sleep(0)
        gone.cancel()
        await stays
        await intake.turn("later")
        return seen

    assert asyncio.run(main()) == ["stays"]
