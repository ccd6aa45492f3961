"""The built-in command ``unset``.

Source: POSIX.1-2017, Shell Command Language, 2.14.
"""

from elfgate.linkage.shell.builtins.names import NAME, misnamed, refuse_standing
from elfgate.linkage.shell.calls import Call
from elfgate.linkage.shell.ends import ScriptEndsError
from elfgate.linkage.shell.state import State, weight
from elfgate.linkage.shell.values import FAILURE, SUCCESS, UNSURE, Value
from elfgate.linkage.values import UNSET, Unknown

_BEHIND = Unknown("a variable that a function has of its own is unset by another")


def unset(call: Call) -> list[State]:
    """``unset [-fv] NAME…``."""
    state, status = call.state, SUCCESS
    if call.args.doubt is not None:
        return [state.doubted("the script unsets a variable that is not known").ended(UNSURE)]
    names = call.args.known or ()
    of_functions = "-f" in names
    for name in names:
        call.world.spend(1 + weight(state))
        refuse_standing(name, state)
        if name in state.variables.fixed:
            state, status = _kept(call, name, state), FAILURE
        elif of_functions or (name in state.variables.functions and not _is_set(state, name)):
            state = _without_function(state, name)
        elif "[" in name:
            state = state.setting(name.partition("[")[0], Unknown("an element is unset"))
        elif NAME.fullmatch(name):
            state = state.setting(name, _once_unset(call, name, state))
        elif name not in {"-f", "-v", "--"}:
            status = misnamed(call)
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
