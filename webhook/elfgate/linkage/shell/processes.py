"""Processes beside the shell itself: subshells, pipes, jobs in the background, and substitutions.

A process of its own leaves behind its exit status, its output, and what it does to files.

Source: POSIX.1-2017, Shell Command Language, 2.12 "Shell Execution Environment".
"""

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

from elfgate.linkage.report import Outcome
from elfgate.linkage.shell.ends import Ending, LostError
from elfgate.linkage.shell.expand import Expansion
from elfgate.linkage.shell.joining import joined
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.streams import redirected
from elfgate.linkage.shell.syntax.nodes import (
    Background,
    Body,
    Pipe,
    Redirect,
    Simple,
)
from elfgate.linkage.shell.utilities.table import utility
from elfgate.linkage.shell.values import SUCCESS, UNSURE, Launch, Status, status_of
from elfgate.linkage.values import Fields, Scalar, Unknown

if TYPE_CHECKING:
    from elfgate.linkage.shell.interpreter import Interpreter

_PROCESS = 25  # units of work that a process of its own costs beside its commands
_OUTPUT = Unknown("the output of a command is not known")
_JOB = Unknown("the number of a process is not known", number=True)


def background(
    walk: "Interpreter",
    node: Background,
    state: State,
    *,
    errexit: bool,
) -> State:
    """Run ``a &``."""
    after = subshell(walk, (node.node,), state, errexit=errexit)
    status = after.flow.status
    job = status.by if status.ok is False else None
    after = _beside(after, state)
    output = after.flow.output
    if output != state.flow.output:
        output = Unknown("a process in the background writes too")
    flow = after.flow._replace(
        job=job,
        failed=job or after.flow.failed,
        output=output,
    )
    because = f"the number of job {walk.next_job()} is not known"
    number = replace(_JOB, because=because)
    after = after._replace(flow=flow)
    return after.setting("!", number).ended()


def _beside(after: State, before: State) -> State:
    """Forget what a process has done for sure to files: beside it, it may not be done yet."""
    files, known = after.files, before.files
    files = files._replace(
        made=files.made & known.made,
        fresh=files.fresh & known.fresh,
        gone=files.gone & known.gone,
    )
    return after._replace(files=files)


def pipe(
    walk: "Interpreter",
    node: Pipe,
    state: State,
    *,
    errexit: bool,
) -> list[State]:
    """Run ``a | b``."""
    after = state
    statuses: list[Status] = []
    text = state.flow.input
    last = len(node.nodes) - 1
    for number, inner in enumerate(node.nodes):
        output = state.flow.output if number == last else ""
        flow = after.flow._replace(output=output, input=text)
        inside = after._replace(flow=flow)
        after = _beside(subshell(walk, (inner,), inside, errexit=errexit), state)
        statuses.append(after.flow.status)
        text = after.flow.output
    status = statuses[-1]
    if "pipefail" in state.has:
        status = _first_failure(statuses)
    if walk.world.dialect.last_pipe:
        after = after.doubted("the end of a pipe runs in the shell itself")
    flow = after.flow._replace(input=state.flow.input, status=status)
    after = after._replace(flow=flow)
    return walk.checked([after], errexit=errexit)


def subshell(
    walk: "Interpreter",
    body: Body,
    state: State,
    *,
    errexit: bool,
) -> State:
    """Run a process of its own: its status, its output and what it does to files remain."""
    walk.world.spend(_PROCESS)
    inner = walk.fork()
    depth = walk.deeper()
    inside = state
    if state.flow.trap:
        flow = state.flow._replace(trap="")
        inside = state._replace(flow=flow)
    try:
        for after in inner.body(body, [inside], errexit=errexit):
            inner.end(after, after.flow.status)
    except LostError as failure:
        inner.lose(failure)
    walk.shallower(depth)
    return _after(inner, state)


def _after(inner: "Interpreter", state: State) -> State:
    """The state of the outer shell, after all ways in which the process may have ended."""
    ways = [_ended(inner, ending, left, state) for ending, left in inner.ends]
    if not ways or inner.lost:
        lost = state.doubted("the script runs what is not followed before")
        lost = lost.ended(UNSURE)
        ways.append(lost.writing(_OUTPUT))
    return reduce(joined, ways)


def _ended(walk: "Interpreter", ending: Ending, left: State, state: State) -> State:
    """The outer shell's state, if its process has ended so."""
    status = ending.status
    output = left.flow.output
    files = left.files._replace(cwd=state.files.cwd)
    launch = ending.launch if ending.becomes else None
    if launch is not None:
        status, harmless = _status_of(walk, launch)
        if status.ok is None and not harmless:
            doubted = state.doubted(f"the script runs {launch.argv[0]} before")
            files = doubted.files
        if output is not None and status.ok is not False:
            output = _OUTPUT
    failed = left.flow.failed
    if status.ok is False and status.by is not None:
        failed = status.by
    flow = state.flow._replace(
        status=status,
        output=output,
        failed=failed,
        input=left.flow.input,
    )
    return State(state.frame, state.variables, files, flow)


def _status_of(walk: "Interpreter", launch: Launch) -> tuple[Status, bool]:
    """The exit status of a program, and whether it changes nothing that counts."""
    outcome = walk.world.outcome(launch)
    if outcome is Outcome.CANNOT_START:
        failed = Status(ok=False, by=launch)
        return failed, True
    by = None if outcome is Outcome.STARTS else launch
    status = Status(None, None, by)
    known = utility(Fields(launch.argv))
    return status, known is not None


def substitute(
    walk: "Interpreter",
    body: Body,
    state: State,
    *,
    errexit: bool,
    keeps: bool,
) -> tuple[State, Scalar]:
    """Run the commands of ``$(…)``; give the state after, and their output."""
    if not body:
        return state.ended(), ""
    redirects = _redirects_alone(body)
    if redirects and walk.world.dialect.reads_files:
        return _file_read(walk, redirects, state)
    outer = state.flow.output
    options = state.flow.options
    if not keeps:
        options -= {"e"}
    flow = state.flow._replace(
        options=options,
        trap="",
        output="",
        closed=False,
    )
    inside = state._replace(flow=flow)
    after = subshell(walk, body, inside, errexit=errexit)
    output = after.flow.output
    flow = after.flow._replace(
        output=outer,
        options=state.flow.options,
        trap=state.flow.trap,
        closed=state.flow.closed,
    )
    after = after._replace(flow=flow)
    if output is None:
        return after, ""
    return after, output


def _redirects_alone(body: Body) -> tuple[Redirect, ...]:
    """The redirections of a command that is nothing else, one for reading among them."""
    node = body[0]
    if len(body) > 1 or not isinstance(node, Simple) or node.words or node.assignments:
        return ()
    if any(one.operator == "<" for one in node.redirects):
        return node.redirects
    return ()


def _file_read(
    walk: "Interpreter",
    redirects: tuple[Redirect, ...],
    state: State,
) -> tuple[State, Scalar]:
    """Give the text of ``$(< file)``; of more redirections, shells make one thing or another."""
    expansion = Expansion(walk, state)
    streams = redirected(redirects, expansion)
    after = expansion.state.ended(status_of(streams.opens))
    if streams.opens is False:
        return after, ""
    if streams.opens is None or len(redirects) > 1 or streams.input is None:
        return after, _OUTPUT
    return after, streams.input


def _first_failure(statuses: list[Status]) -> Status:
    """The status of a pipe under ``pipefail``: of the last that has failed."""
    unsure: Status | None = None
    for status in reversed(statuses):
        if status.ok is False:
            if unsure is None:
                return Status(status.ok, status.code, status.by)
            by = status.by or unsure.by
            return Status(status.ok, None, by)
        if status.ok is None:
            unsure = unsure or status
    return unsure or SUCCESS
