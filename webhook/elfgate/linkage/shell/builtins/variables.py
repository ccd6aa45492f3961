"""Built-in commands that set variables: ``export``, ``local``, ``unset`` and their kin.

Source: POSIX.1-2017, Shell Command Language, 2.14; bash(1), "SHELL BUILTIN COMMANDS".
"""

import re

from elfgate.linkage.shell.assignments import assign, set_to, value_given
from elfgate.linkage.shell.calls import Call, value_of
from elfgate.linkage.shell.ends import LostError, ScriptEndsError
from elfgate.linkage.shell.expand import Expansion
from elfgate.linkage.shell.frames import beyond, own
from elfgate.linkage.shell.state import State, weight
from elfgate.linkage.shell.syntax.nodes import ArrayLiteral, Assignment
from elfgate.linkage.shell.syntax.word_nodes import Word
from elfgate.linkage.shell.values import FAILURE, SUCCESS, UNSURE, Status, Value, status_of
from elfgate.linkage.values import UNSET, Scalar, Unknown

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHOWN = Unknown("the output of a command is not known")
_ATTRIBUTE = Unknown("a variable takes other values than it is given")
_CHANGING = frozenset("Ailnuct")  # attributes by which a value is another than it was given
_INSIDE = "function"
_NO_NAME = Unknown("the name of a variable is not known")
_OWN = Unknown("whether a function's own variable keeps a value is a matter of the release")
_BEHIND = Unknown("a variable that a function has of its own is unset by another")


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
        return _standing_for(call, names, local=local)
    expansion = Expansion(call.walk, call.state, errexit=call.errexit)
    call.world.spend((len(names) + len(call.words)) * (1 + 2 * weight(call.state)))
    status = SUCCESS
    # Shells expand all of a command's words before the first variable is declared.
    given = [
        (word, value_given(word, expansion)) for word in call.words if isinstance(word, Assignment)
    ]
    for name in names:
        if isinstance(name, str) and not _is_named(name):
            status = _misnamed(call)
        elif isinstance(name, str):
            before = expansion.state
            _declared_name(call, name, options, expansion, local=local)
            expansion.state = _outside(expansion.state, before, name.partition("=")[0], options)
    for word, value in given:
        before = expansion.state
        _declared(call, word, value, options, expansion, local=local)
        expansion.state = _outside(expansion.state, before, word.name, options)
    return [expansion.state.ended(status)]


def _is_named(text: str) -> bool:
    """Tell whether a text is a name, or a name and a value."""
    match = _NAME.match(text)
    return match is not None and text[match.end() :][:1] in {"", "=", "[", "+"}


def _misnamed(call: Call) -> Status:
    """The status where a text is no name; most shells end."""
    if call.world.dialect.name in {"dash", "busybox"}:
        raise ScriptEndsError
    if call.world.dialect.special_errors_end:
        call.walk.end(call.state, FAILURE, aside=True)  # some releases end
    return FAILURE if call.world.dialect.is_bash else UNSURE


def _standing_for(call: Call, names: list[Scalar], *, local: bool) -> list[State]:
    """``declare -n name=other``: a variable stands for another from here on."""
    if not local and call.state.frame.calls:
        raise LostError("a variable of the script stands for another")
    expansion = Expansion(call.walk, call.state)
    pairs = [_pair(name) for name in names]
    for word in call.words:
        if isinstance(word, Assignment):
            target = expansion.value(word.value) if isinstance(word.value, Word) else _NO_NAME
            pairs.append((word.name, target))
    state = call.state
    for name, target in pairs:
        state = _with_another(state, name, target, local=local)
    return [state.ended()]


def _pair(text: Scalar) -> tuple[str, Scalar]:
    if isinstance(text, Unknown):
        return "", text
    name, _, target = text.partition("=")
    return name, target


def _with_another(state: State, name: str, target: Scalar, *, local: bool) -> State:
    """Give the script, or the running function, a name that stands for a variable."""
    if isinstance(target, Unknown) or not _NAME.fullmatch(target) or target == name:
        raise LostError("a variable stands for another that is not known")
    others = dict(state.variables.others)
    others.pop(name, None)
    plain = state._replace(variables=state.variables._replace(others=others))
    state = own(plain, name, _ATTRIBUTE) if local else plain
    others = {**others, name: others.get(target, target)}
    return state._replace(variables=state.variables._replace(others=others))


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
    _refuse_standing(one.name, expansion.state)
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


def _refuse_standing(name: str, state: State) -> None:
    """Give up where a name that stands for another is declared, unset or counted through."""
    if name in state.variables.others:
        raise LostError("a variable that stands for another is declared again")


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
    match = _NAME.match(name)
    rest = name[match.end() :] if match is not None else ""
    if match is None or (rest and not rest.startswith("=")):
        expansion.state = expansion.state.doubted("the script sets variables that are not known")
        return
    _refuse_standing(match[0], expansion.state)
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


def unset(call: Call) -> list[State]:
    """``unset [-fv] NAME…``."""
    state, status = call.state, SUCCESS
    if call.args.doubt is not None:
        return [state.doubted("the script unsets a variable that is not known").ended(UNSURE)]
    names = call.args.known or ()
    of_functions = "-f" in names
    for name in names:
        call.world.spend(1 + weight(state))
        _refuse_standing(name, state)
        if name in state.variables.fixed:
            state, status = _kept(call, name, state), FAILURE
        elif of_functions or (name in state.variables.functions and not _is_set(state, name)):
            state = _without_function(state, name)
        elif "[" in name:
            state = state.setting(name.partition("[")[0], Unknown("an element is unset"))
        elif _NAME.fullmatch(name):
            state = state.setting(name, _once_unset(call, name, state))
        elif name not in {"-f", "-v", "--"}:
            status = _misnamed(call)
            status = UNSURE if call.world.dialect.is_bash else status  # it may be a function's
    return [state.ended(status)]


def _once_unset(call: Call, name: str, state: State) -> Value:
    """The value of a variable that is unset: bash shows the one behind it of another function."""
    of_another = name in state.frame.outer and name not in state.frame.saved
    if of_another and call.world.dialect.name not in {"dash", "busybox"}:
        return _BEHIND
    return UNSET


def _kept(call: Call, name: str, state: State) -> State:
    """A readonly variable is not unset: dash and busybox end, and other shells may."""
    if call.world.dialect.name in {"dash", "busybox"}:
        raise ScriptEndsError
    if call.world.dialect.special_errors_end:
        call.walk.end(state, FAILURE, aside=True)
    return state.doubted(f"the script unsets {name}, which is readonly")


def _is_set(state: State, name: str) -> bool:
    return state.variables.values.get(name, UNSET) is not UNSET


def _without_function(state: State, name: str) -> State:
    functions = {key: node for key, node in state.variables.functions.items() if key != name}
    return state._replace(variables=state.variables._replace(functions=functions))
