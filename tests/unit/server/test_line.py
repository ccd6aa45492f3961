"""Whose turn it is to be judged, and who waits in vain."""

import asyncio
from collections.abc import Awaitable, Callable

from elfgate.server.line import (
    AT_A_TIME,
    FEWEST,
    GIVEN_UP_SECONDS,
    READ_ONE_IN,
    STANDING_SECONDS,
    STANDS_SECONDS,
    Line,
    Place,
)
from elfgate.server.turns import NoTimeError, Turns

LATE = 1000.0
Main = Callable[[], Awaitable[None]]


def line(most: int = 100, most_bytes: int = 1 << 20) -> Line:
    return Line(most, most_bytes)


def run(main: Main) -> None:
    async def running() -> None:
        await main()

    asyncio.run(running())


def place(namespace: str = "a", peer: str = "p", size: int = 1, latest: float = LATE) -> Place:
    return Place(peer, namespace, size, latest)


def let_go(waiting: Place) -> bool:
    return waiting.turn.done() and not waiting.turn.result()


def test_the_oldest_is_next_while_a_burst_lasts_and_the_newest_when_the_line_stands() -> None:
    async def main() -> None:
        waiting, places = line(), [place() for _ in range(4)]
        for each in places:
            waiting.join(each, 0.0)
        assert waiting.next(0.1) is places[0]
        assert waiting.next(STANDS_SECONDS + 0.1) is places[3]
        assert waiting.next(STANDS_SECONDS + 0.2) is places[2]

    run(main)


def test_a_line_that_was_empty_does_not_stand() -> None:
    async def main() -> None:
        waiting, places = line(), [place() for _ in range(3)]
        waiting.join(places[0], 0.0)
        assert waiting.next(10.0) is places[0]
        waiting.join(places[1], 10.0)
        waiting.join(places[2], 10.0)
        assert waiting.next(10.1) is places[1]

    run(main)


def test_clients_and_their_namespaces_take_turns() -> None:
    async def main() -> None:
        waiting = line()
        for _ in range(5):
            waiting.join(place("flood", "api"), 0.0)
        for namespace in ("shop", "bank"):
            waiting.join(place(namespace, "api"), 0.0)
        waiting.join(place("anything", "pod"), 0.0)
        turns = [waiting.next(0.1) for _ in range(6)]
        assert [(each.peer, each.namespace) for each in turns if each] == [
            ("api", "flood"),
            ("pod", "anything"),
            ("api", "shop"),
            ("api", "bank"),
            ("api", "flood"),
            ("api", "flood"),
        ]

    run(main)


def test_what_could_not_be_judged_in_time_anyway_is_let_go_at_once() -> None:
    async def main() -> None:
        waiting = line()
        waiting.pace = 1.0
        places = [place(latest=3.5) for _ in range(5)]
        for each in places:
            waiting.join(each, 0.0)
        assert [let_go(each) for each in places] == [False, False, False, True, True]

    run(main)


def test_what_is_out_of_time_when_its_turn_comes_is_let_go() -> None:
    async def main() -> None:
        waiting, short, long = line(), place(latest=0.3), place()
        waiting.join(short, 0.0)
        waiting.join(long, 0.0)
        assert waiting.next(0.4) is long
        assert let_go(short)
        assert len(waiting) == waiting.bytes == 0

    run(main)


def test_the_longest_lane_makes_room_when_too_many_wait() -> None:
    async def main() -> None:
        waiting = line(most=4)
        flood, other = [place("flood") for _ in range(4)], place("other")
        for each in (*flood, other):
            waiting.join(each, 0.0)
        assert [let_go(each) for each in (*flood, other)] == [False, False, False, True, False]

    run(main)


def test_the_heaviest_lane_makes_room_when_too_many_bytes_wait() -> None:
    async def main() -> None:
        waiting = line(most_bytes=100)
        small, large = [place("small") for _ in range(9)], place("large", size=90)
        for each in (*small, large, place("small", size=5)):
            waiting.join(each, 0.0)
        assert let_go(large)
        assert not any(let_go(each) for each in small)

    run(main)


def test_a_line_that_stands_is_kept_short_and_a_burst_is_not() -> None:
    async def main() -> None:
        waiting = line()
        for _ in range(50):
            assert not waiting.full(0.0, "p", "a")
            waiting.join(place(), 0.0)
        waiting.pace = 0.01
        assert not waiting.full(STANDS_SECONDS, "p", "a")
        assert waiting.full(STANDS_SECONDS + 0.1, "p", "a")

    run(main)


def test_those_for_whom_newer_ones_left_no_turn_are_let_go_a_few_at_a_time() -> None:
    async def main() -> None:
        waiting = line()
        waiting.pace = STANDING_SECONDS
        for _ in range(50):
            waiting.join(place(), 0.0)
        waiting.join(place(), GIVEN_UP_SECONDS)
        waiting.next(GIVEN_UP_SECONDS + 0.1)
        assert len(waiting) == 50 - AT_A_TIME

    run(main)


def crowded() -> Line:
    """A line that has stood for long, with no more room than one lane takes."""
    waiting = line()
    waiting.pace = STANDING_SECONDS
    for _ in range(FEWEST):
        waiting.join(place("flood"), 0.0)
    return waiting


def test_a_flood_takes_no_room_from_others() -> None:
    async def main() -> None:
        waiting, now = crowded(), STANDS_SECONDS + 0.1
        assert waiting.full(now, "p", "flood")
        assert not waiting.full(now, "p", "other")
        assert len(waiting) == FEWEST - 1
        waiting.join(place("other"), now)
        assert waiting.full(now, "p", "flood")

    run(main)


def test_of_a_lane_of_which_nothing_is_known_few_are_worth_reading() -> None:
    async def main() -> None:
        lane = crowded().lane("p", "flood")
        assert lane
        assert lane.is_worth_reading()
        for _ in range(100):
            lane.note(known=False)
        assert sum(lane.is_worth_reading() for _ in range(5 * READ_ONE_IN)) == 5
        for _ in range(READ_ONE_IN):
            lane.note(known=True)
        assert all(lane.is_worth_reading() for _ in range(80))


def test_between_two_turns_no_more_are_let_in_than_there_is_room_for() -> None:
    async def main() -> None:
        waiting, now = crowded(), 0.1
        waiting.pressing = frozenset({"p"})
        assert not waiting.lets_in(now)
        waiting.next(now)
        assert [waiting.lets_in(now) for _ in range(3)] == [True, False, False]

    run(main)


def test_a_line_stands_at_once_while_more_of_a_client_come_than_can_be_let_in() -> None:
    async def main() -> None:
        waiting = line()
        waiting.pressing = frozenset({"flood"})
        waiting.join(place(), 0.0)
        assert not waiting.stands(0.0)  # a stranger who asks nothing is in nobody's way
        waiting.join(place(peer="flood"), 0.0)
        assert waiting.stands(0.0)

    run(main)


async def counted(log: list[str], name: str, waits: "asyncio.Future[None] | None" = None) -> str:
    log.append(f"{name} begins")
    if waits is not None:
        await waits
        log.append(f"{name} goes on")
    return name


def test_one_is_judged_at_a_time_and_the_loop_looks_around_between_two() -> None:
    async def main() -> None:
        turns, log = Turns(line(), most=10), list[str]()
        tasks = [
            asyncio.create_task(turns.judge(place(latest=1e12), counted(log, f"{number}")))
            for number in range(3)
        ]
        await asyncio.sleep(0)
        assert log == ["0 begins"]  # the others have come, and wait
        assert await asyncio.gather(*tasks) == ["0", "1", "2"]
        await asyncio.sleep(0)
        assert turns.free
        assert turns.begun == 0

    run(main)


def test_who_waits_for_something_else_gives_the_turn_away_and_has_the_next_one_then() -> None:
    async def main() -> None:
        turns, log = Turns(line(), most=10), list[str]()
        answer = asyncio.get_running_loop().create_future()
        slow = asyncio.create_task(turns.judge(place(latest=1e12), counted(log, "slow", answer)))
        await asyncio.sleep(0.01)
        others = [
            asyncio.create_task(turns.judge(place(latest=1e12), counted(log, name)))
            for name in ("x", "y")
        ]
        await others[0]
        answer.set_result(None)
        assert await slow == "slow"
        await others[1]
        assert log.index("slow goes on") > log.index("x begins")
        assert turns.begun == 0

    run(main)


def test_beyond_so_many_that_have_begun_none_begins() -> None:
    async def main() -> None:
        turns, log = Turns(line(), most=1), list[str]()
        answer = asyncio.get_running_loop().create_future()
        slow = asyncio.create_task(turns.judge(place(latest=1e12), counted(log, "slow", answer)))
        await asyncio.sleep(0.01)
        assert turns.full("p", "a")
        answer.set_result(None)
        await slow
        assert not turns.full("p", "a")

    run(main)


def test_a_client_that_gives_up_gives_its_turn_back() -> None:
    async def main() -> None:
        turns, log = Turns(line(), most=10), list[str]()
        tasks = [
            asyncio.create_task(turns.judge(place(latest=1e12), counted(log, f"{number}")))
            for number in range(4)
        ]
        await asyncio.sleep(0)
        tasks[1].cancel()
        tasks[2].cancel()
        assert await tasks[3] == "3"
        assert await tasks[0] == "0"
        await asyncio.sleep(0.01)
        assert turns.free
        assert len(turns.line) == 0

    run(main)


def test_what_is_let_go_never_begins() -> None:
    async def main() -> None:
        turns, log = Turns(line(), most=10), list[str]()
        first = asyncio.create_task(turns.judge(place(latest=1e12), counted(log, "first")))
        late = asyncio.create_task(turns.judge(place(latest=0.0), counted(log, "late")))
        await first
        outcome = await asyncio.gather(late, return_exceptions=True)
        assert isinstance(outcome[0], NoTimeError)
        assert log == ["first begins"]

    run(main)


def test_an_error_within_gives_the_turn_back() -> None:
    async def fail() -> str:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    async def main() -> None:
        turns = Turns(line(), most=10)
        outcome = await asyncio.gather(
            turns.judge(place(latest=1e12), fail()), return_exceptions=True
        )
        assert isinstance(outcome[0], ZeroDivisionError)
        await asyncio.sleep(0.01)
        assert turns.free

    run(main)
