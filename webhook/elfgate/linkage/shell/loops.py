"""Loops: each turn where it is known, else any number of turns until nothing new comes of them.

Source: POSIX.1-2017, Shell Command Language, 2.9.4 "Compound Commands".
"""

from collections.abc import Iterable
from typing import Protocol

from elfgate.linkage.shell.ends import Ending, LostError
from elfgate.linkage.shell.expand import Expansion, Shell
from elfgate.linkage.shell.joining import is_same, joined, merged
from elfgate.linkage.shell.state import Leaving, State, weight
from elfgate.linkage.shell.syntax.arithmetic_nodes import Expression
from elfgate.linkage.shell.syntax.nodes import (
    Body,
    For,
    ForArithmetic,
    Loop,
    Node,
    Simple,
)
from elfgate.linkage.shell.syntax.word_nodes import Word
from elfgate.linkage.shell.values import SUCCESS, UNSURE, Status
from elfgate.linkage.values import Scalar, Unknown

_TURNS = 1000  # of a loop whose every turn is known
_UNKNOWN_TURNS = 3  # of another, before what its turns tell apart is forgotten
_FOR_EVER = 24
_DEAR = 100  # commands of a loop, before its turns are no longer told apart
_VARIABLE = Unknown("the values of a loop are not known")
_WAITING = "the script may wait for something before"


class Walk(Shell, Protocol):
    """The interpreter, as loops see it."""

    def body(self, body: Body, states: Iterable[State], *, errexit: bool) -> list[State]:
        """Run commands one after another."""

    def split(self, condition: Body, states: list[State]) -> tuple[list[State], list[State]]:
        """Run a condition, and part the ways."""

    def note(self, ending: Ending, state: State) -> None:
        """Note an end."""

    @property
    def commands(self) -> int:
        """The number of commands that were run so far, on all ways."""


def looped(
    walk: Walk, node: For | ForArithmetic | Loop, state: State, *, errexit: bool
) -> list[State]:
    """Run a loop of any kind."""
    if isinstance(node, For):
        return walk_for(walk, node, state, errexit=errexit)
    if isinstance(node, ForArithmetic):
        return walk_for_arithmetic(walk, node, state, errexit=errexit)
    return walk_loop(walk, node, state, errexit=errexit)


def walk_for(walk: Walk, node: For, state: State, *, errexit: bool) -> list[State]:
    """Run ``for``: one turn after another."""
    if node.name in state.variables.others:
        raise LostError("a loop sets a variable that stands for another")
    expansion = Expansion(walk, state)
    fields = state.frame.args if node.words is None else expansion.fields(node.words)
    is_empty = not fields.values and fields.more is None
    ways = [expansion.state.ended() if is_empty else expansion.state]
    done: list[State] = []
    before, shortened = walk.commands, False
    for number, value in enumerate(fields.values):
        shortened = number > 0 and _is_dear(walk, before)
        if shortened:
            break
        ways, left = _turn(walk, node, ways, value, errexit=errexit)
        done += left
        if not ways:
            break
    if (shortened or fields.more is not None) and ways:
        for way in ways:
            done += _any_number(walk, node, way, errexit=errexit)
        ways = []
    return merged(done + ways)


def _is_dear(walk: Walk, before: int) -> bool:
    """Tell whether a loop has cost so much that its further turns are not told apart."""
    return walk.commands - before > _DEAR


def _turn(
    walk: Walk, node: For, ways: list[State], value: Scalar, *, errexit: bool
) -> tuple[list[State], list[State]]:
    set_ways = [way.setting(node.name, value) for way in ways]
    return turned(walk.body(node.body, set_ways, errexit=errexit))


def _any_number(walk: Walk, node: For, state: State, *, errexit: bool) -> list[State]:
    """Run a loop's body no time, once, and again until nothing new comes of it."""
    done, pending = [state], [state]
    start = walk.commands
    for number in range(_FOR_EVER):
        ways, left = _turn(walk, node, pending, _VARIABLE, errexit=errexit)
        pending = [way for way in merged(ways) if not _is_among(way, done)]
        if number >= _UNKNOWN_TURNS or _is_dear(walk, start):
            pending = _forgetful(pending, done)
        done = merged(done + left + pending)
        if not pending:
            return done
    raise LostError("a loop has no end")


def walk_for_arithmetic(
    walk: Walk, node: ForArithmetic, state: State, *, errexit: bool
) -> list[State]:
    """Run ``for ((…;…;…))``."""
    ways = [_evaluated(walk, node.first, state)[0]]
    done: list[State] = []
    for number in range(_TURNS):
        going: list[State] = []
        for way in ways:
            after, value = _evaluated(walk, node.condition, way)
            if value != 0:
                going.append(after)
            if value == 0 or isinstance(value, Unknown):
                done.append(after if number else after.ended())
        if not going:
            return merged(done)
        if number >= _UNKNOWN_TURNS and (len(going) > 1 or done):
            going = _one(going)
        ways, left = turned(walk.body(node.body, going, errexit=errexit))
        done += left
        ways = merged([_evaluated(walk, node.step, way)[0] for way in ways])
        if done and number >= _FOR_EVER:
            break
    raise LostError("a loop has no end")


def _evaluated(
    walk: Walk, expression: Expression | None, state: State
) -> tuple[State, int | Unknown]:
    if expression is None:
        return state, 1
    expansion = Expansion(walk, state)
    value = expansion.number(expression)
    return expansion.state, value


def walk_loop(walk: Walk, node: Loop, state: State, *, errexit: bool) -> list[State]:
    """Run ``while`` or ``until``; where it may go on for ever, what follows may never come."""
    done: list[State] = []
    seen: list[State] = []
    pending, status = [state], SUCCESS
    start = walk.commands
    for number in range(_TURNS):
        holds, fails = walk.split(node.condition, pending)
        going, leaving = (fails, holds) if node.until else (holds, fails)
        done += [_left(way, status) for way in leaving]
        ways, left = turned(walk.body(node.body, going, errexit=errexit))
        before, status = status, _status_of(ways)
        done += left
        repeated = [way for way in merged(ways) if _is_among(way, seen)]
        if repeated and status != before:
            done += [_left(way, UNSURE) for way in leaving]
        pending = [way for way in merged(ways) if not _is_among(way, seen)]
        if repeated and not done:
            walk.note(Ending(), state)  # it goes on for ever
        if repeated and not _reads(node):
            done = [way.doubted(_WAITING) for way in done]
        if not pending:
            return merged(done)
        unclear = bool(done) or len(pending) > 1
        if _is_dear(walk, start) or (unclear and number >= _UNKNOWN_TURNS):
            pending = _forgetful(pending, seen)
        if number >= _FOR_EVER and done:
            break
        walk.world.spend(len(seen) * (1 + weight(state)))
        if number < _FOR_EVER or number & (number - 1) == 0:
            seen += pending  # later, few are enough to find what comes again and again
    raise LostError("a loop has no end")


def _status_of(ways: list[State]) -> Status:
    """Give the status of a turn: a loop's own is that of its last one."""
    statuses = [way.flow.status for way in ways] or [SUCCESS]
    if all(status == statuses[0] for status in statuses):
        return statuses[0]
    return UNSURE


def _left(way: State, status: Status) -> State:
    """Leave a loop whose condition has failed."""
    if way.flow.leaving is None:
        return way.ended(status)
    return _out(way)


def _forgetful(pending: list[State], seen: list[State]) -> list[State]:
    """Make one way of several, which knows no more than what all turns have in common."""
    whole = _one(pending)
    if whole and seen:
        whole = [joined(whole[0], seen[-1])]
    return [way for way in whole if not _is_among(way, seen)]


def _one(states: list[State]) -> list[State]:
    whole = states[:1]
    for state in states[1:]:
        whole = [joined(whole[0], state)]
    return whole


def _is_among(way: State, others: list[State]) -> bool:
    """Tell whether a way is one of others, but for its status and its doubts."""
    return any(is_same(other, way) for other in others)


def _reads(node: Loop) -> bool:
    """Tell whether a loop ends with its input, and cannot go on for ever."""
    first: Node | None = node.condition[0] if node.condition else None
    if not isinstance(first, Simple):
        return False
    words = [word.literal for word in first.words[:1] if isinstance(word, Word)]
    return words == ["read"]


def turned(ways: list[State]) -> tuple[list[State], list[State]]:
    """Part the ways that take the next turn of a loop from those that leave it."""
    turning: list[State] = []
    left: list[State] = []
    for way in ways:
        leaving = way.flow.leaving
        if leaving is None:
            turning.append(way)
        elif leaving.kind == "continue" and leaving.loops == 1:
            turning.append(way.leaving(None))
        else:
            left.append(_out(way))
    return turning, left


def _out(way: State) -> State:
    """Leave one loop."""
    leaving = way.flow.leaving
    if leaving is None or leaving.kind == "return":
        return way
    if leaving.loops > 1:
        return way.leaving(Leaving(leaving.kind, leaving.loops - 1))
    return way.leaving(None)
