"""Built-in commands that change how a script goes on: ``exec``, ``exit``, ``set`` and their kin.

Source: POSIX.1-2017, Shell Command Language, 2.14; the manuals of bash, dash and busybox.
"""

import re

from elfgate.linkage.shell import files
from elfgate.linkage.shell.arithmetic import number_of
from elfgate.linkage.shell.calls import Call
from elfgate.linkage.shell.ends import LostError, ScriptEndsError
from elfgate.linkage.shell.launches import launched
from elfgate.linkage.shell.state import Leaving, State
from elfgate.linkage.shell.values import FAILURE, SUCCESS, UNSURE, Status, UnknownStatus
from elfgate.linkage.shell.world import Absent, Kind, Thing
from elfgate.linkage.values import Fields, Scalar, Unknown

_LETTERS = {
    "errexit": "e",
    "nounset": "u",
    "noglob": "f",
    "allexport": "a",
    "noclobber": "C",
    "xtrace": "x",
    "verbose": "v",
    "monitor": "m",
    "notify": "b",
    "hashall": "h",
    "braceexpand": "B",
}
_SETTABLE = frozenset("abefhmuvxCEBHIV")
_NAMED = frozenset({"pipefail", "errtrace", "functrace", "history", "ignoreeof", "emacs", "vi"})
_NAMED_ALIKE = frozenset({"errexit", "nounset", "noglob", "allexport", "noclobber", "xtrace"})
_OTHERWISE = frozenset({"posix", "noexec", "keyword", "onecmd", "restricted", "n", "t", "k", "r"})
_SHOPT = frozenset({"nullglob", "inherit_errexit", "extglob", "checkwinsize", "cmdhist"})
_SHOPT |= {"huponexit", "dotglob", "globstar", "failglob", "nocaseglob", "nocasematch"}
_SHOPT |= {"lastpipe", "expand_aliases", "globasciiranges", "sourcepath", "login_shell"}
_SIGNALS = frozenset(
    [
        "EXIT",
        "0",
        "HUP",
        "INT",
        "QUIT",
        "TERM",
        "USR1",
        "USR2",
        "PIPE",
        "ALRM",
        "CHLD",
        "CONT",
        "TSTP",
        "WINCH",
        "ABRT",
        "1",
        "2",
        "3",
        "6",
        "9",
        "13",
        "14",
        "15",
    ]
)
_OF_COMMANDS = frozenset({"ERR", "DEBUG", "RETURN"})
_NO_TEXT = Status(ok=False, code=126)  # bash reads no commands from a program
_STATUS = Unknown("an exit status is not known")
_OPTION = "the shell may know it as an option of exec"
_EXEC_OPTIONS = re.compile(r"-[cl]*a?")


def exit_(call: Call) -> list[State]:
    """``exit [NUMBER]``."""
    call.walk.end(call.state, _given_status(call))
    return []


def return_(call: Call) -> list[State]:
    """``return``: outside functions and sourced files, it fails in bash, and ends others."""
    if call.world.dialect.is_bash and not call.state.frame.calls:
        if call.world.dialect.special_errors_end and call.plain:
            raise ScriptEndsError
        return call.ended(FAILURE)
    return [call.state.ended(_given_status(call)).leaving(Leaving("return"))]


def _given_status(call: Call) -> Status:
    """The status that is named; that of the last command, if none is."""
    if not call.args.values and call.args.more is None:
        return call.state.flow.status
    value = call.args.values[0] if call.args.values else _STATUS
    if isinstance(value, UnknownStatus):
        return value.status
    if isinstance(value, Unknown):
        return Status(None, None, call.state.flow.failed)
    number = number_of(value)
    if number is None or not value.strip().isdecimal():
        return Status(ok=False)
    return Status(number & 255 == 0, number & 255)


def leave(call: Call) -> list[State]:
    """``break`` and ``continue``."""
    known = call.args.known
    count = number_of(known[0]) if known else 1
    if known is None or count is None or count < 1:
        raise LostError("which loop is left is not known")
    return [call.state.ended().leaving(Leaving(call.name, count))]


def exec_(call: Call) -> list[State]:
    """``exec``: without a program it only redirects."""
    if not call.args.values and call.args.more is None:
        return [call.state.ended()]
    fields, name = _without_options(call)
    if fields is None:
        return []
    if not fields.prefix:
        raise LostError("the program is not known")
    launch = launched(fields, call.state, call.world)
    if launch.argv[0] == "-a" and not launch.doubt:
        launch = launch._replace(doubt=_OPTION)
    if name:
        launch = launch._replace(argv=(name, *launch.argv[1:]), file=launch.argv[0])
    call.walk.become(launch, call.state)
    return []


def _without_options(call: Call) -> tuple[Fields | None, str]:
    """Part the options of ``exec`` from the program; no fields if the script ends there.

    dash has no options (releases up to 0.5.12): it searches a program of that name.
    """
    fields, dialect = call.args, call.world.dialect
    first = fields.values[0] if fields.values else ""
    if not isinstance(first, str) or not first.startswith("-") or first == "-":
        return fields, ""
    if dialect.name == "dash":
        return fields, ""
    if first == "--":
        return fields.without_first(), ""
    if dialect.name == "busybox" and first.startswith("-a") and len(first) == len("-a"):
        return _named(fields)
    if dialect.is_bash or dialect.name in {"ksh", "other"}:
        if first == "-a":
            return _named(fields)
        if _EXEC_OPTIONS.fullmatch(first):
            raise LostError("the environment of a program is not known")
    call.walk.end(call.state, Status(ok=False, code=2), aside=True)
    return None, ""


def _named(fields: Fields) -> tuple[Fields, str]:
    name = fields.values[1] if len(fields.values) > 1 else ""
    if not isinstance(name, str) or not name:
        raise LostError("the name of a program is not known")
    return fields.without_first(2), name


def set_(call: Call) -> list[State]:
    """``set [OPTION…] [--] [ARG…]``."""
    options, values = set(call.state.flow.options), list(call.args.values)
    status = SUCCESS
    while values and isinstance(values[0], str) and values[0][:1] in {"-", "+"}:
        option = values[0]
        if option in {"--", "-"} or not option[1:]:
            break
        values.pop(0)
        named = ""
        if option[1:].endswith("o"):
            named = _named_option(call, values)
        letters = set(option[1:]) - {"o"}
        if not letters <= _SETTABLE | _OTHERWISE:
            return _bad_option(call)
        if named and not _is_option(named, call):
            status = _bad_name(call, named)
        letters |= {_LETTERS.get(named, named)} - {""}
        if _OTHERWISE & letters:
            raise LostError("the shell takes its script in another way")
        options = options | letters if option[0] == "-" else options - letters
    return [_with_arguments(call, frozenset(options), values).ended(status)]


def _named_option(call: Call, values: list[Scalar]) -> str:
    name = values.pop(0) if values else ""
    if isinstance(name, Unknown):
        raise LostError("the options of the shell are not known")
    if name == "pipefail" and call.world.dialect.name == "dash":
        call.walk.end(call.state, UNSURE, aside=True)  # releases before 0.5.13 end here
    return name


def _is_option(name: str, call: Call) -> bool:
    if name in _NAMED_ALIKE | {"pipefail", "posix", "noexec"}:
        return True
    if name in _LETTERS or name in _NAMED or name in _OTHERWISE:
        return call.world.dialect.name != "dash" or name in {"verbose", "monitor", "notify"}
    return False


def _bad_name(call: Call, name: str) -> Status:
    del name
    if call.world.dialect.special_errors_end:
        raise ScriptEndsError
    return Status(ok=False, code=1) if call.world.dialect.is_bash else UNSURE


def _bad_option(call: Call) -> list[State]:
    if call.world.dialect.special_errors_end:
        raise ScriptEndsError
    return call.ended(Status(ok=False, code=2))


def _with_arguments(call: Call, options: frozenset[str], values: list[Scalar]) -> State:
    state = call.state._replace(flow=call.state.flow._replace(options=options))
    rest = Fields(tuple(values), call.args.more)
    if values[:1] == ["--"]:
        rest = rest.without_first()
    elif values[:1] == ["-"]:
        rest = rest.without_first()
        if not rest.values:
            return state
    elif not values and call.args.more is None:
        return state
    if values[:1] != ["--"] and rest.doubt is not None:
        raise LostError("the arguments may be options")
    return state._replace(frame=state.frame._replace(args=rest))


def shift(call: Call) -> list[State]:
    """``shift [NUMBER]``."""
    first = call.args.values[0] if call.args.values else "1"
    count = number_of(first) if isinstance(first, str) else None
    args = call.state.frame.args
    if count is None or count < 0 or call.args.more is not None:
        raise LostError("the arguments are not known")
    if count <= len(args.values):
        frame = call.state.frame._replace(args=args.without_first(count))
        return [call.state._replace(frame=frame).ended()]
    if args.more is not None:
        frame = call.state.frame._replace(args=Fields(more=args.more))
        return [call.state._replace(frame=frame).ended(UNSURE)]
    if call.world.dialect.name == "busybox" or call.world.dialect.is_bash:
        return call.ended(FAILURE)
    raise ScriptEndsError


def source(call: Call) -> list[State]:
    """``. FILE [ARG…]``: a file without a slash in its name is searched along PATH."""
    if not call.args.values and call.args.more is None:
        return call.ended(Status(ok=False, code=2))
    path = call.args.values[0] if call.args.values else _STATUS
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
        return _STATUS
    directories = path.split(":")
    if call.world.dialect.name in {"bash", "busybox"}:
        directories.append(".")
    for directory in directories[:64]:
        candidate = f"{directory or '.'}/{name}"
        there = files.test("f", candidate, call.state, call.world)
        if there:
            return candidate
        if there is None:
            return _STATUS
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


def trap(call: Call) -> list[State]:
    """``trap [ACTION SIGNAL…]``."""
    values = tuple(value for value in call.args.values if value != "--")
    if call.args.more is not None or any(isinstance(value, Unknown) for value in values[1:]):
        return [call.state.doubted("the script sets a trap that is not known").ended()]
    names = [value.upper() for value in values[1:] if isinstance(value, str)]
    if call.world.dialect.name != "dash":
        names = [name.removeprefix("SIG") for name in names]
    if _OF_COMMANDS & set(names) and call.world.dialect.name not in {"dash", "busybox"}:
        return [call.state.doubted("the script sets a trap for its commands").ended()]
    action = values[0] if values else ""
    if not names and isinstance(action, str) and (action.isdecimal() or action == "-l"):
        return call.ended(SUCCESS)
    state = call.state
    if {"EXIT", "0"} & set(names):
        state = state._replace(flow=state.flow._replace(trap="" if action == "-" else action))
    return [state.ended(SUCCESS if set(names) <= _SIGNALS else UNSURE)]


def wait(call: Call) -> list[State]:
    """``wait``: for the last process in the background, it has its status."""
    state = call.state
    if not call.args.values and call.args.more is None:
        return [state.ended()]
    job = state.flow.job
    last = call.args.values == (state.variables.values.get("!"),)
    last = last and _is_last_job(call)
    return [state.ended(Status(ok=False, by=job) if last and job is not None else UNSURE)]


def _is_last_job(call: Call) -> bool:
    value, last = call.args.values[0], call.state.variables.values.get("!")
    if isinstance(value, Unknown) and isinstance(last, Unknown):
        return value.because == last.because
    return False


def shopt(call: Call) -> list[State]:
    """``shopt [-su] NAME…``."""
    known = call.args.known
    if known is None:
        raise LostError("the options of the shell are not known")
    names = [name for name in known if not name.startswith("-")]
    options = call.state.flow.options
    if not names or "-q" in known or "-p" in known or not {"-s", "-u"} & set(known):
        return call.unsure()
    if "-o" in known:
        raise LostError("the options of the shell are not known")
    if set(names) - _SHOPT:
        return [call.state.doubted("the shell takes its script in another way").ended(UNSURE)]
    if "lastpipe" in names and "-s" in known:
        raise LostError("the end of a pipe runs in the shell itself")
    options = options | set(names) if "-s" in known else options - set(names)
    return [call.state._replace(flow=call.state.flow._replace(options=options)).ended()]
