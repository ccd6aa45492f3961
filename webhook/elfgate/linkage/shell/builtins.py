"""The commands that a shell runs by itself.

Source: POSIX.1-2017, Shell Command Language, 2.14 "Special Built-In Utilities"; the manuals of bash and dash.
"""

import operator
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from elfgate.errors import UnknownReason
from elfgate.linkage.attempt import Doubt
from elfgate.linkage.shell.commands import asks
from elfgate.linkage.shell.conditions import Brackets, bracket
from elfgate.linkage.shell.state import FAILURE, SEARCHED, UNSURE, Fields, Mark, State, Status
from elfgate.linkage.shell.variables import assigned, set_to
from elfgate.linkage.shell.walk import LostError, Walk
from elfgate.linkage.shell.words import Word
from elfgate.linkage.shell.world import Shell

_NAMED_OPTIONS = {"errexit": "e", "nounset": "u", "noglob": "f", "allexport": "a", "pipefail": "p"}
_OPTION = Doubt(UnknownReason.SHAPE_UNKNOWN, "the shell may know it as an option of exec")
_SHELL_OPTIONS = frozenset(
    {"nullglob", "inherit_errexit", "checkwinsize", "cmdhist", "huponexit", "extglob"}
)
_OF_PATTERNS = frozenset({"dotglob", "globstar", "failglob", "globasciiranges", "nocaseglob"})
_ANOTHER_WAY = frozenset({"posix", "noexec", "keyword", "onecmd", "restricted", "n", "t", "k", "r"})
_COMPARED = re.compile(r"\s*\$?\{?(#|[A-Za-z_]\w*)\}?\s*(==|!=|<=|>=|<|>)\s*(\d+)\s*")
_COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a built-in command.

    Attributes:
        walk: Who calls it.
        name: Its name.
        args: Its arguments.
        words: The words that it was written with, its name first.
        state: Where the script stands.
        checked: ``set -e`` counts here.
    """

    walk: Walk
    name: str
    args: Fields
    words: tuple[Word, ...]
    state: State
    checked: bool

    def unsure(self) -> list[State]:
        """Go on without knowing whether it has succeeded."""
        return [self.state.ended(UNSURE)]


def run_builtin(
    walk: Walk, name: str, fields: Fields, words: tuple[Word, ...], state: State, *, checked: bool
) -> list[State] | None:
    """Run a built-in command.

    Returns:
        Where the ways stand that go on; none if the script ends there; None if nothing is known of the command.
    """
    run = _BUILTINS.get(name)
    args = replace(fields, values=fields.values[1:])
    return None if run is None else run(Call(walk, name, args, words, state, checked))


def _true(call: Call) -> list[State]:
    return [call.state.ended()]


def _printf(call: Call) -> list[State]:
    """``printf``; with ``-v`` it sets a variable."""
    values, state = call.args.values, call.state
    if values[:1] == ("-v",) and len(values) > 1:
        name = (values[1] or "").partition("[")[0]
        state = (
            set_to(name, Mark.UNKNOWN, state)
            if name
            else state.doubted("the script sets a variable")
        )
    return [state.ended()]


def _false(call: Call) -> list[State]:
    return [call.state.ended(FAILURE)]


def _exit(call: Call) -> list[State]:
    call.walk.end(call.state, _given_status(call))
    return []


def _return(call: Call) -> list[State]:
    """``return``: outside functions and sourced files, it fails in bash, and ends others."""
    inside = (
        "FUNCNAME" in call.state.local or call.state.variables.get("BASH_SOURCE") is Mark.UNKNOWN
    )
    if call.walk.world.shell is Shell.BASH and not inside:
        return [call.state.ended(FAILURE)]
    return [replace(call.state, leaving="return", status=_given_status(call))]


def _given_status(call: Call) -> Status:
    """The status that ``exit`` or ``return`` is told; that of the last command, if none."""
    if not call.args.values and not call.args.more:
        return call.state.status
    if call.words[-1].text == "?" and call.words[-1].raw.strip('"') == "$?":
        return call.state.status
    value = call.args.values[0] if call.args.values else None
    if value is None or not value.isdecimal():
        return Status(None, call.state.failed)
    return Status(int(value) & 255 == 0)


def _leave(call: Call) -> list[State]:
    if call.args.known not in {(), ("1",)}:
        raise LostError("more than one loop is left")
    return [replace(call.state, leaving=call.name).ended()]


def _exec(call: Call) -> list[State]:
    """``exec``: without a program it only redirects."""
    values, more = call.args.values, call.args.more
    if not values and not more:
        return [call.state.ended()]
    name = ""
    if (
        values[:1] == ("-a",)
        and len(values) > 1
        and call.walk.world.shell in {Shell.BASH, Shell.BUSYBOX}
    ):
        name, values = values[1] or "", values[2:]
    elif values[:1] == ("--",):
        values = values[1:]
    argv = values[: values.index(None)] if None in values else values
    known = tuple(value for value in argv if value is not None)
    if known[:1] == ("-a",) and call.walk.world.shell is Shell.DASH:
        process = call.walk.world.started(known, call.state)
        call.walk.become(
            process.doubted(_OPTION), call.state
        )  # releases up to 0.5.12 search a program of that name
        return []
    if not known or not known[0] or known[0].startswith("-"):
        raise LostError("the program is not known")
    process = call.walk.world.started(known, call.state)
    call.walk.become(
        replace(process, argv=(name, *known[1:]), file=known[0]) if name else process, call.state
    )
    return []


def _set(call: Call) -> list[State]:
    """``set [OPTION…] [--] [ARG…]``."""
    options, values = set(call.state.options), list(call.args.values)
    ways: list[State] = []
    while values and (option := values[0]) and option[0] in "-+" and option != "--":
        values.pop(0)
        letters, named = set(option[1:]) - {"o"}, ""
        if option[1:].endswith("o") and values:
            named = values.pop(0) or ""
            letters |= {_NAMED_OPTIONS.get(named, "")} - {""}
            if named == "pipefail" and call.walk.world.shell is Shell.DASH:
                call.walk.end(call.state, Status(None))  # releases before 0.5.13 end here
        if _ANOTHER_WAY & {*letters, named}:
            raise LostError("the shell takes its script in another way")
        options = options | letters if option[0] == "-" else options - letters
    state = replace(call.state, options=frozenset(options)).ended()
    if values[:1] == ["--"]:
        state = replace(state, args=Fields(tuple(values[1:]), call.args.more))
    elif values or call.args.more:
        state = replace(state, args=Fields(tuple(values), call.args.more))
    return [*ways, state]


def _shift(call: Call) -> list[State]:
    count = call.args.values[0] if call.args.values else "1"
    args = call.state.args
    if count is None or not count.isdecimal():
        raise LostError("the arguments are not known")
    if int(count) > len(args.values):
        if args.more:
            return [replace(call.state, args=Fields(more=True)).ended(UNSURE)]
        if call.walk.world.shell not in {Shell.BASH, Shell.BUSYBOX}:
            call.walk.end(call.state, Status(ok=False))
            return []
        return [call.state.ended(FAILURE)]
    return [replace(call.state, args=replace(args, values=args.values[int(count) :])).ended()]


def _cd(call: Call) -> list[State]:
    known = call.args.known
    target = known[-1] if known and known[:-1] in {(), ("--",), ("-P",), ("-L",)} else "-"
    if target == "-" or not target:
        return [
            call.state.doubted("the script goes to a directory that is not known").ended(UNSURE)
        ]
    there = call.walk.world.test("d", target, call.state)
    cwd = posixpath.normpath(posixpath.join(call.state.cwd, target))
    return [
        call.state.ended(FAILURE)
        if there is False
        else replace(call.state, cwd=cwd).ended(Status(there))
    ]


def _declare(call: Call) -> list[State]:
    """``export``, ``readonly``, ``local`` and ``declare``, whose words are assignments."""
    words = [word for word in call.words[1:] if not word.raw.startswith("-")]
    options = {
        letter for word in call.words[1:] if word.raw.startswith("-") for letter in word.raw[1:]
    }
    exported = (call.name == "export" and "n" not in options) or "x" in options
    if options & set("ilnuc") and call.name != "export":
        raise LostError("variables that take other values than they are given")
    if any(not word.raw[:1].isidentifier() for word in words):
        return [call.state.doubted("the script sets variables that are not known").ended()]
    state = call.state
    if call.name in {"local", "declare", "typeset"}:
        names = {match[0] for word in words if (match := _IDENTIFIER.match(word.raw))}
        state = replace(state, local=state.local | names)
        bare = [word.raw for word in words if "=" not in word.raw]
        for name in bare if call.name == "local" and call.walk.world.shell is Shell.BASH else ():
            state = state.setting(name, Mark.UNSET)
    state = assigned(words, state, call.walk.expander, exported=exported)
    if call.name == "readonly" or "r" in options:
        fixed = {match[0] for word in words if (match := _IDENTIFIER.match(word.raw))}
        state = replace(state, fixed=state.fixed | fixed)
    return [state.ended()]


def _unset(call: Call) -> list[State]:
    state = call.state
    for name in call.args.values:
        if name is None:
            return [state.doubted("the script unsets a variable that is not known").ended(UNSURE)]
        if "[" in name:
            state = state.setting(name.partition("[")[0], Mark.UNKNOWN)
        elif SEARCHED.fullmatch(name):
            state = (
                state.doubted("the script unsets a variable of a search")
                if name == "PATH"
                else state
            )
            state = state.setting(name, Mark.UNSET)
        elif "-f" in call.args.values:
            state = replace(
                state, functions={key: body for key, body in state.functions.items() if key != name}
            )
        elif name.isidentifier():
            state = state.setting(name, Mark.UNSET)
    return [state.ended()]


def _read(call: Call) -> list[State]:
    """``read``, ``getopts`` and others that set variables to what is not known."""
    state = call.state
    for name in ("REPLY", "OPTARG", "OPTIND", "MAPFILE", *call.args.values):
        if name is None:
            return [state.doubted("the script reads a variable that is not known").ended(UNSURE)]
        if name.isidentifier():
            state = set_to(name, Mark.UNKNOWN, state)
    return [state.ended(UNSURE)]


def _arithmetic(call: Call) -> list[State]:
    """``((…))`` and ``let``: any variable within may be set."""
    texts = [part.text for word in call.words for part in word.parts]
    state = call.state
    if match := _COMPARED.fullmatch(texts[-1]):
        left = call.walk.expander.parameter(match[1], state)
        known = isinstance(left, str) and left.isdecimal()
        return [
            state.ended(
                Status(_COMPARISONS[match[2]](int(str(left)), int(match[3])) if known else None)
            )
        ]
    for name in {name for text in texts for name in _IDENTIFIER.findall(text)} - {"let"}:
        state = set_to(name, Mark.UNKNOWN, state)
    return [state.ended(UNSURE)]


def _source(call: Call) -> list[State]:
    """``. FILE [ARG…]``: where the file is missing, all but bash end (POSIX 2.8.1)."""
    path = call.args.values[0] if call.args.values else None
    world, state = call.walk.world, call.state
    if path is None or "/" not in path:
        return [state.doubted("the script reads another").ended(UNSURE)]
    if world.test("e", path, state) is False:
        if world.shell is not Shell.BASH:
            call.walk.end(state, Status(ok=False if world.shell is Shell.DASH else None))
            return []
        return [state.ended(FAILURE)]
    text = world.text(path, state)
    if text is None:
        return [state.doubted(f"the script reads {path}").ended(UNSURE)]
    before = state.variables.get("BASH_SOURCE", Mark.UNKNOWN)
    inside = state.setting("BASH_SOURCE", Mark.UNKNOWN)
    given = replace(call.args, values=call.args.values[1:])
    own = bool(given.values or given.more) and world.shell is not Shell.DASH
    ways = call.walk.read(
        text, replace(inside, args=given) if own else inside, checked=call.checked
    )
    if own:
        ways = [replace(way, args=state.args) if way.args == given else way for way in ways]
    return [way.setting("BASH_SOURCE", before) for way in ways]


def _eval(call: Call) -> list[State]:
    known = call.args.known
    if known is None:
        return [call.state.doubted("the script evaluates what is not known").ended(UNSURE)]
    return call.walk.read(" ".join(known), call.state, checked=call.checked)


def _trap(call: Call) -> list[State]:
    values = tuple(value for value in call.args.values if value != "--")
    if call.args.more or None in values:
        return [call.state.doubted("the script sets a trap that is not known").ended()]
    signals = {(value or "").upper().removeprefix("SIG") for value in values[1:]}
    if {"ERR", "DEBUG", "RETURN"} & signals:
        return [call.state.doubted("the script sets a trap for its commands").ended()]
    if {"EXIT", "0"} & signals:
        action = values[0] or ""
        return [replace(call.state, trap="" if action == "-" else action).ended()]
    return [call.state.ended()]


def _wait(call: Call) -> list[State]:
    """``wait``: for the last program in the background, it has its status."""
    state = call.state
    if not call.args.values and not call.args.more:
        return [state.ended()]
    last = call.args.values == (state.variables.get("!"),)
    if last and state.job is not None:
        return [state.ended(Status(ok=False, by=state.job))]
    return [state.ended(UNSURE)]


def _command(call: Call) -> list[State]:
    """``command [-v] NAME …``, ``builtin NAME …``."""
    values = call.args.values
    if values[:1] and values[0] in {"-v", "-V"}:
        return _type(replace(call, args=replace(call.args, values=values[1:])))
    skipped = 1 + (values[:1] == ("-p",))
    fields, words = replace(call.args, values=values[skipped - 1 :]), call.words[skipped:]
    if not fields.values and not fields.more:
        return [call.state.ended()]
    return call.walk.command(
        fields, words, call.state, call.state, checked=call.checked, functions=False
    )


def _type(call: Call) -> list[State]:
    """``type NAME``, ``hash NAME``, ``command -v NAME``."""
    known = call.args.known
    names = [name for name in known or () if not name.startswith("-")]
    if known is None or len(names) != 1:
        return call.unsure()
    return [call.state.ended(Status(asks(names[0], call.state, call.walk.world)))]


def _test(call: Call) -> list[State]:
    values, state = call.args.values, call.state
    if call.args.more or (call.name == "[" and values[-1:] != ("]",)):
        return call.unsure()
    plain = call.walk.world.shell is Shell.DASH
    operands = values[:-1] if call.name == "[" else values
    return [state.ended(Status(bracket(operands, state, call.walk.world, plain=plain)))]


def _double_brackets(call: Call) -> list[State]:
    truth = Brackets(call.words[1:-1], call.state, call.walk.expander, call.walk.world).decide()
    state = call.state
    if any(word.raw == "=~" for word in call.words):
        state = state.setting("BASH_REMATCH", Mark.UNKNOWN)
    return [state.ended(Status(truth))]


def _alias(call: Call) -> list[State]:
    return [call.state.doubted("the script gives commands other names").ended()]


def _shopt(call: Call) -> list[State]:
    """``shopt -s NAME…``: what changes how files are matched is not followed, but for nullglob."""
    known = call.args.known
    if known is None or known[:1] != ("-s",):
        return [replace(call.state, options=call.state.options | {"glob"}).ended(UNSURE)]
    if set(known[1:]) - _SHELL_OPTIONS - _OF_PATTERNS:
        raise LostError("the shell takes its script in another way")
    options = {"nullglob"} & set(known) | ({"glob"} if _OF_PATTERNS & set(known) else set())
    return [replace(call.state, options=call.state.options | options).ended()]


def _lost(call: Call) -> list[State]:
    raise LostError(f"{call.name} is not followed")


_BUILTINS: Mapping[str, Callable[[Call], list[State]]] = {
    **dict.fromkeys((":", "true", "echo", "umask", "pwd", "times"), _true),
    **dict.fromkeys(("break", "continue"), _leave),
    **dict.fromkeys(("export", "readonly", "local", "declare", "typeset"), _declare),
    **dict.fromkeys(("read", "getopts", "mapfile", "readarray"), _read),
    **dict.fromkeys(("command", "builtin"), _command),
    **dict.fromkeys(("type", "hash"), _type),
    **dict.fromkeys(("test", "["), _test),
    **dict.fromkeys((".", "source"), _source),
    **dict.fromkeys(("((", "let"), _arithmetic),
    **dict.fromkeys(("cd", "chdir"), _cd),
    **dict.fromkeys(("alias", "unalias", "enable", "pushd", "popd", "bind"), _alias),
    **dict.fromkeys(("coproc", "select", "time"), _lost),
    "[[": _double_brackets,
    "eval": _eval,
    "exec": _exec,
    "exit": _exit,
    "false": _false,
    "printf": _printf,
    "return": _return,
    "set": _set,
    "shift": _shift,
    "shopt": _shopt,
    "trap": _trap,
    "unset": _unset,
    "wait": _wait,
}
