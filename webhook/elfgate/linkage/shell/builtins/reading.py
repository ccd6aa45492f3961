"""Built-in commands that read variables from the input: ``read`` and ``mapfile``.

Source: POSIX.1-2017, ``read``; bash(1), ``mapfile``.
"""

import re

from elfgate.linkage.shell.assignments import set_to
from elfgate.linkage.shell.calls import Call
from elfgate.linkage.shell.splitting import BLANKS, split
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.values import NOT_SO, SUCCESS, UNSURE, Value
from elfgate.linkage.values import UNSET, Fields, Scalar, Unknown

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LETTERS = frozenset("rsa")  # options that are understood
_READ = Unknown("a variable is read from the script's input")
_UNKNOWN_NAME = "the script reads a variable that is not known"
_MOST_WORK = 256  # bytes of input for a unit of work


def read(call: Call) -> list[State]:
    """``read [-r] NAME…``: a line of the input, where that is known."""
    if call.args.doubt is not None:
        return [_doubtful(call)]
    state = call.state
    text = state.flow.input
    given = _read_options(call.args.known or ())
    separators = _separators(state)
    if given is None or not isinstance(text, str):
        return _read_unknown(call)
    if isinstance(separators, Unknown):
        return _read_unknown(call)
    options, names = given
    in_array = "a" in options
    line, newline, rest = text.partition("\n")
    if "\\" in line and "r" not in options:
        return _read_unknown(call)
    call.world.spend(len(text) // _MOST_WORK)
    state = _left(state, rest)
    assigned = _assigned(
        line,
        names,
        separators,
        in_array=in_array,
    )
    for name, value in assigned:
        state = set_to(call.world, state, name, value)
    status = SUCCESS if newline else NOT_SO
    return [state.ended(status)]


def _doubtful(call: Call) -> State:
    """End the command in doubt, as a variable that is not known is set."""
    state = call.state.doubted(_UNKNOWN_NAME)
    return state.ended(UNSURE)


def _left(state: State, rest: Scalar) -> State:
    """The state, once the input up to this rest is read."""
    flow = state.flow._replace(input=rest)
    return state._replace(flow=flow)


def _separators(state: State) -> Scalar:
    """The characters that part fields (``IFS``)."""
    value = state.variables.values.get("IFS", BLANKS)
    if value is UNSET:
        return BLANKS
    if isinstance(value, (str, Unknown)):
        return value
    return _READ


def _read_options(args: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """The letters of the options, and the variables; None if an argument is not understood."""
    options = ""
    names = list(args)
    while names and names[0].startswith("-"):
        option = names.pop(0)
        if option == "--":
            break
        letters = option[1:]
        if not _LETTERS.issuperset(letters):
            return None
        options += letters
    are_names = all(_NAME.fullmatch(name) for name in names)
    if not are_names:
        return None
    return options, tuple(names)


def _assigned(
    line: str,
    names: tuple[str, ...],
    separators: str,
    *,
    in_array: bool,
) -> list[tuple[str, Value]]:
    """The variables that a line is read into: the last takes all that is left."""
    if not names:
        return [("REPLY", line)]
    if in_array:
        fields = _fields(line, separators)
        array = Fields(tuple(fields))
        return [(names[0], array)]
    blanks = "".join(letter for letter in separators if letter in BLANKS)
    *others, last = names
    pairs: list[tuple[str, Value]] = []
    rest = _stripped(line, blanks)
    for name in others:
        first, rest = _first_field(rest, separators, blanks)
        pairs.append((name, first))
    value = _last_field(rest, separators, blanks)
    pairs.append((last, value))
    return pairs


def _fields(text: str, separators: str) -> list[str]:
    """The fields of a text."""
    fields, _, _ = split(text, separators)
    return fields


def _stripped(text: str, blanks: str) -> str:
    """The text without the separating blanks that it begins with."""
    return text.lstrip(blanks) if blanks else text


def _first_field(text: str, separators: str, blanks: str) -> tuple[str, str]:
    """The text up to the first separator, and what is behind that."""
    letters = enumerate(text)
    places = (place for place, letter in letters if letter in separators)
    at = next(places, len(text))
    first = text[:at]
    rest = _stripped(text[at:], blanks)
    sign = rest[:1]
    if sign and sign in separators and sign not in BLANKS:
        behind = rest[1:]
        rest = _stripped(behind, blanks)
    return first, rest


def _last_field(text: str, separators: str, blanks: str) -> str:
    """The text without blanks at its end, and without a separator that ends its only field."""
    last = text.rstrip(blanks) if blanks else text
    if not last or last[-1] not in separators:
        return last
    fields = _fields(last, separators)
    if len(fields) == 1:
        return fields[0]
    return last


def _read_unknown(call: Call) -> list[State]:
    """Read a line that is not known, into the variables that are named."""
    state = call.state
    known = call.args.known or ()
    names = [name for name in known if _NAME.fullmatch(name)]
    if not names:
        names = ["REPLY"]
    for name in names:
        state = set_to(call.world, state, name, _READ)
    if state.flow.input is not None:
        state = _left(state, _READ)
    return [state.ended(UNSURE)]


def read_lines(call: Call) -> list[State]:
    """``mapfile -t NAME``: all lines of the input."""
    known = call.args.known
    if known is None:
        return [_doubtful(call)]
    names = [name for name in known if not name.startswith("-")]
    if len(names) > 1:
        return [_doubtful(call)]
    name = names[0] if names else "MAPFILE"
    state = call.state
    text = state.flow.input
    value: Value = _READ
    status = UNSURE
    arguments = set(known)
    is_understood = arguments - {name} == {"-t"}
    if is_understood and isinstance(text, str):
        value = _lines(text)
        status = SUCCESS
    if text is not None:
        state = _left(state, "")
    state = set_to(call.world, state, name, value)
    return [state.ended(status)]


def _lines(text: str) -> Fields:
    """The lines of a text, without their ends."""
    if not text:
        return Fields(())
    lines = text.removesuffix("\n").split("\n")
    return Fields(tuple(lines))
