"""Built-in commands that read variables from the input: ``read`` and ``mapfile``.

Source: POSIX.1-2017, ``read``; bash(1), ``mapfile``.
"""

import re

from elfgate.linkage.shell.assignments import set_to
from elfgate.linkage.shell.calls import Call
from elfgate.linkage.shell.splitting import BLANKS, split
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.values import FAILURE, SUCCESS, UNSURE, Value
from elfgate.linkage.values import UNSET, Fields, Scalar, Unknown

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_READ = Unknown("a variable is read from the script's input")


def read(call: Call) -> list[State]:
    """``read [-r] NAME…``: a line of the input, where that is known."""
    if call.args.doubt is not None:
        return [call.state.doubted("the script reads a variable that is not known").ended(UNSURE)]
    given = _read_options(call.args.known or ())
    text = call.state.flow.input
    if given is None or not isinstance(text, str):
        return _read_unknown(call)
    options, names = given
    line, newline, rest = text.partition("\n")
    if "\\" in line and "r" not in options:
        return _read_unknown(call)
    call.world.spend(len(text) // 256)
    state = call.state._replace(flow=call.state.flow._replace(input=rest))
    separators = _separators(state)
    if isinstance(separators, Unknown):
        return _read_unknown(call)
    for name, value in _assigned(line, names, separators, in_array="a" in options):
        state = set_to(call.world, state, name, value)
    return [state.ended(SUCCESS if newline else FAILURE)]


def _separators(state: State) -> Scalar:
    value = state.variables.values.get("IFS", BLANKS)
    if value is UNSET:
        return BLANKS
    if isinstance(value, (str, Unknown)):
        return value
    return _READ


def _read_options(args: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    options, names = "", list(args)
    while names and names[0].startswith("-"):
        option = names.pop(0)
        if option == "--":
            break
        if not set(option[1:]) <= set("rsa"):
            return None
        options += option[1:]
    if not all(_NAME.fullmatch(name) for name in names):
        return None
    return options, tuple(names)


def _assigned(
    line: str, names: tuple[str, ...], separators: str, *, in_array: bool
) -> list[tuple[str, Value]]:
    """The variables that a line is read into: the last takes all that is left."""
    if not names:
        return [("REPLY", line)]
    if in_array:
        return [(names[0], Fields(tuple(split(line, separators)[0])))]
    blanks = "".join(letter for letter in separators if letter in BLANKS)
    pairs: list[tuple[str, Value]] = []
    rest = line.lstrip(blanks) if blanks else line
    for name in names[:-1]:
        first, rest = _first_field(rest, separators, blanks)
        pairs.append((name, first))
    last = rest.rstrip(blanks) if blanks else rest
    if last and last[-1] in separators and len(split(last, separators)[0]) == 1:
        last = split(last, separators)[0][0]
    return [*pairs, (names[-1], last)]


def _first_field(text: str, separators: str, blanks: str) -> tuple[str, str]:
    at = next((n for n, letter in enumerate(text) if letter in separators), len(text))
    first, rest = text[:at], text[at:]
    rest = rest.lstrip(blanks) if blanks else rest
    if rest and rest[0] in separators and rest[0] not in BLANKS:
        rest = rest[1:].lstrip(blanks) if blanks else rest[1:]
    return first, rest


def _read_unknown(call: Call) -> list[State]:
    state = call.state
    names = [name for name in call.args.known or () if _NAME.fullmatch(name)]
    for name in names or ["REPLY"]:
        state = set_to(call.world, state, name, _READ)
    flow = state.flow
    if flow.input is not None:
        state = state._replace(flow=flow._replace(input=_READ))
    return [state.ended(UNSURE)]


def read_lines(call: Call) -> list[State]:
    """``mapfile -t NAME``: all lines of the input."""
    known = call.args.known
    names = [name for name in known or () if not name.startswith("-")]
    if known is None or len(names) > 1:
        return [call.state.doubted("the script reads a variable that is not known").ended(UNSURE)]
    name, text = (names or ["MAPFILE"])[0], call.state.flow.input
    value: Value = _READ
    if isinstance(text, str) and set(known) <= {"-t", name} and "-t" in known:
        value = Fields(tuple(text.removesuffix("\n").split("\n")) if text else ())
    state = call.state
    if state.flow.input is not None:
        state = state._replace(flow=state.flow._replace(input=""))
    return [set_to(call.world, state, name, value).ended(SUCCESS if value is not _READ else UNSURE)]
