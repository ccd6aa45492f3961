"""Built-in commands that change the working directory.

Source: POSIX.1-2017, cd(1); bash(1), "Directory Stack".
"""

import posixpath

from elfgate.linkage.shell import files
from elfgate.linkage.shell.calls import Call, value_of
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.values import (
    FAILURE,
    SUCCESS,
    UNSURE,
    Truth,
    Value,
    both,
)
from elfgate.linkage.shell.world import Thing
from elfgate.linkage.values import UNSET, Fields, Scalar, Unknown

_ELSEWHERE = "the script goes to a directory that is not known"
_CHANGE = 15  # units of work that a change of the directory costs
_DIRECTORY = Unknown("a directory is not known")
_STACK = "\0directories"


def working_directory(call: Call) -> list[State]:
    """``pwd [-LP]``."""
    cwd: Scalar = call.state.files.cwd
    if call.args.values == ("-P",):
        cwd = _physical(call, call.state.files.cwd)
    elif call.args.values not in {(), ("-L",)}:
        cwd = _DIRECTORY
    return call.printed(cwd if isinstance(cwd, Unknown) else cwd + "\n", SUCCESS)


def _physical(call: Call, path: str) -> Scalar:
    thing = files.look(path, call.state, call.world)
    if isinstance(thing, Thing):
        return thing.path
    return _DIRECTORY


def change_directory(call: Call) -> list[State]:
    """``cd [-LP] [DIRECTORY]``."""
    values = list(call.args.values)
    physical = False
    while values and values[0] in ("-P", "-L", "--", "-e"):
        physical = values.pop(0) == "-P"
    target = _target(call, values)
    if isinstance(target, Unknown) or call.args.more is not None:
        return _lost(call)
    if not target:
        return call.unsure()
    return gone(call, target, physical=physical)


def _target(call: Call, values: list[Scalar]) -> Scalar:
    value: Value
    if not values:
        value = value_of(call, "HOME")
    elif values[0] == "-":
        value = value_of(call, "OLDPWD")
    elif _is_searched(call, values[0]):
        return _DIRECTORY
    else:
        if len(values) == 1:
            return values[0]
        return _DIRECTORY
    if isinstance(value, str):
        return value
    return _DIRECTORY


def _is_searched(call: Call, value: Scalar) -> bool:
    """Tell whether a directory is searched along CDPATH."""
    if (isinstance(value, str) and value.startswith(("/", "./", "../"))) or value in {".", ".."}:
        return False
    return value_of(call, "CDPATH") not in (UNSET, "")


def _lost(call: Call) -> list[State]:
    after = call.state.setting("PWD", _DIRECTORY).setting("OLDPWD", _DIRECTORY)
    return [after.doubted(_ELSEWHERE).ended(UNSURE)]


def gone(call: Call, target: str, *, physical: bool = False) -> list[State]:
    """Go to a directory, and stay where that fails, or may fail."""
    call.world.spend(_CHANGE)
    state = call.state
    there = _may_be_entered(call, target)
    if ".." in target.split("/") and not physical:
        there = _entered_as_text(call, target, there)
    if there is False:
        return call.ended(FAILURE)
    cwd: Scalar = files.absolute(target, state)
    if physical or ".." in target.split("/"):
        cwd = _resolved(call, target, physical=physical)
    if isinstance(cwd, Unknown) or (target.startswith("//") and target[2:3] != "/"):
        return _lost(call)  # two slashes stay two in PWD
    after = state._replace(files=state.files._replace(cwd=cwd))
    after = after.setting("OLDPWD", state.files.cwd).setting("PWD", cwd).ended(SUCCESS)
    if there:
        return [after]
    return [after, state.ended(UNSURE)]


def _may_be_entered(call: Call, path: str) -> Truth:
    is_there = files.test("d", path, call.state, call.world)
    return both(is_there, files.test("x", path, call.state, call.world))


def _entered_as_text(call: Call, target: str, as_it_is: Truth) -> Truth:
    """Tell whether a path can be entered once its dots are resolved as text.

    dash and busybox do so whatever lies before the dots; bash looks at that too.
    """
    as_text = _may_be_entered(call, files.absolute(target, call.state))
    if call.world.dialect.name in {"dash", "busybox"} or as_text is as_it_is:
        return as_text
    return None


def _resolved(call: Call, target: str, *, physical: bool) -> Scalar:
    """Resolve a path with dots: as text, or after its links with ``-P``."""
    if not physical:
        return files.absolute(target, call.state)
    return _physical(call, target)


def push_directory(call: Call) -> list[State]:
    """``pushd DIRECTORY``."""
    known = call.args.known
    if known is None or len(known) != 1 or known[0].startswith(("+", "-")):
        return _lost(call)
    before = call.state.files.cwd
    stack = call.state.variables.values.get(_STACK, Fields())
    rest = stack.values if isinstance(stack, Fields) else ()
    return [
        way.setting(_STACK, Fields((before, *rest))) if way.flow.status.ok else way
        for way in gone(call, posixpath.join(before, known[0]))
    ]


def pop_directory(call: Call) -> list[State]:
    """``popd``."""
    stack = call.state.variables.values.get(_STACK, Fields())
    if call.args.values or not isinstance(stack, Fields):
        return _lost(call)
    if not stack.values:
        return call.ended(FAILURE)
    target = stack.values[0]
    if isinstance(target, Unknown):
        return _lost(call)
    return [way.setting(_STACK, stack.without_first()) for way in gone(call, target)]
