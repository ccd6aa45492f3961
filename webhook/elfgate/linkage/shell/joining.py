"""Ways through a script that are put together: what differs between them is not known."""

import re

from elfgate.linkage.shell.ends import LostError
from elfgate.linkage.shell.state import Files, Flow, State, Variables, guessed
from elfgate.linkage.shell.values import Status, Value
from elfgate.linkage.values import UNSET, Unknown

_DECIMAL = re.compile(r"0|-?[1-9][0-9]{0,9}")  # a zero before others makes a number octal
MAY_BE_UNSET = "a variable is set on some ways through the script only"
_DIFFERS = "a variable differs from one way through the script to another"


def merged(states: list[State]) -> list[State]:
    """Put together what differs only in how it came about, keeping of that what says less."""
    if len(states) < 2:
        return states
    kept: list[State] = []
    for state in states:
        at = next((number for number, other in enumerate(kept) if is_same(state, other)), None)
        if at is None:
            kept.append(state)
        else:
            kept[at] = joined(kept[at], state)
    return kept


def widened(states: list[State]) -> list[State]:
    """Forget values in which states differ, so that fewer remain."""
    by_way: dict[tuple[object, ...], State] = {}
    for state in states:
        frame, flow = state.frame, state.flow
        key = (
            frame.args,
            frame.calls,
            state.files.cwd,
            flow.options,
            flow.leaving,
            flow.trap,
            id(state.variables.functions),
        )
        other = by_way.get(key)
        by_way[key] = state if other is None else joined(other, state)
    return list(by_way.values())


def is_same(one: State, other: State) -> bool:
    """Tell whether two states differ in no more than how they came about."""
    here, there = one.flow, other.flow
    return (
        one.variables == other.variables
        and one.frame == other.frame
        and one.files.cwd == other.files.cwd
        and (here.options, here.trap, here.leaving, here.output, here.input)
        == (there.options, there.trap, there.leaving, there.output, there.input)
    )


def joined(one: State, other: State) -> State:
    """Make one state of two: what differs is not known."""
    return State(
        one.frame._replace(
            saved={**other.frame.saved, **one.frame.saved},
            outer=one.frame.outer | other.frame.outer,
        ),
        _joined_variables(one.variables, other.variables),
        Files(
            one.files.cwd,
            one.files.touched | other.files.touched,
            one.files.doubt or other.files.doubt,
            one.files.made & other.files.made,
            one.files.above | other.files.above,
            one.files.linked | other.files.linked,
            one.files.barred | other.files.barred,
            one.files.fresh & other.files.fresh,
            one.files.gone & other.files.gone,
            one.files.removed | other.files.removed,
        ),
        _joined_flow(one.flow, other.flow),
    )


def _joined_variables(one: Variables, other: Variables) -> Variables:
    if one == other:
        return one
    if one.others != other.others:
        raise LostError("a variable stands for another on some ways")
    values = dict(one.values)
    for name in one.values.keys() | other.values.keys():
        here, there = one.values.get(name), other.values.get(name)
        if here != there:
            guess = here if isinstance(here, str) else ""
            is_set = all(value is not None and value is not UNSET for value in (here, there))
            because = _DIFFERS if is_set else MAY_BE_UNSET
            number = _is_number(here) and _is_number(there)
            values[name] = Unknown(because, number, guess or guessed(there))
    functions = one.functions if one.functions is other.functions else {**other.functions}
    functions = {**functions, **one.functions}
    return Variables(
        values,
        one.exported | other.exported,
        one.fixed | other.fixed,
        functions if len(functions) != len(one.functions) else one.functions,
        one.maps | other.maps,
        one.others,
    )


def _is_number(value: Value | None) -> bool:
    """Tell whether a value is a whole number, whichever it is."""
    if isinstance(value, Unknown):
        return value.number
    return isinstance(value, str) and _DECIMAL.fullmatch(value) is not None


def _joined_flow(one: Flow, other: Flow) -> Flow:
    status = one.status
    if status != other.status:
        ok = status.ok if status.ok == other.status.ok else None
        status = Status(ok, None, status.by or other.status.by)
    output = one.output
    if output != other.output:
        output = Unknown("an output is not known")
    text = one.input
    if text != other.input:
        text = Unknown("an input is not known")
    return one._replace(
        input=text,
        status=status,
        failed=one.failed or other.failed,
        job=one.job if one.job == other.job else None,
        output=output,
        closed=one.closed or other.closed,
        handlers=one.handlers or other.handlers,
        opened=one.opened & other.opened,
    )
