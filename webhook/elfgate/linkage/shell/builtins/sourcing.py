"""Built-in commands that run a text in the same shell: ``.``, ``source`` and ``eval``.

Source: POSIX.1-2017, "Special Built-In Utilities", ``dot`` and ``eval``; bash(1), ``source``.
"""

from elfgate.linkage.shell import files
from elfgate.linkage.shell.calls import Call
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.values import FAILURE, UNSURE, Status
from elfgate.linkage.shell.world import Absent, Kind, Thing
from elfgate.linkage.values import Fields, Scalar, Unknown

_NO_PATH = Unknown("a file that is read into the script is not known")
_NO_TEXT = Status(ok=False, code=126)  # bash reads no commands from a program


def source(call: Call) -> list[State]:
    """``. FILE [ARG…]``: a file without a slash in its name is searched along PATH."""
    if not call.args.values and call.args.more is None:
        return call.ended(Status(ok=False, code=2))
    path = call.args.values[0] if call.args.values else _NO_PATH
    if isinstance(path, Unknown):
        return [call.state.doubted("the script reads another").ended(UNSURE)]
    return _read_at(call, path, path if "/" in path else _along_path(call, path))


def _read_at(call: Call, path: str, where: str | Unknown | None) -> list[State]:
    """Read commands from a file that was found, or was not."""
    if where is None:
        return _missing(call)
    if isinstance(where, Unknown):
        return [call.state.doubted(f"the script reads {path}").ended(UNSURE)]
    thing = files.look(where, call.state, call.world)
    if isinstance(thing, Absent):
        return _missing(call)
    if isinstance(thing, Thing) and thing.elf and call.world.dialect.name == "bash":
        return call.ended(_NO_TEXT)
    text = thing if isinstance(thing, Unknown) else _text_of(call, where, thing)
    if isinstance(text, str):
        return _run(call, text, path)
    return [call.state.doubted(f"the script reads {path}").ended(UNSURE)]


def _text_of(call: Call, path: str, thing: Thing) -> Scalar:
    if thing.kind is Kind.NULL or (thing.kind is Kind.FILE and not thing.size):
        return ""
    return call.world.text(path, call.state.files.cwd)


def _along_path(call: Call, name: str) -> str | Unknown | None:
    """Search a file to read along PATH; bash looks into the working directory then."""
    value = call.state.variables.values.get("PATH")
    path = call.world.variable("PATH") if value is None else value
    if not isinstance(path, str):
        return _NO_PATH
    directories = path.split(":")
    if call.world.dialect.name in {"bash", "busybox"}:
        directories.append(".")
    for directory in directories[:64]:
        candidate = f"{directory or '.'}/{name}"
        there = files.test("f", candidate, call.state, call.world)
        if there:
            return candidate
        if there is None:
            return _NO_PATH
    return None


def _missing(call: Call) -> list[State]:
    if call.world.dialect.missing_source_ends and call.plain:
        call.walk.end(call.state, Status(ok=False), aside=False)
        return []
    return call.ended(FAILURE)


def _run(call: Call, text: str, path: str) -> list[State]:
    depth = call.walk.deeper()
    frame, before = call.state.frame, call.state.variables.values.get("BASH_SOURCE")
    given = call.args.without_first()
    own = bool(given.values or given.more) and call.world.dialect.name != "dash"
    args = given if own else frame.args
    inside = frame._replace(calls=(*frame.calls, "source"), args=args)
    state = call.state._replace(frame=inside)
    if call.world.dialect.is_bash:
        outer = before.values if isinstance(before, Fields) else ()
        state = state.setting("BASH_SOURCE", Fields((path, *outer)))
        names = state.variables.values.get("FUNCNAME")
        held = names.values if isinstance(names, Fields) else ("main",)
        state = state.setting("FUNCNAME", Fields(("source", *held)))
    ways = call.walk.read(text, state, errexit=call.errexit)
    call.walk.shallower(depth)
    return [_back(way, call.state, given if own else None) for way in ways]


def _back(way: State, before: State, given: Fields | None) -> State:
    """Come back from a sourced file, whose own arguments are gone."""
    args = way.frame.args
    if given is not None and args == given:
        args = before.frame.args
    frame = way.frame._replace(calls=before.frame.calls, args=args)
    leaving = way.flow.leaving
    if leaving is not None and leaving.kind == "return":
        way = way.leaving(None)
    values = {**way.variables.values}
    for name in ("BASH_SOURCE", "FUNCNAME"):
        if name in before.variables.values:
            values[name] = before.variables.values[name]
        else:
            values.pop(name, None)
    return way._replace(frame=frame, variables=way.variables._replace(values=values))


def eval_(call: Call) -> list[State]:
    """``eval``."""
    known = call.args.known
    if known is None:
        return [call.state.doubted("the script evaluates what is not known").ended(UNSURE)]
    depth = call.walk.deeper()
    ways = call.walk.read(" ".join(known), call.state, errexit=call.errexit)
    call.walk.shallower(depth)
    return ways
