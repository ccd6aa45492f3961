"""What an entrypoint script ends in: ``exec "$@"`` and its kin, followed with the arguments that are known.

The script is run in the mind: conditions on its arguments are decided, ``set --``, ``shift``, ``cd`` and plain
assignments of search paths applied. What cannot be decided is passed over if it neither changes the arguments nor
leaves the script; a command that is not known to be harmless leaves a doubt, as it may bring what is missing. Anything
else ends the attempt: the script starts, and no more is said.

Source: POSIX.1-2017, Shell Command Language; the entrypoint scripts of Docker's official images, whose idioms these
are.
"""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from elfgate.errors import UnknownReason
from elfgate.linkage.attempt import Doubt
from elfgate.linkage.conditions import Arguments, all_of, decide, value_of
from elfgate.linkage.effects import HARMLESS, State, StopError, names_set, passed, substitutions
from elfgate.linkage.shell import Body, Case, Chain, If, Node, Simple, commands_of, parse
from elfgate.linkage.shell_words import NotUnderstoodError, Word

# What a shell does by itself, or as a word of its grammar: there is no program to find.
BUILTINS = frozenset(
    (  # noqa: SIM905 - a list of words is read more easily so
        ". alias bg builtin caller case cd complete coproc dirs disown do done elif else enable esac eval exec exit fc"
        " fg fi for function hash help history if in jobs let logout mapfile popd pushd readarray return select shift"
        " source suspend then time times trap unalias until while { } !"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Reached:
    """The program that a script ends in.

    Attributes:
        argv: The beginning of its command line, up to the first word that is not known; empty if it has none.
        directory: Where the script has changed to, if it has.
        env: The variables by which programs and libraries are searched, where the script has set them.
        doubt: Why it may not be reached as the image is.
    """

    argv: tuple[str, ...]
    directory: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    doubt: Doubt | None = None


def follow_script(text: str, given: Arguments) -> Reached | None:
    """Find what a script puts in its place.

    Args:
        text: The script.
        given: What it is called with.

    Returns:
        The program, or None if there is none, or none for sure.
    """
    try:
        body = parse(text)
        set_by_itself = {name for node in body for command in commands_of(node) for name in names_set(command)}
        kept = {name: value for name, value in given.env.items() if name not in set_by_itself}
        outcome = _walk(body, State(replace(given, env=kept)))
    except (NotUnderstoodError, StopError):
        return None
    return outcome if isinstance(outcome, Reached) else None


def follow_command(text: str, given: Arguments) -> Reached | None:
    """Find what ``sh -c TEXT`` runs, if that is one plain command (with or without ``exec``).

    Args:
        text: The command.
        given: What it is called with.

    Returns:
        The program, or None if there is none, or none for sure.
    """
    try:
        body = parse(text)
        if len(body) != 1 or not isinstance(body[0], Simple) or body[0].assignments or not body[0].words:
            return None
        words = body[0].words
        reached = _reached(State(given), words[1:] if words[0].raw == "exec" else words)
    except (NotUnderstoodError, StopError):
        return None
    return reached if reached.argv and reached.argv[0] not in HARMLESS | BUILTINS else None


def _walk(body: Body, state: State) -> Reached | State:
    for number, node in enumerate(body):
        outcome = _step(node, state, last=number == len(body) - 1)
        if isinstance(outcome, Reached):
            return outcome
        state = outcome
    return state


def _step(node: Node, state: State, *, last: bool) -> Reached | State:
    if isinstance(node, Simple):
        return _simple(node, state, last=last)
    if isinstance(node, If):
        return _if(node, state)
    if isinstance(node, Case):
        return _case(node, state)
    if isinstance(node, Chain) and node.operators in {("&&",), ("||",)}:
        condition = decide((node.nodes[0],), state.given)
        if condition is not None:
            runs = condition is (node.operators == ("&&",))
            return _step(node.nodes[1], state, last=last) if runs else state
    return passed(node, state)


def _if(node: If, state: State) -> Reached | State:
    for condition, body in node.branches:
        decided = True if condition is None else decide(condition, state.given)
        if decided is None:
            return passed(node, state)
        if decided:
            return _walk(body, state)
    return state


def _case(node: Case, state: State) -> Reached | State:
    value = value_of(node.word, state.given)
    if value is None or any("$" in pattern.raw for patterns, _ in node.branches for pattern in patterns):
        return passed(node, state)
    for patterns, body in node.branches:
        if any(fnmatchcase(value, pattern.text) for pattern in patterns):
            return _walk(body, state)
    return state


def _simple(node: Simple, state: State, *, last: bool) -> Reached | State:
    words = node.command
    name = words[0].text if words else ""
    if name == "exec" and len(words) > 1:
        return _reached(state.assigned(node.assignments), words[1:])
    if last and len(words) == 1 and all_of(words[0], state.given) is not None:
        return _reached(state.assigned(node.assignments), words)
    if not words or name == "export":
        return substitutions(node, state.assigned(node.words, exported=name == "export"), 0)
    if name == "shift" or (name == "set" and len(words) > 1 and words[1].text == "--"):
        args = _shifted(words, state.given) if name == "shift" else _all(words[2:], state.given)
        return replace(state, given=replace(state.given, args=args))
    if name == "cd" and len(words) == 2 and words[1].literal:
        return replace(state, directory=posixpath.join(state.directory, words[1].text))
    if name in {"exit", "return"}:
        raise StopError
    return passed(node, state)


def _shifted(words: tuple[Word, ...], given: Arguments) -> tuple[str, ...]:
    count = words[1].text if len(words) > 1 else "1"
    if not count.isdecimal():
        raise StopError
    return given.args[int(count) :]


def _all(words: Iterable[Word], given: Arguments) -> tuple[str, ...]:
    """Expand words of which every one must be known."""
    values: list[str | None] = []
    for word in words:
        several = all_of(word, given)
        values += (value_of(word, given),) if several is None else several
    if None in values:
        raise StopError
    return tuple(value for value in values if value is not None)


def _reached(state: State, words: Iterable[Word]) -> Reached:
    argv = _beginning(words, state.given)
    if argv and argv[0].startswith("-"):
        raise StopError  # an option of exec's own
    doubt = Doubt(UnknownReason.SHAPE_UNKNOWN, state.doubt) if state.doubt else None
    return Reached(argv, state.directory, state.env, doubt)


def _beginning(words: Iterable[Word], given: Arguments) -> tuple[str, ...]:
    """Expand words up to the first that is not known; that must not be the very first."""
    values: list[str] = []
    for word in words:
        value, several = value_of(word, given), all_of(word, given)
        if several is not None:
            values += several
        elif value is not None:
            values.append(value)
        elif values:
            break
        else:
            raise StopError
    return tuple(values)
