"""What an entrypoint script ends in: ``exec "$@"`` and its kin, followed with the arguments that are known.

The script is run in the mind: conditions on its arguments are decided, ``set --``, ``shift``, ``cd`` and plain
assignments of search paths applied. What cannot be decided is passed over if it neither changes the arguments nor leaves the script; a command that is not known
to be harmless leaves a doubt, as it may bring what is missing. Anything else ends the attempt: the script starts, and
no more is said.

Source: POSIX.1-2017, Shell Command Language; the entrypoint scripts of Docker's official images, whose idioms these
are.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from elfgate.errors import UnknownReason
from elfgate.linkage.attempt import Doubt
from elfgate.linkage.conditions import Arguments, decide, is_all, value_of
from elfgate.linkage.shell import Body, Case, Chain, If, Node, Simple, commands_of, parse
from elfgate.linkage.shell_words import NotUnderstoodError, Word

# Commands that neither bring a program or library into the image nor change how one is searched.
HARMLESS = frozenset(
    (  # noqa: SIM905 - a list of words is read more easily so
        ": [ [[ addgroup adduser awk basename break cat chgrp chmod chown command continue cut date declare "
        "dirname echo egrep env envsubst export expr false fgrep find getent getopts grep groupadd groupmod head "
        "hostname id jq kill local ls mkdir nc nproc nslookup od pgrep printenv printf ps pwd read readonly rm "
        "rmdir sed seq set shopt sleep sort stat stty sync tail tee test touch tr trap true tty type typeset "
        "ulimit umask uname uniq unset useradd usermod wait wc which whoami xargs"
    ).split()
)
# What a shell does by itself, or as a word of its grammar: there is no program to find.
BUILTINS = frozenset(
    (  # noqa: SIM905 - as above
        ". alias bg builtin caller case cd complete coproc dirs disown do done elif else enable esac eval exec exit fc"
        " fg fi for function hash help history if in jobs let logout mapfile popd pushd readarray return select shift"
        " source suspend then time times trap unalias until while { } !"
    ).split()
)
_SEARCH_CHANGED = "the script changes where programs and libraries are searched"
_SUBSTITUTIONS = 8  # levels of $(…) within one another
_ASSIGNS_SEARCH = re.compile(r"(?:PATH|LD_[A-Z_]+)\+?=")
_ASSIGNS = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\+?=")


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


class _StopError(Exception):
    """The script cannot be followed further, or ends by itself."""


@dataclass(frozen=True, slots=True)
class _State:
    given: Arguments
    directory: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    doubt: str = ""

    def doubted(self, why: str) -> "_State":
        return self if self.doubt else replace(self, doubt=why)

    def reached(self, words: Iterable[Word]) -> Reached:
        argv = _beginning(words, self.given)
        if argv and argv[0].startswith("-"):
            raise _StopError  # an option of exec's own
        doubt = Doubt(UnknownReason.SHAPE_UNKNOWN, self.doubt) if self.doubt else None
        return Reached(argv, self.directory, self.env, doubt)

    def assigned(self, words: Iterable[Word], *, exported: bool = True) -> "_State":
        """Apply ``NAME=value`` words, as far as they matter to a search; what is not known is a doubt."""
        state = self
        for word in words:
            if not _ASSIGNS_SEARCH.match(word.raw):
                continue
            name, _, text = word.text.partition("=")
            value = value_of(replace(word, text=text, raw=word.raw.partition("=")[2]), state.given)
            if value is None or name.endswith("+") or not (exported or name in state.given.env):
                state = state.doubted(_SEARCH_CHANGED)
            else:
                given = replace(state.given, env={**state.given.env, name: value})
                state = replace(state, given=given, env={**state.env, name: value})
        return state


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
        set_by_itself = {name for node in body for command in commands_of(node) for name in _names_set(command)}
        kept = {name: value for name, value in given.env.items() if name not in set_by_itself}
        outcome = _walk(body, _State(replace(given, env=kept)))
    except (NotUnderstoodError, _StopError):
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
        reached = _State(given).reached(words[1:] if words[0].raw == "exec" else words)
    except (NotUnderstoodError, _StopError):
        return None
    return reached if reached.argv and reached.argv[0] not in HARMLESS | BUILTINS else None


def _walk(body: Body, state: _State) -> Reached | _State:
    for number, node in enumerate(body):
        outcome = _step(node, state, last=number == len(body) - 1)
        if isinstance(outcome, Reached):
            return outcome
        state = outcome
    return state


def _step(node: Node, state: _State, *, last: bool) -> Reached | _State:
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
    return _passed(node, state)


def _if(node: If, state: _State) -> Reached | _State:
    for condition, body in node.branches:
        decided = True if condition is None else decide(condition, state.given)
        if decided is None:
            return _passed(node, state)
        if decided:
            return _walk(body, state)
    return state


def _case(node: Case, state: _State) -> Reached | _State:
    value = value_of(node.word, state.given)
    if value is None or any("$" in pattern.raw for patterns, _ in node.branches for pattern in patterns):
        return _passed(node, state)
    for patterns, body in node.branches:
        if any(fnmatchcase(value, pattern.text) for pattern in patterns):
            return _walk(body, state)
    return state


def _simple(node: Simple, state: _State, *, last: bool) -> Reached | _State:
    words = node.command
    name = words[0].text if words else ""
    if name == "exec" and len(words) > 1:
        return state.assigned(node.assignments).reached(words[1:])
    if last and len(words) == 1 and is_all(words[0]):
        return state.assigned(node.assignments).reached(words)
    if not words or name == "export":
        return _substitutions(node, state.assigned(node.words, exported=name == "export"), 0)
    if name == "set" and len(words) > 1 and words[1].text == "--":
        return replace(state, given=replace(state.given, args=_all(words[2:], state.given)))
    if name == "shift":
        return replace(state, given=_shifted(words, state.given))
    if name == "cd" and len(words) == 2 and words[1].literal:
        return replace(state, directory=posixpath.join(state.directory, words[1].text))
    if name in {"exit", "return"}:
        raise _StopError
    return _passed(node, state)


def _shifted(words: tuple[Word, ...], given: Arguments) -> Arguments:
    count = words[1].text if len(words) > 1 else "1"
    if not count.isdecimal():
        raise _StopError
    return replace(given, args=given.args[int(count) :])


def _all(words: Iterable[Word], given: Arguments) -> tuple[str, ...]:
    """Expand words of which every one must be known."""
    expanded = [given.args if is_all(word) else (value_of(word, given),) for word in words]
    values = [value for several in expanded for value in several]
    if None in values:
        raise _StopError
    return tuple(value for value in values if value is not None)


def _beginning(words: Iterable[Word], given: Arguments) -> tuple[str, ...]:
    """Expand words up to the first that is not known; that must not be the very first."""
    values: list[str] = []
    for word in words:
        value = value_of(word, given)
        if is_all(word):
            values += given.args
        elif value is not None:
            values.append(value)
        elif values:
            break
        else:
            raise _StopError
    return tuple(values)


def _names_set(command: Simple) -> Iterator[str]:
    """Yield the variables that a command may set."""
    for word in command.words:
        if (match := _ASSIGNS.match(word.raw)) and not _ASSIGNS_SEARCH.match(word.raw):
            yield match[1]
    if command.command and command.command[0].text in {"read", "getopts", "unset"}:
        yield from (word.text for word in command.command[1:])


def _passed(node: Node, state: _State, depth: int = 0) -> _State:
    """Pass over what cannot be decided, if it cannot take another way out of the script."""
    if depth > _SUBSTITUTIONS:
        raise _StopError
    for command in commands_of(node):
        state = _effect(command, state, depth)
    return state


def _effect(command: Simple, state: _State, depth: int) -> _State:
    """What a command that may or may not run leaves behind: nothing, a doubt, or the end of following."""
    state = _substitutions(command, state, depth)
    if any(_ASSIGNS_SEARCH.match(word.raw) for word in command.words):
        state = state.doubted(_SEARCH_CHANGED)
    words = command.command
    name = posixpath.basename(words[0].text) if words else ""
    if _changes_the_way(name, words):
        raise _StopError
    if name in {"exit", "return"}:
        # A way out that fails is no start either; one that succeeds is another way than the one followed.
        fails = len(words) > 1 and words[1].text.isdecimal() and words[1].text != "0"
        return state if fails else state.doubted("the script may end before")
    if not words or (name == "exec" and len(words) == 1) or (words[0].literal and name in HARMLESS):
        return state
    return state.doubted(f"the script runs {words[0].text} before")


def _substitutions(command: Simple, state: _State, depth: int) -> _State:
    """Apply the effects of the commands in a command's ``$(…)``."""
    for word in command.words:
        for text in word.commands:
            for inner in parse(text):
                state = _passed(inner, state, depth + 1)
    return state


def _changes_the_way(name: str, words: tuple[Word, ...]) -> bool:
    """Tell whether a command replaces the script, or its arguments."""
    if name == "exec":
        return len(words) > 1  # without a program it only redirects
    return (
        name == "shift"
        or (name == "set" and len(words) > 1 and words[1].raw[0] not in "-+")
        or (name == "set" and any(word.text == "--" for word in words))
    )
