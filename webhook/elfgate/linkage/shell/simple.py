"""Runs simple commands: expansions first, then redirections, assignments and the command itself.

Source: POSIX.1-2017, Shell Command Language, 2.9.1.
"""

from typing import TYPE_CHECKING

from elfgate.linkage.shell.assignments import assigning
from elfgate.linkage.shell.calls import Call, name_in
from elfgate.linkage.shell.commands import run_command
from elfgate.linkage.shell.expand import Expansion
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.streams import PLAIN, Streams, redirected
from elfgate.linkage.shell.syntax.nodes import Redirected, Simple
from elfgate.linkage.shell.values import FAILURE, SUCCESS, UNSURE
from elfgate.linkage.values import Fields

if TYPE_CHECKING:
    from elfgate.linkage.shell.interpreter import Interpreter


def simple(walk: "Interpreter", node: Simple, state: State, *, errexit: bool) -> list[State]:
    """Run a simple command."""
    if not node.words:
        return _assignments(walk, node, state, errexit=errexit)
    if node.literals is not None and not node.redirects:
        return _called(walk, node, Fields(node.literals), state, PLAIN, errexit=errexit)
    before = state.flow.status
    expansion = Expansion(walk, state, errexit=errexit)
    fields = expansion.fields(node.expanded)
    streams = redirected(node.redirects, expansion) if node.redirects else PLAIN
    state = expansion.state
    if fields.values or fields.more is not None:
        return _called(walk, node, fields, state.ended(before), streams, errexit=errexit)
    state = state.ended(expansion.last or SUCCESS)
    return walk.checked([_assigned(walk, node, state, errexit=errexit)], errexit=errexit)


def _called(
    walk: "Interpreter",
    node: Simple,
    fields: Fields,
    state: State,
    streams: Streams,
    *,
    errexit: bool,
) -> list[State]:
    call = Call(
        walk,
        name_in(fields),
        node.assignments,
        node.words,
        fields,
        state,
        streams,
        errexit,
        walk.builtins,
    )
    return walk.checked(run_command(call), errexit=errexit)


def _assignments(walk: "Interpreter", node: Simple, state: State, *, errexit: bool) -> list[State]:
    """Assign one after another; the status is that of the last command within."""
    before = state.flow.status
    expansion = Expansion(walk, state.ended(), errexit=errexit)
    streams = redirected(node.redirects, expansion) if node.redirects else PLAIN
    failing = _unopened(walk, streams, expansion.state, errexit=errexit)
    if streams.opens is False:
        return failing
    status = SUCCESS
    for one in node.assignments:
        inner = Expansion(walk, expansion.state.ended(before), errexit=errexit)
        assigning(one, inner)
        if inner.last is not None:
            status = inner.last
        expansion.state = inner.state
    return failing + walk.checked([expansion.state.ended(status)], errexit=errexit)


def _assigned(walk: "Interpreter", node: Simple, state: State, *, errexit: bool) -> State:
    """Apply the assignments before a command whose words have come to nothing."""
    expansion = Expansion(walk, state, errexit=errexit)
    for one in node.assignments:
        assigning(one, expansion)
    return expansion.state


def walk_redirected(
    walk: "Interpreter", node: Redirected, state: State, *, errexit: bool
) -> list[State]:
    """Run a compound command with redirections."""
    expansion = Expansion(walk, state)
    streams = redirected(node.redirects, expansion)
    before = expansion.state
    counts = errexit and walk.world.dialect.name != "busybox"  # which goes on under ``set -e``
    failing = _unopened(walk, streams, before, errexit=counts)
    if streams.opens is False:
        return failing
    ways = walk.step(node.node, streams.entered(before), errexit=errexit)
    return failing + [streams.left(before, way) for way in ways]


def _unopened(walk: "Interpreter", streams: Streams, state: State, *, errexit: bool) -> list[State]:
    """The ways on which a redirection cannot be opened, so that the command fails."""
    if streams.opens is True:
        return []
    status = FAILURE if streams.opens is False else UNSURE
    return walk.checked([state.ended(status)], errexit=errexit)
