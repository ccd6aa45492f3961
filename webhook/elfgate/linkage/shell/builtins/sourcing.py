"""Built-in commands that run a text in the same shell: ``.``, ``source`` and ``eval``.

Source: POSIX.1-2017, "Special Built-In Utilities", ``dot`` and ``eval``; bash(1), ``source``.
"""

from elfgate.linkage.shell import files
from elfgate.linkage.shell.calls import Call, value_of
from elfgate.linkage.shell.ends import LostError
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.values import FAILURE, UNSURE, Status, Value
from elfgate.linkage.shell.world import Absent, Kind, Thing
from elfgate.linkage.values import Fields, Scalar, Unknown

_NO_PATH = Unknown("a file that is read into the script is not known")
_MOST_DIRECTORIES = 64  # of PATH that are searched
_NO_NAME = Status(ok=False, code=2)
_NO_TEXT = Status(ok=False, code=126)  # bash reads no commands from a program


def source(call: Call) -> list[State]:
    """``. FILE [ARG…]``: a file without a slash in its name is searched along PATH."""
    values = call.args.values
    if not values and call.args.more is None:
        if not call.world.dialect.counts_as_c:
            call.walk.end(call.state, _NO_NAME, aside=True)  # mksh ends
        return call.ended(_NO_NAME)
    path = values[0] if values else _NO_PATH
    if isinstance(path, Unknown):
        return _doubted(call, "the script reads another")
    where: str | Unknown | None = path
    if "/" not in path:
        where = _along_path(call, path)
    return _read_at(call, path, where)


def _doubted(call: Call, because: str) -> list[State]:
    """End the command in doubt."""
    state = call.state.doubted(because)
    return [state.ended(UNSURE)]


def _read_at(
    call: Call,
    path: str,
    where: str | Unknown | None,
) -> list[State]:
    """Read commands from a file that was found, or was not."""
    if where is None:
        return _missing(call)
    unknown = f"the script reads {path}"
    if isinstance(where, Unknown):
        return _doubted(call, unknown)
    thing = files.look(where, call.state, call.world)
    if isinstance(thing, Absent):
        return _missing(call)
    if _is_no_text(call, thing):
        return call.ended(_NO_TEXT)
    text = _text_of(call, where, thing)
    if isinstance(text, str):
        return _run(call, text, path)
    return _doubted(call, unknown)


def _is_no_text(call: Call, thing: Thing | Unknown) -> bool:
    """Whether bash sees that a file is a program."""
    if isinstance(thing, Unknown) or not thing.elf:
        return False
    return call.world.dialect.name == "bash"


def _text_of(call: Call, path: str, thing: Thing | Unknown) -> Scalar:
    """The text of a file, if it is known."""
    if isinstance(thing, Unknown):
        return thing
    is_empty = thing.kind is Kind.FILE and not thing.size
    if is_empty or thing.kind is Kind.NULL:
        return ""
    cwd = call.state.files.cwd
    return call.world.text(path, cwd)


def _along_path(call: Call, name: str) -> str | Unknown | None:
    """Search a file to read along PATH; bash looks into the working directory then."""
    path = value_of(call, "PATH")
    if not isinstance(path, str):
        return _NO_PATH
    directories = path.split(":")
    dialect = call.world.dialect.name
    if dialect in {"bash", "busybox"}:
        directories.append(".")
    searched = directories[:_MOST_DIRECTORIES]
    for directory in searched:
        folder = directory or "."
        candidate = f"{folder}/{name}"
        there = files.test(
            "f",
            candidate,
            call.state,
            call.world,
        )
        if there and directory == "." and dialect == "busybox":
            call.walk.end(call.state, Status(ok=None), aside=True)  # newer releases do not look
        if there:
            return candidate
        if there is None:
            return _NO_PATH
    return None


def _missing(call: Call) -> list[State]:
    """End the command, and in some shells the script, as the file does not exist."""
    ends = call.world.dialect.missing_source_ends
    if ends and call.plain:
        status = Status(ok=False)
        call.walk.end(call.state, status, aside=False)
        return []
    return call.ended(FAILURE)


def _run(call: Call, text: str, path: str) -> list[State]:
    """Run the text of a file, and come back from it."""
    before = call.state
    frame = before.frame
    given = _own_args(call)
    inside = frame._replace(
        calls=(*frame.calls, "source"),
        args=frame.args if given is None else given,
    )
    state = before._replace(frame=inside)
    if call.world.dialect.is_bash:
        state = _within(state, path)
    return [
        _back(way, before, given, of_bash=call.world.dialect.is_bash)
        for way in _ways(call, text, state)
    ]


def _ways(call: Call, text: str, state: State) -> list[State]:
    """The states after the commands of a text, which are run one level deeper."""
    depth = call.walk.deeper()
    ways = call.walk.read(
        text,
        state,
        errexit=call.errexit,
    )
    call.walk.shallower(depth)
    return ways


def _own_args(call: Call) -> Fields | None:
    """The arguments of a sourced file; None where it sees the script's."""
    given = call.args.without_first()
    if not given.values and not given.more:
        return None
    if call.world.dialect.name == "dash":
        return None
    return given


def _within(state: State, path: str) -> State:
    """Tell of the sourced file in bash's variables of what it is within."""
    values = state.variables.values
    sources = values.get("BASH_SOURCE")
    outer = sources.values if isinstance(sources, Fields) else ()
    names = values.get("FUNCNAME")
    held = names.values if isinstance(names, Fields) else ("main",)
    within = {
        "BASH_SOURCE": Fields((path, *outer)),
        "FUNCNAME": Fields(("source", *held)),
    }
    for name, value in within.items():
        state = state.setting(name, value)
    return state


def _back(
    way: State,
    before: State,
    given: Fields | None,
    *,
    of_bash: bool,
) -> State:
    """Come back from a sourced file, whose own arguments are gone."""
    args = way.frame.args
    if given is not None and not (of_bash and _are_set_anew(args, given, before)):
        args = before.frame.args
    frame = way.frame._replace(
        calls=before.frame.calls,
        args=args,
    )
    leaving = way.flow.leaving
    if leaving is not None and leaving.kind == "return":
        way = way.leaving(None)
    variables = way.variables._replace(values=_outer_values(way, before))
    return way._replace(frame=frame, variables=variables)


def _are_set_anew(args: Fields, given: Fields, before: State) -> bool:
    """Tell whether a file has set arguments that bash keeps: not in functions, nor by ``shift``."""
    count = len(given.values) - len(args.values)
    is_rest = count >= 0 and args == given.without_first(count)
    return not is_rest and "function" not in before.frame.calls


def _outer_values(way: State, before: State) -> dict[str, Value]:
    """The variables after a sourced file, bash's of what it is within as they were before."""
    values = {**way.variables.values}
    outer = before.variables.values
    for name in ("BASH_SOURCE", "FUNCNAME"):
        values.pop(name, None)
        if name in outer:
            values[name] = outer[name]
    return values


def eval_(call: Call) -> list[State]:
    """``eval``: run the arguments, joined by blanks, as commands.

    In doubt if one of them is not known.
    """
    known = call.args.known
    if known is None and call.args.values[:1] == ("exec",):
        raise LostError("the program is not known")
    leaves = not call.world.dialect.counts_as_c and "e" in call.state.has and not call.errexit
    if known is None or leaves:  # mksh leaves the text at the first command that fails
        return _doubted(call, "the script evaluates what is not known")
    text = " ".join(known)
    return _ways(call, text, call.state)
