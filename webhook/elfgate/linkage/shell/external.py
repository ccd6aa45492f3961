"""Programs that a script runs and goes on behind: their status, their output and their traces."""

import posixpath

from elfgate.linkage.report import Outcome
from elfgate.linkage.shell.calls import Call
from elfgate.linkage.shell.files import is_executable, noted
from elfgate.linkage.shell.launches import find, find_as_it_was, launched
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.utilities.effects import left_behind, taken_away, takes_execution
from elfgate.linkage.shell.utilities.handed_on import handed_on
from elfgate.linkage.shell.utilities.table import Utility, may_be_applet, utility
from elfgate.linkage.shell.values import Launch, Status, Truth
from elfgate.linkage.values import Scalar, Unknown

_OUTPUT = Unknown("the output of a command is not known")
_SILENT = frozenset({"mkdir", "rm", "chown"})  # whatever becomes of them
_KEEPING = frozenset({"chown", "chgrp"})  # tools that take no directory away


def external(call: Call, state: State) -> State:
    """Run a program, and go on with what is known of its status, its output and its traces."""
    fields, world = call.fields, call.world
    launch = launched(fields, state, world)
    row = utility(fields)
    outcome = _outcome(launch, row, state, call)
    if outcome is not Outcome.CANNOT_START:
        launch, outcome = _handed_on(launch, outcome, state, call)
    if outcome is Outcome.CANNOT_START:
        failed = state._replace(flow=state.flow._replace(failed=launch))
        return failed.ended(Status(ok=False, by=launch))
    by = None if outcome is Outcome.STARTS else launch
    if row is None:
        after = state.doubted(f"the script runs {launch.argv[0]} before")
        return _drained(after.writing(_OUTPUT)).ended(Status(None, None, by))
    return _used(row, call, state, by)


def _handed_on(
    launch: Launch, outcome: Outcome, state: State, call: Call
) -> tuple[Launch, Outcome]:
    """Tell what comes of a program that surely starts another, and fails if that cannot start."""
    fields = handed_on(call.fields, state.flow.input)
    if fields is None:
        return launch, outcome
    inner = launched(fields, state, call.world)
    if call.world.outcome(inner) is not Outcome.CANNOT_START:
        return launch, outcome
    if posixpath.basename(call.name) == "xargs" and _is_executed(inner, state, call):
        return launch, outcome  # what fails in its loader has a status that xargs makes its own of
    return inner, Outcome.CANNOT_START


def _is_executed(launch: Launch, state: State, call: Call) -> bool:
    """Tell whether the kernel may execute a program, though it fails then."""
    name = launch.argv[0]
    path = name if "/" in name else find(name, state, call.world)
    if isinstance(path, str):
        return is_executable(path, state, call.world) is not False
    return path is not None


def _used(row: Utility, call: Call, state: State, by: Launch | None) -> State:
    """Go on behind a tool of the table."""
    output, ok = _told(row, call, state)
    if by is not None or (state.flow.closed and output != ""):
        ok = None
    after = _left(row, call, state, ok=ok)
    status = Status(ok, None, None if ok else by)
    return _drained(after.writing(output)).ended(status)


def _told(row: Utility, call: Call, state: State) -> tuple[Scalar, Truth]:
    """The output of a tool, and whether it succeeds."""
    known, world = call.args.known, call.world
    if known is None:
        return _OUTPUT, None
    if _is_what_it_was(call.name, row, state, call):
        output = row.output(known, state, world)
        return output, row.outcome(known, state, world)
    if posixpath.basename(call.name) in _SILENT:
        return "", None
    return _OUTPUT, None


def _left(row: Utility, call: Call, state: State, *, ok: Truth) -> State:
    """The state behind a tool, with the traces that it may leave."""
    args, world = call.args, call.world
    values = args.values
    if args.more is not None:
        values = (*values, args.more)
    name = posixpath.basename(call.name)
    paths = row.changes(values, state)
    world.spend(4 * len(paths))
    bars = takes_execution(name, values)
    after = left_behind(name, paths, state, world, alters=row.alters, bars=bars)
    after = after.removing(taken_away(name, values, state, world))
    if row.alters and name not in _KEEPING:
        files = after.files._replace(made=frozenset())
        after = after._replace(files=files)
    if ok:
        return noted(name, paths, state, after, world)
    return after


def _drained(state: State) -> State:
    """Go on behind a program that may have read the input."""
    if not state.flow.input:
        return state
    rest = Unknown("what a program leaves of its input")
    return state._replace(flow=state.flow._replace(input=rest))


def _is_what_it_was(name: str, row: Utility, state: State, call: Call) -> bool:
    """Tell whether a tool is the image's own: a doubt is no reason to think of another one."""
    if "/" in name:
        return True
    found = find(name, state, call.world)
    if isinstance(found, Unknown) and row.of_no_files:
        found = find_as_it_was(name, state, call.world)
    return isinstance(found, str)


def _is_within(name: str, call: Call) -> bool:
    """Tell whether the shell may run a command though there is no such file."""
    return call.world.dialect.standalone and may_be_applet(name)


def _outcome(launch: Launch, row: Utility | None, state: State, call: Call) -> Outcome:
    """Tell what comes of a program; of a plain tool, only whether it is there."""
    name = launch.argv[0]
    world = call.world
    if not name:
        return Outcome.CANNOT_START
    if "/" in name:
        return world.outcome(launch)
    found = find(name, state, world)
    if found is None and _is_within(name, call):
        return Outcome.STARTS
    if row is None:
        return world.outcome(launch)
    if found is None:
        return Outcome.CANNOT_START
    return Outcome.STARTS
