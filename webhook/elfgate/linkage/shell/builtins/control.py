"""Built-in commands that change how a script goes on: ``exec``, ``exit``, ``set`` and their kin.

Source: POSIX.1-2017, Shell Command Language, 2.14; the manuals of bash, dash and busybox.
"""

import re

from elfgate.linkage.shell.arithmetic import number_of
from elfgate.linkage.shell.calls import Call, name_in
from elfgate.linkage.shell.ends import LostError, ScriptEndsError
from elfgate.linkage.shell.launches import launched
from elfgate.linkage.shell.state import Leaving, State
from elfgate.linkage.shell.values import (
    FAILURE,
    SUCCESS,
    UNSURE,
    Status,
    UnknownStatus,
)
from elfgate.linkage.values import Fields, Unknown

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
_IN_FUNCTION = "function"
_STATUS = Unknown("an exit status is not known")
_OPTION = "the shell may know it as an option of exec"
_EXECUTING = frozenset({"ksh", "other"})  # their exec knows the shell's own commands
_NUMBER = re.compile(r"[0-9]{1,9}")  # of a status: decimal, whatever its first digit
_EXEC_OPTIONS = re.compile(r"-[cl]*a?")


def exit_(call: Call) -> list[State]:
    """``exit [NUMBER]``."""
    status = _given_status(call)
    call.walk.end(call.state, UNSURE if status is None else status)
    return []


def return_(call: Call) -> list[State]:
    """``return``: outside functions and sourced files, it fails in bash, and ends others."""
    if call.world.dialect.is_bash and not call.state.frame.calls:
        if call.world.dialect.special_errors_end and call.plain:
            call.walk.end(call.state, Status(ok=False), aside=True)  # some releases end
        return call.ended(FAILURE)
    status = _given_status(call)
    if status is None:  # some shells end the script, others return with a number of their own
        call.walk.end(call.state, UNSURE, aside=True)
        status = UNSURE
    return [call.state.ended(status).leaving(Leaving("return"))]


def _given_status(call: Call) -> Status | None:
    """The status that is named; that of the last command, if none is; None for no number."""
    if not call.args.values and call.args.more is None:
        return call.state.flow.status
    value = call.args.values[0] if call.args.values else _STATUS
    if isinstance(value, UnknownStatus):
        return value.status
    if isinstance(value, Unknown):
        return Status(None, None, call.state.flow.failed)
    if not _NUMBER.fullmatch(value) or len(call.args.values) > 1:
        return None
    return _numbered(int(value), call)


def _numbered(number: int, call: Call) -> Status:
    """The status of a number: its last byte, but in dash, within the shell, the whole."""
    if call.name == "exit" or call.world.dialect.name != "dash":
        number &= 255
    return Status(number == 0, number)


def leave(call: Call) -> list[State]:
    """``break`` and ``continue``."""
    known = call.args.known
    count = number_of(known[0]) if known else 1
    if known is None or count is None or count < 1:
        raise LostError("which loop is left is not known")
    loops = call.state.frame.loops
    if loops == 0:
        return _without_loop(call)
    return [call.state.ended().leaving(Leaving(call.name, min(count, loops)))]


def _without_loop(call: Call) -> list[State]:
    """``break`` where no loop runs does nothing.

    In a function, it may leave a loop that the function is called in.
    """
    is_old_way = not call.world.dialect.is_bash and _IN_FUNCTION in call.state.frame.calls
    if is_old_way:
        raise LostError("a function may leave a loop that it is called in")
    return call.ended(SUCCESS)


def exec_(call: Call) -> list[State]:
    """``exec``: without a program it only redirects."""
    if not call.args.values and call.args.more is None:
        return _without_program(call)
    fields, name = _without_options(call)
    if fields is None:
        goes_on = call.world.dialect.name == "bash"  # behind an option that it does not know
        return call.ended(FAILURE) if goes_on else []
    if not fields.prefix:
        raise LostError("the program is not known")
    if call.world.dialect.name in _EXECUTING and name_in(fields) in call.builtins:
        raise LostError("the shell may run its own command of that name")
    launch = launched(fields, call.state, call.world)
    if launch.argv[0] == "-a" and not launch.doubt:
        launch = launch._replace(doubt=_OPTION)
    if name:
        launch = launch._replace(argv=(name, *launch.argv[1:]), file=launch.argv[0])
    call.walk.become(launch, call.state)
    return []


def _without_program(call: Call) -> list[State]:
    """``exec`` alone; its words may have come to nothing, for what sets them is not known."""
    if len(call.words) > 1 and "/" in call.state.files.touched:
        raise LostError("the program is not known")
    return [call.state.ended()]


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
    if dialect.name != "bash":
        call.walk.end(call.state, FAILURE, aside=True)
    return None, ""


def _named(fields: Fields) -> tuple[Fields, str]:
    name = fields.values[1] if len(fields.values) > 1 else ""
    if not isinstance(name, str) or not name:
        raise LostError("the name of a program is not known")
    behind = fields.without_first(2)
    following = behind.values[0] if behind.values else ""
    if following == "--":
        return behind.without_first(), name
    if isinstance(following, str) and following.startswith("-"):
        raise LostError("the options of exec are not known")
    return behind, name


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


def trap(call: Call) -> list[State]:
    """``trap [ACTION SIGNAL…]``."""
    values = tuple(value for value in call.args.values if value != "--")
    if call.args.more is not None or any(isinstance(value, Unknown) for value in values[1:]):
        return [call.state.doubted("the script sets a trap that is not known").ended()]
    names = [value.upper() for value in values[1:] if isinstance(value, str)]
    if call.world.dialect.name != "dash":
        names = [name.removeprefix("SIG") for name in names]
    if "CHLD" in names:
        return [call.state.doubted("the script has something to do as commands end").ended()]
    if _OF_COMMANDS & set(names) and call.world.dialect.name not in {
        "dash",
        "busybox",
    }:
        return [call.state.doubted("the script sets a trap for its commands").ended()]
    action = values[0] if values else ""
    if not names and isinstance(action, str) and (action.isdecimal() or action == "-l"):
        return call.ended(SUCCESS)
    state = call.state
    if {"EXIT", "0"} & set(names):
        state = state._replace(flow=state.flow._replace(trap="" if action == "-" else action))
    if set(names) - {"EXIT", "0"} and action not in ("", "-"):
        state = state._replace(flow=state.flow._replace(handlers=True))
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
