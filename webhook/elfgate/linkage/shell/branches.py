"""The ways of ``case``, the commands ``[[`` and ``((``, and the call of a function.

Source: POSIX.1-2017, Shell Command Language, 2.9.4 and 2.9.5.
"""

from typing import TYPE_CHECKING

from elfgate.linkage.shell.builtins.getopts import BEGINNING, WITHIN
from elfgate.linkage.shell.double_brackets import decide
from elfgate.linkage.shell.ends import ScriptEndsError
from elfgate.linkage.shell.expand import Expansion
from elfgate.linkage.shell.frames import own, returned
from elfgate.linkage.shell.state import Frame, State
from elfgate.linkage.shell.syntax.nodes import (
    Branch,
    Case,
    DoubleBracket,
    DoubleParenthesis,
    Node,
)
from elfgate.linkage.shell.syntax.word_nodes import Text, Word
from elfgate.linkage.shell.values import NOT_SO, Truth, status_of
from elfgate.linkage.values import Fields, Scalar, Unknown

if TYPE_CHECKING:
    from elfgate.linkage.shell.interpreter import Interpreter


def walk_case(walk: "Interpreter", node: Case, state: State, *, errexit: bool) -> list[State]:
    """Run ``case``: the branches that may match."""
    expansion = Expansion(walk, state)
    value = expansion.value(node.word)
    done: list[State] = []
    asking, falling = [expansion.state], list[State]()
    again: list[State] = []  # ways that have run a branch, and ask on
    for branch in node.branches:
        entering, asking = _entering(walk, value, branch, asking)
        more, again = _entering(walk, value, branch, again)
        if not branch.body:
            entering = [way.ended() for way in entering]
        after = walk.body(branch.body, falling + entering + more, errexit=errexit)
        falling = []
        if branch.end == ";&":
            falling = after
        elif branch.end == ";;&":
            again += [way for way in after if way.flow.leaving is None]
            done += [way for way in after if way.flow.leaving is not None]
        else:
            done += after
        if not asking and not falling and not again:
            return done
    return done + falling + again + [way.ended() for way in asking]


def _entering(
    walk: "Interpreter", value: Scalar, branch: Branch, asking: list[State]
) -> tuple[list[State], list[State]]:
    """Part the ways that take a branch from those that ask the next one."""
    entering: list[State] = []
    others: list[State] = []
    for way in asking:
        expansion = Expansion(walk, way)
        matches = _any_matches(value, branch.patterns, expansion)
        if matches is not False:
            entering.append(expansion.state)
        if not matches:
            others.append(expansion.state)
    return entering, others


def _any_matches(value: Scalar, patterns: tuple[Word, ...], expansion: Expansion) -> Truth:
    whole: Truth = False
    for pattern in patterns:
        matches = _matches(value, pattern, expansion)
        if matches:
            return True
        whole = None if matches is None else whole
    return whole


def _matches(value: Scalar, pattern: Word, expansion: Expansion) -> Truth:
    if _is_anything(pattern):
        return True
    if isinstance(value, Unknown):
        expansion.runs(pattern)
        return None
    if pattern.plain and pattern.literal is not None:
        differs = None if "nocasematch" in expansion.state.has else False
        return True if pattern.literal == value else differs
    automaton = expansion.automaton(pattern)
    if isinstance(automaton, Unknown) or "nocasematch" in expansion.state.has:
        return None
    if expansion.counts_bytes(value):
        return automaton.matches(value)
    return None


def _is_anything(pattern: Word) -> bool:
    """Tell whether a pattern is ``*``."""
    part = pattern.parts[0] if len(pattern.parts) == 1 else None
    return isinstance(part, Text) and not part.quoted and part.text == "*"


def call_function(
    walk: "Interpreter", node: Node, fields: Fields, state: State, *, errexit: bool
) -> list[State]:
    """Run a function with these words, its name first."""
    depth = walk.deeper()
    calls, outer = (
        (*state.frame.calls, "function"),
        state.frame.outer.union(state.frame.saved),
    )
    frame = Frame(state.frame.name, fields.without_first(), calls, outer=outer)
    inside = state._replace(frame=frame)
    if walk.world.dialect.is_bash:
        inside = own(inside, "FUNCNAME", _call_names(fields, state))
    elif walk.world.dialect.name in {"dash", "busybox"}:
        inside = own(inside, WITHIN, BEGINNING)
    ways = walk.step(node, inside, errexit=errexit)
    walk.shallower(depth)
    return [returned(way, state) for way in ways]


def _call_names(fields: Fields, state: State) -> Fields:
    outer = state.variables.values.get("FUNCNAME")
    names = outer.values if isinstance(outer, Fields) else ("main",)
    return Fields((fields.values[0], *names))


def double_bracket(
    walk: "Interpreter", node: DoubleBracket, state: State, *, errexit: bool
) -> list[State]:
    """Run ``[[ … ]]``."""
    expansion = Expansion(walk, state)
    truth = decide(node.test, expansion)
    return walk.checked([expansion.state.ended(status_of(truth))], errexit=errexit)


def double_parenthesis(
    walk: "Interpreter", node: DoubleParenthesis, state: State, *, errexit: bool
) -> list[State]:
    """Run ``((…))``."""
    expansion = Expansion(walk, state)
    try:
        value = expansion.number(node.expression)
    except ScriptEndsError:
        return walk.checked([expansion.state.ended(NOT_SO)], errexit=errexit)
    truth = None if isinstance(value, Unknown) else value != 0
    return walk.checked([expansion.state.ended(status_of(truth))], errexit=errexit)
