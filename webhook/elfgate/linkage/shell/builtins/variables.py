"""Built-in commands that set variables: ``export``, ``local``, ``read`` and their kin.

Source: POSIX.1-2017, Shell Command Language, 2.14; bash(1), "SHELL BUILTIN COMMANDS".
"""

import re
from dataclasses import replace

from elfgate.linkage.shell.assignments import assigning, set_to
from elfgate.linkage.shell.calls import Call
from elfgate.linkage.shell.ends import LostError, ScriptEndsError
from elfgate.linkage.shell.expand import Expansion
from elfgate.linkage.shell.splitting import BLANKS, split
from elfgate.linkage.shell.state import State, beyond, own, weight
from elfgate.linkage.shell.syntax.nodes import ArrayLiteral, Assignment
from elfgate.linkage.shell.values import FAILURE, SUCCESS, UNSURE, Value, status_of
from elfgate.linkage.values import UNSET, Fields, Scalar, Unknown

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_READ = Unknown("a variable is read from the script's input")
_ATTRIBUTE = Unknown("a variable takes other values than it is given")
_OPTION = Unknown("the options of the script are not known")
_CHANGING = frozenset("Ailnuct")  # attributes by which a value is another than it was given
_INSIDE = "function"


def declare(call: Call) -> list[State]:
    """``export``, ``readonly``, ``local``, ``declare`` and ``typeset``."""
    options, names = _options(call)
    if call.args.more is not None or any(isinstance(name, Unknown) for name in names):
        return [call.state.doubted("the script sets variables that are not known").ended(UNSURE)]
    if options & {"f", "F", "p"}:
        return _asked(call, options, names)
    if call.name == "local" and _INSIDE not in call.state.frame.calls:
        if call.world.dialect.is_bash:
            return call.ended(FAILURE)
        raise ScriptEndsError
    expansion = Expansion(call.walk, call.state, errexit=call.errexit)
    local = _is_local(call, options)
    call.world.spend((len(names) + len(call.words)) * (1 + 2 * weight(call.state)))
    for name in names:
        if isinstance(name, str):
            before = expansion.state
            _declared_name(call, name, options, expansion, local=local)
            expansion.state = _outside(expansion.state, before, name.partition("=")[0], options)
    for word in call.words:
        if isinstance(word, Assignment):
            before = expansion.state
            _declared(call, word, options, expansion, local=local)
            expansion.state = _outside(expansion.state, before, word.name, options)
    return [expansion.state.ended()]


def _options(call: Call) -> tuple[frozenset[str], list[Scalar]]:
    """Part options from names; ``name=value`` that comes of an expansion counts as a name."""
    options: set[str] = set()
    values = list(call.args.values)
    while values and isinstance(values[0], str) and values[0][:1] in {"-", "+"} and values[0][1:]:
        option = values.pop(0)
        if option == "--":
            break
        if isinstance(option, str) and option[0] == "-":
            options |= set(option[1:])
    return frozenset(options), values


def _is_local(call: Call, options: frozenset[str]) -> bool:
    if call.name not in {"local", "declare", "typeset"} or "g" in options:
        return False
    return _INSIDE in call.state.frame.calls


def _outside(state: State, before: State, name: str, options: frozenset[str]) -> State:
    """``declare -g`` sets a variable of the script, though functions have one of their own."""
    if "g" not in options:
        return state
    if name in before.frame.outer:
        raise LostError("a function sets a variable that another one has of its own")
    return beyond(state, before, name) if name in before.frame.saved else state


def _asked(call: Call, options: frozenset[str], names: list[Scalar]) -> list[State]:
    """``-F NAME`` and ``-p NAME`` ask whether there is one; ``export -f`` hands functions on."""
    if call.name == "export" and "p" not in options:
        there = all(name in call.state.variables.functions for name in names)
        after = call.state.doubted("the script hands functions on")
        return [after.ended(status_of(there))]
    if not names:
        return call.printed(Unknown("the output of a command is not known"), SUCCESS)
    if options & {"f", "F"}:
        there = all(name in call.state.variables.functions for name in names)
        shown: Scalar = "".join(f"{name}\n" for name in names if "F" in options)
        return call.printed(shown if there else _READ, status_of(there))
    values = [_value(call, name) for name in names if isinstance(name, str)]
    if any(isinstance(value, Unknown) for value in values):
        return call.unsure()
    there = all(value is not UNSET for value in values)
    return call.printed(Unknown("the output of a command is not known"), status_of(there))


def _value(call: Call, name: str) -> Value:
    value = call.state.variables.values.get(name)
    return call.world.variable(name) if value is None else value


def _declared(
    call: Call, one: Assignment, options: frozenset[str], expansion: Expansion, *, local: bool
) -> None:
    """Apply ``export name=value``."""
    if local:
        value = _value(call, one.name) if one.append else UNSET
        expansion.state = own(expansion.state, one.name, value)
    if not call.world.dialect.is_bash and _is_split(one, call):
        expansion.state = expansion.state.doubted("a shell may split what is assigned")
    expansion.state = _attributed(expansion.state, one.name, options)
    assigning(one, expansion, exported=_exports(call, options))
    if "n" in options and call.name == "export":
        _unexported(one.name, expansion)
    if call.name == "readonly" or "r" in options:
        expansion.state = _fixed(expansion.state, one.name)


def _is_split(one: Assignment, call: Call) -> bool:
    """Tell whether old releases of dash split a value: one whose expansion is not quoted."""
    if isinstance(one.value, ArrayLiteral) or call.world.dialect.name != "dash":
        return False
    if one.value.literal is not None:
        return False
    if all(part.quoted for part in one.value.parts):
        return False
    value = Expansion(call.walk, call.state).value(one.value)
    return not isinstance(value, str) or any(letter in value for letter in " \t\n*?[")


def _declared_name(
    call: Call, name: str, options: frozenset[str], expansion: Expansion, *, local: bool
) -> None:
    """Apply ``export name``, or ``export "$assignment"``."""
    match = _NAME.match(name)
    rest = name[match.end() :] if match is not None else ""
    if match is None or (rest and not rest.startswith("=")):
        expansion.state = expansion.state.doubted("the script sets variables that are not known")
        return
    if local:
        kept = _value(call, match[0]) if call.world.dialect.local_keeps else UNSET
        expansion.state = own(expansion.state, match[0], kept)
    expansion.state = _attributed(expansion.state, match[0], options)
    if rest:
        _assign_text(match[0], rest[1:], expansion)
    if _exports(call, options):
        expansion.state = expansion.state.exporting(match[0])
    if "n" in options and call.name == "export":
        _unexported(match[0], expansion)
    if call.name == "readonly" or "r" in options:
        expansion.state = _fixed(expansion.state, match[0])


def _assign_text(name: str, text: str, expansion: Expansion) -> None:
    state = expansion.state
    if name in state.variables.fixed:
        expansion.state = state.doubted(f"the script sets {name}, which is readonly")
        return
    value: Value = _ATTRIBUTE if name in state.variables.maps else text
    expansion.state = set_to(expansion.world, state, name, value)


def _unexported(name: str, expansion: Expansion) -> None:
    """``export -n``: whether commands get the variable is not known afterwards."""
    value = expansion.state.variables.values.get(name)
    guess = value if isinstance(value, str) else ""
    expansion.state = expansion.state.setting(
        name, Unknown("a variable is taken from the environment", guess=guess)
    )


def _exports(call: Call, options: frozenset[str]) -> bool:
    return (call.name == "export" and "n" not in options) or "x" in options


def _attributed(state: State, name: str, options: frozenset[str]) -> State:
    """Note an attribute by which a variable takes other values than it is given."""
    if not options & _CHANGING:
        return state
    variables = state.variables._replace(maps=state.variables.maps | {name})
    return state._replace(variables=variables).setting(name, _ATTRIBUTE)


def _fixed(state: State, name: str) -> State:
    fixed = state.variables.fixed | {name}
    return state._replace(variables=state.variables._replace(fixed=fixed))


def unset(call: Call) -> list[State]:
    """``unset [-fv] NAME…``."""
    state, status = call.state, SUCCESS
    if call.args.doubt is not None:
        return [state.doubted("the script unsets a variable that is not known").ended(UNSURE)]
    names = call.args.known or ()
    of_functions = "-f" in names
    for name in names:
        call.world.spend(1 + weight(state))
        if name in state.variables.fixed:
            state, status = state.doubted(f"the script unsets {name}, which is readonly"), UNSURE
        elif of_functions or (name in state.variables.functions and not _is_set(state, name)):
            state = _without_function(state, name)
        elif "[" in name:
            state = state.setting(name.partition("[")[0], Unknown("an element is unset"))
        elif _NAME.fullmatch(name):
            state = state.setting(name, UNSET)
    return [state.ended(status)]


def _is_set(state: State, name: str) -> bool:
    return state.variables.values.get(name, UNSET) is not UNSET


def _without_function(state: State, name: str) -> State:
    functions = {key: node for key, node in state.variables.functions.items() if key != name}
    return state._replace(variables=state.variables._replace(functions=functions))


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
    return value if isinstance(value, (str, Unknown)) else _READ


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


def getopts(call: Call) -> list[State]:
    """``getopts LETTERS NAME``: one option of the script's arguments."""
    known, state = call.args.known, call.state
    index = _value(call, "OPTIND")
    number = int(index) if isinstance(index, str) and index.isdecimal() else 1
    place = state.variables.values.get("\0OPTIND")
    within = int(place) if isinstance(place, str) else 1
    args = state.frame.args.known
    if known is None or len(known) != 2 or args is None or isinstance(index, Unknown):
        return _some_option(call)
    return [_next_option(state, known[0], known[1], args, (number, within))]


def _some_option(call: Call) -> list[State]:
    state = call.state
    for name in ("OPTARG", "OPTIND", *(call.args.known or ())[1:2]):
        state = set_to(call.world, state, name, replace(_OPTION, number=name == "OPTIND"))
    return [state.ended(UNSURE)]


def _next_option(
    state: State, letters: str, name: str, args: tuple[str, ...], place: tuple[int, int]
) -> State:
    number, within = place
    word = args[number - 1] if number <= len(args) else ""
    if within == 1 and (len(word) < 2 or word[0] != "-" or word == "--"):
        number += word == "--"
        return _option_state(state, name, "?", (number, 1)).ended(FAILURE)
    letter = word[within]
    following = (number, within + 1) if within + 1 < len(word) else (number + 1, 1)
    at = letters.find(letter) if letter != ":" else -1
    if at < 0:
        return _option_state(state, name, "?", following).setting("OPTARG", _OPTION).ended()
    if letters[at + 1 : at + 2] != ":":
        return _option_state(state, name, letter, following).setting("OPTARG", UNSET).ended()
    if within + 1 < len(word):
        value, following = word[within + 1 :], (number + 1, 1)
    elif number < len(args):
        value, following = args[number], (number + 2, 1)
    else:
        return _option_state(state, name, "?", (number + 1, 1)).setting("OPTARG", _OPTION).ended()
    return _option_state(state, name, letter, following).setting("OPTARG", value).ended()


def _option_state(state: State, name: str, value: str, place: tuple[int, int]) -> State:
    state = state.setting("OPTIND", str(place[0])).setting("\0OPTIND", str(place[1]))
    return state.setting(name, value)
