"""Memories are bounded in bytes and by time, and tell how full they are."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from elfgate.memory.declared import Memory, Usage, declare, declared
from elfgate.memory.recent import Recent
from elfgate.memory.weight import OVERHEAD, weight
from elfgate.server.answers import ANSWERS


@pytest.fixture
def memory() -> Memory:
    return Memory("texts", "texts, by number", max_bytes=1000)


def texts(memory: Memory, **options: int) -> Recent[int, str]:
    return Recent(memory, lambda _key, text: len(text), **options)


def test_what_was_put_is_there(memory: Memory) -> None:
    recent = texts(memory)
    recent.put(1, "one")
    assert recent.get(1) == "one"
    assert recent.get(2) is None


def test_what_was_used_longest_ago_goes_first(memory: Memory) -> None:
    recent = texts(memory, max_bytes=3 * (OVERHEAD + 10))
    for number in (1, 2, 3):
        recent.put(number, "x" * 10)
    recent.get(1)
    recent.put(4, "x" * 10)
    assert [number for number in (1, 2, 3, 4) if recent.get(number)] == [1, 3, 4]
    assert recent.usage().evictions == 1


def test_large_values_displace_more_than_small_ones(memory: Memory) -> None:
    recent = texts(memory)
    for number in range(4):
        recent.put(number, "x" * 50)
    recent.put(4, "x" * 600)
    assert recent.usage().bytes <= 1000
    assert len(recent) == 2


def test_a_value_that_exceeds_the_bound_is_not_kept_and_displaces_nothing(memory: Memory) -> None:
    recent = texts(memory)
    recent.put(1, "small")
    recent.put(2, "x" * 1001)
    assert recent.get(2) is None
    assert recent.get(1) == "small"


def test_a_value_that_is_put_again_counts_once(memory: Memory) -> None:
    recent = texts(memory)
    recent.put(1, "x" * 100)
    recent.put(1, "x" * 7)
    assert recent.usage() == Usage(bytes=OVERHEAD + 7, entries=1)
    recent.pop(1)
    assert recent.usage() == Usage()


def test_what_no_longer_holds_is_forgotten(memory: Memory) -> None:
    recent = texts(memory)
    recent.put(1, "gone", until=time.monotonic() - 1)
    recent.put(2, "holds", until=time.monotonic() + 60)
    assert recent.get(1) is None
    assert recent.get(2) == "holds"
    recent.put(3, "soon gone", until=time.monotonic() + 0.001)
    time.sleep(0.002)
    assert recent.get(3) is None
    assert len(recent) == 1


def test_a_memory_of_a_time_keeps_nothing_longer() -> None:
    short = Memory("texts", "texts, by number", max_bytes=1000, seconds=0.001)
    recent = texts(short)
    recent.put(1, "soon gone", until=time.monotonic() + 60)
    time.sleep(0.002)
    assert recent.get(1) is None


def test_memories_of_the_webhook_are_declared_once() -> None:
    assert ANSWERS in declared()
    with pytest.raises(ValueError, match="two memories"):
        declare(ANSWERS.name, "other answers", max_bytes=1)


def test_all_that_lives_of_a_memory_is_counted_together(memory: Memory) -> None:
    one, other = texts(memory), texts(memory)
    one.put(1, "x")
    other.put(1, "xx")
    assert memory.usage() == Usage(bytes=2 * OVERHEAD + 3, entries=2)
    del one, other
    assert memory.usage() is None


@dataclass
class Plain:
    text: str


@dataclass(slots=True)
class Slotted:
    text: str


class Bare:
    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


@pytest.mark.parametrize(
    "holder", [Plain, Slotted, Bare, lambda text: [text], lambda text: {"text": (text,)}]
)
def test_what_a_value_holds_is_weighed_with_it(holder: Callable[[str], object]) -> None:
    small, large = holder("x"), holder("x" * 10_001)
    assert weight(large) - weight(small) == 10_000


def test_what_is_held_twice_weighs_once() -> None:
    text = "x" * 10_000
    assert weight([text, [text]]) < 11_000
