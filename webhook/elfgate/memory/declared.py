"""The list of memories: docs/memories.md is made from it, and metrics are.

A module that keeps something says so once, at its top (``VERDICTS = declare("verdicts", …)``), and
hands that to each ``Recent`` it makes. A memory that is no ``Recent`` tells its ``usage`` and is
entered with ``Memory.enter``.
"""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Usage:
    """How full a memory is.

    Attributes:
        bytes: What its entries weigh, keys included.
        entries: How many there are.
        evictions: How many were dropped for want of room since the start.
    """

    bytes: int = 0
    entries: int = 0
    evictions: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.bytes + other.bytes,
            self.entries + other.entries,
            self.evictions + other.evictions,
        )


class Remembering(Protocol):
    """Anything that remembers within a bound."""

    def usage(self) -> Usage:
        """How full it is; callable from any thread."""


@dataclass(frozen=True, eq=False)
class Memory:
    """A memory as docs and metrics name it.

    Attributes:
        name: Its label in metrics: lower-case words with hyphens.
        holds: What it holds by what, as a table's cell: ``verdicts, by document and revision``.
        max_bytes: The bound, unless a setting overrides it.
        seconds: How long an entry holds at most; None for as long as there is room.
    """

    name: str
    holds: str
    max_bytes: int
    seconds: float | None = None
    _keepers: "weakref.WeakSet[Remembering]" = field(default_factory=weakref.WeakSet)

    def enter(self, keeper: Remembering) -> None:
        """Count an object as (a part of) this memory for as long as it lives."""
        self._keepers.add(keeper)

    def usage(self) -> Usage | None:
        """How full it is, all its objects together; None if there is none."""
        keepers = list(self._keepers)
        return sum((keeper.usage() for keeper in keepers), start=Usage()) if keepers else None


_DECLARED: dict[str, Memory] = {}


def declare(name: str, holds: str, *, max_bytes: int, seconds: float | None = None) -> Memory:
    """Give a memory its name and bound. At the top of a module, once.

    Raises:
        ValueError: if another memory has that name.
    """
    if name in _DECLARED:
        raise ValueError(f"two memories are called {name}")
    memory = _DECLARED[name] = Memory(name, holds, max_bytes, seconds)
    return memory


def declared() -> Sequence[Memory]:
    """Every memory whose module was imported, by name."""
    return [_DECLARED[name] for name in sorted(_DECLARED)]
