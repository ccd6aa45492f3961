"""Loops: each turn where what they go over is known, else any number of turns until nothing new comes of them.

Source: POSIX.1-2017, Shell Command Language, 2.9.4 "Compound Commands".
"""

import re
from collections.abc import Iterable
from typing import Protocol

from elfgate.linkage.shell.expand import Expander
from elfgate.linkage.shell.grammar import Body, For, Loop
from elfgate.linkage.shell.state import SUCCESS, UNSURE, Mark, State, merged, turned
from elfgate.linkage.shell.walk import Ending, LostError
from elfgate.linkage.shell.words import Word

_NAME = re.compile(r"[A-Za-z_]\w*")
_TURNS = 24


class Flow(Protocol):
    """The walk, as loops see it."""

    expander: Expander

    def body(self, body: Body, states: Iterable[State], *, checked: bool) -> list[State]:
        """Walk commands one after another."""

    def split(self, condition: Body, states: list[State]) -> tuple[list[State], list[State]]:
        """Walk a condition, and part the ways."""

    def substitutions(self, words: Iterable[Word], state: State) -> State:
        """Apply what the commands in ``$(…)`` leave behind."""

    def note(self, ending: Ending, state: State) -> None:
        """Note an end."""


def walk_for(walk: Flow, node: For, state: State, *, checked: bool) -> list[State]:
    """Walk ``for``: one turn after another."""
    if node.words is None:  # ((…)): what it sets is not known
        for name in _NAME.findall(node.name):
            state = state.setting(name, Mark.UNKNOWN)
        return _any_number(walk, node.body, state, checked=checked)
    state = walk.substitutions(node.words, state)
    fields = walk.expander.fields(node.words, state)
    ways, done = [state.ended()], []
    for value in fields.values:
        next_turn = [
            way.setting(node.name, Mark.UNKNOWN if value is None else value) for way in ways
        ]
        ways, left = turned(walk.body(node.body, next_turn, checked=checked))
        done += left
    if fields.more:
        unknown = [way.setting(node.name, Mark.UNKNOWN) for way in ways]
        ways = [
            after for way in unknown for after in _any_number(walk, node.body, way, checked=checked)
        ]
    return merged(done + ways)


def _any_number(walk: Flow, body: Body, state: State, *, checked: bool) -> list[State]:
    """Walk a loop's body no time, once, and again until nothing new comes of it."""
    done, pending = [state], [state]
    for _ in range(_TURNS):
        ways, left = turned(walk.body(body, pending, checked=checked))
        pending = [way for way in merged(ways) if way not in done]
        done = merged(done + left + pending)
        if not pending:
            return done
    raise LostError("a loop without an end")


def walk_loop(walk: Flow, node: Loop, state: State, *, checked: bool) -> list[State]:
    """Walk ``while`` or ``until``; where it may go on for ever, what follows may never come."""
    done: list[State] = []
    seen: list[State] = []
    pending, status = [state.ended()], SUCCESS
    for _ in range(_TURNS):
        holds, fails = walk.split(node.condition, pending)
        going, leaving = (fails, holds) if node.until else (holds, fails)
        done += [way.ended(status) for way in leaving]
        ways, left = turned(walk.body(node.body, going, checked=checked))
        status = (
            status if all(way.status.ok for way in ways) else UNSURE
        )  # the loop's is that of its last command
        done += left
        repeated = [way for way in merged(ways) if way in seen]
        pending = [way for way in merged(ways) if way not in seen]
        seen += pending
        if repeated and not done:
            walk.note(Ending(), state)  # it goes on for ever
        if repeated and not node.reads:
            done = [way.doubted("the script may wait for something before") for way in done]
        if not pending:
            return merged(done)
    raise LostError("a loop without an end")
