"""Built-in commands that declare variables: ``export``, ``local`` and their kin.

Source: POSIX.1-2017, Shell Command Language, 2.14; bash(1), "SHELL BUILTIN COMMANDS".
"""

from elfgate.linkage.shell.assignments import assign, set_to, value_given
from elfgate.linkage.shell.builtins.names import NAME, is_named, misnamed, refuse_standing
from elfgate.linkage.shell.builtins.standing import standing_for
from elfgate.linkage.shell.calls import Call, value_of
from elfgate.linkage.shell.ends import LostError, ScriptEndsError
from elfgate.linkage.shell.expand import Expansion
from elfgate.linkage.shell.frames import beyond, own
from elfgate.linkage.shell.state import State, weight
from elfgate.linkage.shell.syntax.nodes import ArrayLiteral, Assignment
from elfgate.linkage.shell.values import FAILURE, SUCCESS, UNSURE, Value, status_of
from elfgate.linkage.values import UNSET, Scalar, Unknown

_SHOWN = Unknown("the output of a command is not known")
_ATTRIBUTE = Unknown("a variable takes other values than it is given")
_CHANGING = frozenset("Ailnuct")  # attributes by which a value is another than it was given
_INSIDE = "function"
_OWN = Unknown("whether a function's own variable keeps a value is a matter of the release")


def declare(call: Call) -> list[State]:
    """``export``, ``readonly``, ``local``, ``declare`` and ``typeset``."""
    options, names = _options(call)
    if call.args.more is not None or any(isinstance(name, Unknown) for name in names):
        return [call.state.doubted("the script sets variables that are not known").ended(UNSURE)]
    if options & {"f", "F", "p"}:
        return _asked(call, options, names)
    if call.name == "local" and "-" in names:
        raise LostError("a function has options of its own")
    if call.name == "local" and _INSIDE not in call.state.frame.calls:
        return _local_outside(call)
    return _all_declared(call, options, names)


def _local_outside(call: Call) -> list[State]:
    """``local`` where no function runs."""
    if call.world.dialect.is_bash:
        return call.ended(FAILURE)
    if call.world.dialect.name in {"dash", "busybox"}:
        raise ScriptEndsError
    return [call.state.doubted("the script sets variables that are not known").ended(UNSURE)]


def _all_declared(call: Call, options: frozenset[str], names: list[Scalar]) -> list[State]:
    """Declare one variable after another."""
    local = _is_local(call, options)
    if "n" in options and call.name != "export":
        return standing_for(call, names, local=local)
    expansion = Expansion(call.walk, call.state, errexit=call.errexit)
    call.world.spend((len(names) + len(call.words)) * (1 + 2 * weight(call.state)))
    status = SUCCESS
    # Shells expand all of a command's words before the first variable is declared.
    given = [
        (word, value_given(word, expansion)) for word in call.words if isinstance(word, Assignment)
    ]
    for name in names:
        if isinstance(name, str) and not is_named(name):
            status = misnamed(call)
        elif isinstance(name, str):
            before = expansion.state
            _declared_name(call, name, options, expansion, local=local)
            expansion.state = _outside(expansion.state, before, name.partition("=")[0], options)
    for word, value in given:
        before = expansion.state
        _declared(call, word, value, options, expansion, local=local)
        expansion.state = _outside(expansion.state, before, word.name, options)
    return [expansion.state.ended(status)]


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
    if name in before.frame.saved:
        return beyond(state, before, name)
    return state


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
        return call.printed(shown if there else _SHOWN, status_of(there))
    values = [value_of(call, name) for name in names if isinstance(name, str)]
    if any(isinstance(value, Unknown) for value in values):
        return call.unsure()
    there = all(value is not UNSET for value in values)
    return call.printed(Unknown("the output of a command is not known"), status_of(there))


def _declared(
    call: Call,
    one: Assignment,
    given: Value,
    options: frozenset[str],
    expansion: Expansion,
    *,
    local: bool,
) -> None:
    """Apply ``export name=value``, the value expanded."""
    refuse_standing(one.name, expansion.state)
    if local:
        expansion.state = own(expansion.state, one.name, _inherited(call, one.name, expansion))
    if not call.world.dialect.is_bash and _is_split(one, call):
        expansion.state = expansion.state.doubted("a shell may split what is assigned")
    expansion.state = _attributed(expansion.state, one.name, options)
    assign(one, given, expansion, exported=_exports(call, options))
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
    call: Call,
    name: str,
    options: frozenset[str],
    expansion: Expansion,
    *,
    local: bool,
) -> None:
    """Apply ``export name``, or ``export "$assignment"``."""
    match = NAME.match(name)
    rest = name[match.end() :] if match is not None else ""
    if match is None or (rest and not rest.startswith("=")):
        expansion.state = expansion.state.doubted("the script sets variables that are not known")
        return
    refuse_standing(match[0], expansion.state)
    if local:
        kept = _inherited(call, match[0], expansion)
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


def _inherited(call: Call, name: str, expansion: Expansion) -> Value:
    """The value that a function's own variable has before it is given one.

    One that the function has already stays as it is.
    """
    keeps = call.world.dialect.local_keeps
    value = value_of(call.at(expansion.state), name)
    if name in expansion.state.frame.saved or keeps or value is UNSET:
        return value
    return UNSET if keeps is False else _OWN


def _assign_text(name: str, text: str, expansion: Expansion) -> None:
    state = expansion.state
    if name in state.variables.fixed:
        raise LostError(f"the script sets {name}, which is readonly")
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
