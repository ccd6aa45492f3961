"""The names of variables that built-in commands are given.

Source: POSIX.1-2017, Base Definitions, 3.235 "Name".
"""

import re

from elfgate.linkage.shell.calls import Call
from elfgate.linkage.shell.ends import LostError, ScriptEndsError
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.values import FAILURE, UNSURE, Status

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_named(text: str) -> bool:
    """Tell whether a text is a name, or a name and a value."""
    match = NAME.match(text)
    return match is not None and text[match.end() :][:1] in {"", "=", "[", "+"}


def misnamed(call: Call) -> Status:
    """The status where a text is no name; most shells end."""
    if call.world.dialect.name in {"dash", "busybox"}:
        raise ScriptEndsError
    if call.world.dialect.special_errors_end:
        call.walk.end(call.state, FAILURE, aside=True)  # some releases end
    return FAILURE if call.world.dialect.is_bash else UNSURE


def refuse_standing(name: str, state: State) -> None:
    """Give up where a name that stands for another is declared, unset or counted through."""
    if name in state.variables.others:
        raise LostError("a variable that stands for another is declared again")
