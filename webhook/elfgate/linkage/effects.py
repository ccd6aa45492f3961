"""What a script's commands leave behind: for the search of programs and libraries, and for what it is called with.

Source: POSIX.1-2017, Shell Command Language.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from elfgate.linkage.conditions import Arguments, value_of
from elfgate.linkage.shell import Node, Simple, commands_of, parse
from elfgate.linkage.shell_words import Word

# Commands that neither bring a program or library into the image nor change how one is searched.
HARMLESS = frozenset(
    (  # noqa: SIM905 - a list of words is read more easily so
        ": [ [[ addgroup adduser awk basename break cat chgrp chmod chown command continue cut date declare "
        "dirname echo egrep env envsubst export expr false fgrep find getent getopts grep groupadd groupmod head "
        "hostname id jq kill local ls mkdir nc nproc nslookup od pgrep printenv printf ps pwd read readonly rm "
        "rmdir sed seq set shopt sleep sort stat stty sync tail tee test touch tr true tty type typeset "
        "ulimit umask uname uniq unset useradd usermod wait wc which whoami xargs"
    ).split()
)
_SEARCH_CHANGED = "the script changes where programs and libraries are searched"
_SUBSTITUTIONS = 8  # levels of $(…) within one another
_ASSIGNS_SEARCH = re.compile(r"(?:PATH|LD_[A-Z_]+)\+?=")
_ASSIGNS = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\+?=")


class StopError(Exception):
    """The script cannot be followed further, or ends by itself."""


@dataclass(frozen=True, slots=True)
class State:
    """Where a script stands.

    Attributes:
        given: What it is called with, as changed by now.
        directory: Where it has changed to.
        env: The variables of searches that it has set.
        doubt: Why what follows may not be as the image is; empty if it is.
    """

    given: Arguments
    directory: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    doubt: str = ""

    def doubted(self, why: str) -> "State":
        """Add a doubt; the first one stays."""
        return self if self.doubt else replace(self, doubt=why)

    def assigned(self, words: Iterable[Word], *, exported: bool = True) -> "State":
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


def names_set(command: Simple) -> Iterator[str]:
    """Yield the variables that a command may set."""
    for word in command.words:
        if (match := _ASSIGNS.match(word.raw)) and not _ASSIGNS_SEARCH.match(word.raw):
            yield match[1]
    if command.command and command.command[0].text in {"read", "getopts", "unset"}:
        yield from (word.text for word in command.command[1:])


def passed(node: Node, state: State, depth: int = 0) -> State:
    """Pass over what cannot be decided, if it cannot take another way out of the script."""
    if depth > _SUBSTITUTIONS:
        raise StopError
    for command in commands_of(node):
        state = _effect(command, state, depth)
    return state


def _effect(command: Simple, state: State, depth: int) -> State:
    """What a command that may or may not run leaves behind: nothing, a doubt, or the end of following."""
    state = substitutions(command, state, depth)
    if any(_ASSIGNS_SEARCH.match(word.raw) for word in command.words):
        state = state.doubted(_SEARCH_CHANGED)
    words = command.command
    name = posixpath.basename(words[0].text) if words else ""
    if _changes_the_way(name, words):
        raise StopError
    if name in {"exit", "return"}:
        # A way out that fails is no start either; one that succeeds is another way than the one followed.
        fails = len(words) > 1 and words[1].text.isdecimal() and words[1].text != "0"
        return state if fails else state.doubted("the script may end before")
    if not words or (name == "exec" and len(words) == 1) or (words[0].literal and name in HARMLESS):
        return state
    return state.doubted(f"the script runs {words[0].text} before")


def substitutions(command: Simple, state: State, depth: int) -> State:
    """Apply the effects of the commands in a command's ``$(…)``."""
    for word in command.words:
        for text in word.commands:
            for inner in parse(text):
                state = passed(inner, state, depth + 1)
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
