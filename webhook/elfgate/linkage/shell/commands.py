"""Runs simple commands: functions, the shell's own commands, and programs.

Source: POSIX.1-2017, Shell Command Language, 2.9.1.
"""

from elfgate.linkage.shell.assignments import assigning
from elfgate.linkage.shell.builtins import questions
from elfgate.linkage.shell.builtins.listing import lists
from elfgate.linkage.shell.builtins.table import BUILTINS, SPECIAL
from elfgate.linkage.shell.calls import Call, name_in
from elfgate.linkage.shell.ends import ScriptEndsError
from elfgate.linkage.shell.expand import Expansion
from elfgate.linkage.shell.external import external
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.streams import PLAIN
from elfgate.linkage.shell.syntax.nodes import Assignment
from elfgate.linkage.shell.syntax.word_nodes import Word
from elfgate.linkage.shell.values import (
    FAILURE,
    SUCCESS,
    UNSURE,
    Status,
)
from elfgate.linkage.values import Fields, Unknown

_OUTPUT = Unknown("the output of a command is not known")
_OPTIONS_OF_COMMAND = frozenset({"--", "-p", "-v", "-V", "-pv", "-pV", "-vp", "-Vp"})
_KEPT = Unknown("whether an assignment before a function stays is not known")


def run_command(call: Call) -> list[State]:
    """Run a command whose words are expanded.

    Raises:
        ScriptEndsError: if the script ends there.
    """
    if not call.name and call.fields.values[:1] != ("",):
        state = call.state.doubted("the script runs something that is not known before")
        return [state.writing(_OUTPUT).ended(UNSURE)]
    failing = _unopened(call)
    if call.streams.opens is False:
        return failing
    return failing + _run(call)


def _unopened(call: Call) -> list[State]:
    """The ways on which a redirection fails: a special command ends the script then."""
    if call.streams.opens is True:
        return []
    certain = call.streams.opens is False
    special = call.name in SPECIAL and call.plain and call.name in call.builtins
    if special and call.world.dialect.special_errors_end:
        call.walk.end(call.state, Status(ok=False if certain else None), aside=True)
        return []
    return [call.state.ended(FAILURE if certain else UNSURE)]


def _run(call: Call) -> list[State]:
    state, inside = _with_assignments(call)
    if call.streams is not PLAIN:
        inside = call.streams.entered(inside)
    name = call.name
    special = name in SPECIAL and call.world.dialect.special_errors_end
    if name in call.state.variables.functions and not special and call.plain:
        node = call.state.variables.functions[name]
        ways = call.walk.call_function(node, call.fields, inside, errexit=call.errexit)
        ways = [_restored(way, state, call.assignments, call) for way in ways]
    elif name in call.builtins:
        ways = _run_builtin(call if inside is state else call.at(inside), state)
    else:
        ways = [_restored(external(call, inside), state, call.assignments, call)]
    if name == "exec" or call.streams is PLAIN:
        return ways  # redirections of exec stay
    return [call.streams.left(call.state, way) for way in ways]


def _with_assignments(call: Call) -> tuple[State, State]:
    """The state behind the command, and the one in which it runs."""
    if not call.assignments:
        return call.state, call.state
    expansion = Expansion(call.walk, call.state, errexit=call.errexit)
    for one in call.assignments:
        assigning(one, expansion, exported=True)
    return call.state, expansion.state.ended(call.state.flow.status)


def _restored(way: State, before: State, assignments: tuple[Assignment, ...], call: Call) -> State:
    """Take back the assignments before a command."""
    if not assignments:
        return way
    values = dict(way.variables.values)
    for one in assignments:
        if one.name in before.variables.values:
            values[one.name] = before.variables.values[one.name]
        else:
            values.pop(one.name, None)
        if call.world.dialect.name in {
            "bash as sh",
            "ksh",
            "other",
        } and call.name in (before.variables.functions):
            values[one.name] = _KEPT
    exported = before.variables.exported | (
        way.variables.exported - {one.name for one in assignments}
    )
    variables = way.variables._replace(values=values, exported=exported)
    return State(way.frame, variables, way.files, way.flow)


def _run_builtin(call: Call, before: State) -> list[State]:
    name = call.name
    stays = name in SPECIAL and call.world.dialect.assignments_stay and call.plain
    if name in {"command", "builtin"}:
        ways = _command(call)
    elif name in BUILTINS:
        ways = _own(call)
    else:
        ways = questions.unsure(call)
    if stays:
        return ways
    return [_restored(way, before, call.assignments, call) for way in ways]


def _own(call: Call) -> list[State]:
    """Run one of the shell's own commands; without ``command``, its errors may end the script."""
    try:
        ways = BUILTINS[call.name](call)
    except ScriptEndsError:
        if call.plain:
            raise
        return call.unsure()
    if call.state.flow.output is None or not lists(call):
        return ways
    return [way.writing(_OUTPUT) for way in ways]


def _command(call: Call) -> list[State]:
    """``command [-p] [-v] NAME …`` and ``builtin NAME …``."""
    letters, fields, words = _options_of_command(call)
    elsewhere = "p" in letters
    if {"v", "V"} & letters:
        if fields.known is None or elsewhere:
            return call.printed(_OUTPUT, UNSURE)
        return questions.where(call, fields.known)
    if not fields.values and fields.more is None:
        return call.ended(SUCCESS)
    if elsewhere and name_in(fields) not in call.builtins:
        state = call.state.doubted("the script runs a command of the system before")
        return [state.writing(_OUTPUT).ended(UNSURE)]
    inner = call._replace(
        name=name_in(fields),
        fields=fields,
        words=words,
        plain=False,
        assignments=(),
    )
    return _plainly(inner, by=call.name)


def _options_of_command(call: Call) -> tuple[set[str], Fields, tuple[Word | Assignment, ...]]:
    """Part the options of ``command`` from what it is to run."""
    fields, words = call.args, call.words[1:]
    letters = set[str]()
    while fields.values and fields.values[0] in _OPTIONS_OF_COMMAND:
        letters |= set(str(fields.values[0])) - {"-"}
        fields, words = fields.without_first(), words[1:]
    return letters, fields, words


def _plainly(call: Call, *, by: str) -> list[State]:
    """Run what stands behind ``command`` or ``builtin``."""
    if not call.name:
        return run_command(call)
    if call.name in call.builtins:
        return _run_builtin(call, call.state)
    if by == "builtin":
        return call.ended(FAILURE)
    return [external(call, call.state)]
