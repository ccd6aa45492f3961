"""Patterns as automata: whether a text matches takes time in proportion to its length.

Source: K. Thompson, "Regular Expression Search Algorithm", CACM 11 (1968).
"""

from collections.abc import Callable
from dataclasses import dataclass

_MOST = 4000  # instructions of one pattern
_STEPS = 4  # of the automaton, for a unit of work


class PatternError(Exception):
    """A pattern that is not understood."""


@dataclass(frozen=True, slots=True)
class Characters:
    """One character of a set; of all others, if ``other``."""

    letters: frozenset[str]
    other: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after another."""

    parts: "tuple[Pattern, ...]"


@dataclass(frozen=True, slots=True)
class Choices:
    """One of several."""

    parts: "tuple[Pattern, ...]"


@dataclass(frozen=True, slots=True)
class Repeat:
    """So many times at least, and at most; None for any number."""

    part: "Pattern"
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Edge:
    """The start of the text, or its end."""

    end: bool


Pattern = Characters | Sequence | Choices | Repeat | Edge
ANY = Characters(frozenset(), other=True)
NOTHING = Sequence(())


def literal(text: str) -> Pattern:
    """A text that stands for itself."""
    return Sequence(tuple(Characters(frozenset({letter})) for letter in text))


def backwards(pattern: Pattern) -> Pattern:
    """The pattern of the reversed text."""
    if isinstance(pattern, Sequence):
        return Sequence(tuple(backwards(part) for part in reversed(pattern.parts)))
    if isinstance(pattern, Choices):
        return Choices(tuple(backwards(part) for part in pattern.parts))
    if isinstance(pattern, Repeat):
        return Repeat(backwards(pattern.part), pattern.least, pattern.most)
    if isinstance(pattern, Edge):
        return Edge(not pattern.end)
    return pattern


class Automaton:
    """A pattern, ready to be matched.

    Args:
        pattern: The pattern.
        spend: Counts the work.

    Raises:
        PatternError: if it is too long.
    """

    def __init__(self, pattern: Pattern, spend: Callable[[int], None]) -> None:
        self._spend = spend
        self._code: list[tuple[str, object]] = []
        self._emit(pattern)
        self._code.append(("match", None))
        spend(len(self._code))

    def lengths(self, text: str, start: int = 0) -> list[int]:
        """The ends of all matches that begin at ``start``, in order."""
        ends: list[int] = []
        states = self._closure([0], start, text)
        for at in range(start, len(text) + 1):
            if not states:
                break
            if len(self._code) - 1 in states:
                ends.append(at)
            if at < len(text):
                states = self._closure(self._after(states, text[at]), at + 1, text)
        return ends

    def matches(self, text: str) -> bool:
        """Tell whether the whole text matches."""
        ends = self.lengths(text)
        return bool(ends) and ends[-1] == len(text)

    def is_within(self, text: str) -> bool:
        """Tell whether a part of the text matches."""
        last = len(self._code) - 1
        states: set[int] = set()
        for at in range(len(text) + 1):
            states |= self._closure([0], at, text)
            if last in states:
                return True
            if at < len(text):
                states = self._closure(self._after(states, text[at]), at + 1, text)
        return last in states

    def _after(self, states: set[int], letter: str) -> list[int]:
        after = []
        for state in states:
            kind, what = self._code[state]
            if kind != "letter" or not isinstance(what, Characters):
                continue
            if (letter in what.letters) is not what.other:
                after.append(state + 1)
        return after

    def _closure(self, states: list[int], at: int, text: str) -> set[int]:
        """Follow what takes no letter."""
        seen: set[int] = set()
        pending = list(states)
        while pending:
            state = pending.pop()
            if state in seen:
                continue
            seen.add(state)
            kind, what = self._code[state]
            if kind == "split" and isinstance(what, tuple):
                pending += what
            elif kind == "edge" and at == (len(text) if what else 0):
                pending.append(state + 1)
        self._spend(1 + len(seen) // _STEPS)
        return seen

    def _emit(self, pattern: Pattern) -> None:
        if len(self._code) > _MOST:
            raise PatternError
        if isinstance(pattern, Characters):
            self._code.append(("letter", pattern))
        elif isinstance(pattern, Edge):
            self._code.append(("edge", pattern.end))
        elif isinstance(pattern, Sequence):
            for part in pattern.parts:
                self._emit(part)
        elif isinstance(pattern, Choices):
            self._emit_choices(pattern)
        else:
            self._emit_repeat(pattern)

    def _emit_choices(self, pattern: Choices) -> None:
        ends: list[int] = []
        for number, part in enumerate(pattern.parts):
            split = self._hole() if number < len(pattern.parts) - 1 else None
            self._emit(part)
            ends.append(self._hole())
            if split is not None:
                self._code[split] = ("split", (split + 1, len(self._code)))
        for end in ends:
            self._code[end] = ("split", (len(self._code),))

    def _emit_repeat(self, pattern: Repeat) -> None:
        for _ in range(pattern.least):
            self._emit(pattern.part)
        if pattern.most is None:
            split = self._hole()
            self._emit(pattern.part)
            self._code.append(("split", (split,)))
            self._code[split] = ("split", (split + 1, len(self._code)))
            return
        splits: list[int] = []
        for _ in range(pattern.most - pattern.least):
            splits.append(self._hole())
            self._emit(pattern.part)
        for split in splits:
            self._code[split] = ("split", (split + 1, len(self._code)))

    def _hole(self) -> int:
        self._code.append(("split", ()))
        return len(self._code) - 1
