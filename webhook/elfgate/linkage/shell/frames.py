"""Variables that a function has of its own, and the way back from it."""

from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.values import Value
from elfgate.linkage.values import UNSET


def returned(way: State, before: State) -> State:
    """Come back from a function: its arguments and its own variables are gone."""
    values = dict(way.variables.values)
    for name, value in way.frame.saved.items():
        if value is None:
            values.pop(name, None)
        else:
            values[name] = value
    leaving = way.flow.leaving
    if leaving is not None and leaving.kind == "return":
        way = way.leaving(None)
    variables = way.variables._replace(values=values, others=before.variables.others)
    return State(before.frame, variables, way.files, way.flow)


def beyond(state: State, before: State, name: str) -> State:
    """Take what a function has set to a variable of its own for the script's outside."""
    saved = {**state.frame.saved, name: state.variables.values.get(name)}
    values = dict(state.variables.values)
    values[name] = before.variables.values.get(name, UNSET)
    frame, variables = state.frame._replace(saved=saved), state.variables._replace(values=values)
    return state._replace(frame=frame, variables=variables)


def own(state: State, name: str, value: Value) -> State:
    """Give the running function a variable of its own."""
    saved = state.frame.saved
    if name not in saved:
        saved = {**saved, name: state.variables.values.get(name)}
        state = state._replace(frame=state.frame._replace(saved=saved))
    return state.setting(name, value)
