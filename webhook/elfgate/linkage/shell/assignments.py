"""Assignments, and their effect on variables.

Source: POSIX.1-2017, Shell Command Language, 2.9.1; bash(1), "Arrays".
"""

from typing import Never

from elfgate.linkage.shell.arithmetic import number_of
from elfgate.linkage.shell.ends import LostError, ScriptEndsError
from elfgate.linkage.shell.expand import Expansion
from elfgate.linkage.shell.lists import as_list
from elfgate.linkage.shell.state import State, weight
from elfgate.linkage.shell.syntax.nodes import ArrayLiteral, Assignment
from elfgate.linkage.shell.values import Status, Value
from elfgate.linkage.shell.world import World
from elfgate.linkage.values import UNSET, Fields, Scalar, Unknown

_SET = 3  # units of work that setting a variable costs beside its value
_ELEMENT = Unknown("an element of an array is not known")
_ATTRIBUTE = Unknown("a variable takes other values than it is given")


def assigning(one: Assignment, expansion: Expansion, *, exported: bool = False) -> None:
    """Apply an assignment to ``expansion.state``.

    Args:
        one: The assignment.
        expansion: Expands its value.
        exported: Commands get the variable.

    Raises:
        ScriptEndsError: if the script ends there.
    """
    assign(one, value_given(one, expansion), expansion, exported=exported)


def assign(one: Assignment, value: Value, expansion: Expansion, *, exported: bool = False) -> None:
    """Apply an assignment whose value is expanded already."""
    state = expansion.state
    if one.name in state.variables.fixed:
        _refuse(one.name, expansion)
    before = expansion.parameter(one.name)
    if one.index is not None:
        value = _with_element(one, before, value, expansion)
    elif one.append:
        value = _added(before, value)
    if one.name in state.variables.maps:
        value = _ATTRIBUTE
    expansion.state = set_to(expansion.world, expansion.state, one.name, value, exported=exported)


def set_to(world: World, state: State, name: str, value: Value, *, exported: bool = False) -> State:
    """Set a variable, and let commands have it where they are to."""
    world.spend(_SET + weight(state))
    state = state.setting(name, value)
    if exported or "a" in state.has:
        return state.exporting(name)
    return state


def _refuse(name: str, expansion: Expansion) -> Never:
    """Refuse to set a readonly variable: most shells end, bash leaves the line."""
    if not expansion.world.dialect.is_bash:
        raise ScriptEndsError
    expansion.shell.end(expansion.state, Status(ok=False), aside=True)
    raise LostError(f"the script sets {name}, which is readonly")


def value_given(one: Assignment, expansion: Expansion) -> Value:
    """Expand the value of an assignment."""
    if isinstance(one.value, ArrayLiteral):
        if one.value.keyed:
            return _ELEMENT
        return expansion.fields(one.value.words)
    return expansion.value(one.value, assigned=True)


def _with_element(one: Assignment, before: Value, value: Value, expansion: Expansion) -> Value:
    """Set one element of an array; beyond its end, nothing is known of it."""
    index = expansion.value(one.index) if one.index is not None else ""
    number = number_of(index) if isinstance(index, str) else None
    items: tuple[Scalar, ...] | None = None
    if isinstance(before, Fields) and before.more is None:
        items = before.values
    elif before is UNSET:
        items = ()
    known = number is not None and items is not None and isinstance(value, (str, Unknown))
    if not known or one.append or items is None or number is None:
        return _ELEMENT
    if not 0 <= number <= len(items) or isinstance(value, Fields) or value is UNSET:
        return _ELEMENT
    return Fields((*items[:number], value, *items[number + 1 :]))


def _added(before: Value, value: Value) -> Value:
    if isinstance(value, Fields):
        return as_list(before).followed_by(value)
    if isinstance(before, Fields):
        if not before.values or value is UNSET:
            return _ELEMENT
        first = _joined(before.values[0], value)
        return before._replace(values=(first, *before.values[1:]))
    return _joined("" if before is UNSET else before, value)


def _joined(before: Value, value: Value) -> Scalar:
    if isinstance(before, str) and isinstance(value, str):
        return before + value
    unknown = before if isinstance(before, Unknown) else value
    if isinstance(unknown, Unknown):
        return Unknown(unknown.because)
    return _ELEMENT
