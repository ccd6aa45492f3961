"""What an entrypoint script ends in: ``exec "$@"`` and its kin, followed with the arguments that are known.

The script is run in the mind: conditions on its arguments are decided, ``set --`` and ``shift`` applied. What cannot be
decided is passed over if it cannot matter (it neither changes the arguments nor leaves the script); a command that is
not known to be harmless leaves a doubt, as it may bring what is missing. Anything else ends the attempt: the script
starts, and no more is said.

Source: POSIX.1-2017, Shell Command Language; the entrypoint scripts of Docker's official images, whose idioms these are.
"""

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from elfgate.errors import UnknownReason
from elfgate.linkage.attempt import Doubt
from elfgate.linkage.shell import Block, Body, Case, Chain, If, Node, NotUnderstoodError, Simple, Word, parse

# Commands that neither bring a program or library into the image nor change the arguments or the search for commands.
HARMLESS = frozenset(
    "[ [[ addgroup adduser awk basename break cat chgrp chmod chown command continue cut date dirname echo egrep env"
    " envsubst expr false fgrep find getent getopts grep groupadd groupmod head hostname id jq kill local ls mkdir"
    " nc nproc nslookup od pgrep printenv printf ps pwd read readonly rm rmdir sed seq set shopt sleep sort stat stty"
    " sync tail tee test touch tr true tty type typeset declare ulimit umask uname uniq unset useradd usermod wait wc"
    " which whoami xargs :".split()
)
_EXPORTS = frozenset({"export", "declare", "typeset", "local", "readonly"})
_ASSIGNS_SEARCH = re.compile(r"(?:PATH|LD_[A-Z_]+)\+?=")
_STRIPPED = re.compile(r"\$\{1(##?|%%?)(.*)\}")
_FIRST = re.compile(r"\$\{1:0:([0-9])\}")
_DEFAULTED = re.compile(r"\$\{([0-9]):?-\}")
_ALL = ("$@", "${@}")
_COMPARE = {
    "-eq": int.__eq__,
    "-ne": int.__ne__,
    "-gt": int.__gt__,
    "-lt": int.__lt__,
    "-ge": int.__ge__,
    "-le": int.__le__,
}


@dataclass(frozen=True, slots=True)
class Reached:
    """The program that the script ends in.

    Attributes:
        argv: Its command line.
        doubt: Why it may not be reached as the image is.
    """

    argv: tuple[str, ...]
    doubt: Doubt | None


class _StopError(Exception):
    """The script cannot be followed further, or ends by itself."""


@dataclass(frozen=True, slots=True)
class _State:
    name: str
    args: tuple[str, ...]
    doubt: str = ""

    def doubted(self, why: str) -> "_State":
        return self if self.doubt else replace(self, doubt=why)


def follow_script(text: str, name: str, args: tuple[str, ...]) -> Reached | None:
    """Find what a script puts in its place.

    Args:
        text: The script.
        name: Its path, ``$0``.
        args: Its arguments.

    Returns:
        The program, or None if there is none, or none for sure.
    """
    try:
        return _run(parse(text), _State(name, args))
    except (NotUnderstoodError, _StopError, RecursionError):
        return None


def follow_command(text: str, name: str, args: tuple[str, ...]) -> Reached | None:
    """Find what ``sh -c TEXT`` runs, if that is one plain command (with or without ``exec``)."""
    try:
        body = parse(text)
        if len(body) != 1 or not isinstance(body[0], Simple):
            return None
        words = body[0].words[body[0].words[0].raw == "exec" :] if body[0].words else ()
        if not words or "=" in words[0].raw:
            return None
        argv = _expand(words, _State(name, args))
    except (NotUnderstoodError, _StopError):
        return None
    return Reached(argv, None) if argv and argv[0] not in HARMLESS | _BUILTINS else None


# What a shell does by itself, or as a word of its grammar: there is no program to find.
_BUILTINS = frozenset(
    ". alias bg builtin caller case cd complete coproc dirs disown do done elif else enable esac eval exec exit export"
    " fc fg fi for function hash help history if in jobs let logout mapfile popd pushd readarray return select shift"
    " source suspend then time times trap unalias until while { } !".split()
)


def _run(body: Body, state: _State) -> Reached | None:
    outcome = _walk(body, state)
    return outcome if isinstance(outcome, Reached) else None


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
    if isinstance(node, Chain) and node.operators in (("&&",), ("||",)):
        condition = _truth((node.nodes[0],), state)
        if condition is not None:
            runs = condition is (node.operators == ("&&",))
            return _step(node.nodes[1], state, last=last) if runs else state
    return _passed(node, state)


def _if(node: If, state: _State) -> Reached | _State:
    for condition, body in node.branches:
        decided = True if condition is None else _truth(condition, state)
        if decided is None:
            return _passed(node, state)
        if decided:
            return _walk(body, state)
    return state


def _case(node: Case, state: _State) -> Reached | _State:
    value = _value(node.word, state)
    if value is None:
        return _passed(node, state)
    for patterns, body in node.branches:
        if any("$" in pattern.raw or "`" in pattern.raw for pattern in patterns):
            return _passed(node, state)
        if any(fnmatch.fnmatchcase(value, pattern.text.replace("[!", "[!")) for pattern in patterns):
            return _walk(body, state)
    return state


def _simple(node: Simple, state: _State, *, last: bool) -> Reached | _State:
    words = node.command
    name = words[0].text if words else ""
    if name == "exec" and len(words) > 1:
        return Reached(_expand(words[1:], state), _doubt(state))
    if last and words and words[0].text in _ALL and len(words) == 1:
        return Reached(_expand(words, state), _doubt(state))
    if name == "set" and len(words) > 1 and words[1].text == "--":
        return replace(state, args=_expand(words[2:], state))
    if name == "shift":
        count = words[1].text if len(words) > 1 else "1"
        if not count.isdecimal():
            raise _StopError
        return replace(state, args=state.args[int(count) :])
    if name in ("exit", "return"):
        raise _StopError
    return _passed(node, state)


def _doubt(state: _State) -> Doubt | None:
    return Doubt(UnknownReason.SHAPE_UNKNOWN, state.doubt) if state.doubt else None


def _expand(words: Iterable[Word], state: _State) -> tuple[str, ...]:
    values: list[str] = []
    for word in words:
        if word.text in _ALL:
            values += state.args
            continue
        value = _value(word, state)
        if value is None:
            raise _StopError
        values.append(value)
    return tuple(values)


def _value(word: Word, state: _State) -> str | None:
    """Tell a word's value: literal, or of the arguments; None if it is not known."""
    if word.literal:
        return word.text
    first = state.args[0] if state.args else ""
    if word.text in ("$0", "${0}"):
        return state.name
    if word.text in ("$#", "${#}"):
        return str(len(state.args))
    if match := _DEFAULTED.fullmatch(word.text) or re.fullmatch(r"\$\{?([0-9])\}?", word.text):
        number = int(match[1])
        return state.args[number - 1] if 0 < number <= len(state.args) else ""
    if match := _FIRST.fullmatch(word.text):
        return first[: int(match[1])]
    if match := _STRIPPED.fullmatch(word.text):
        return _strip(first, match[1], match[2])
    return None


def _strip(value: str, mark: str, pattern: str) -> str | None:
    """Remove a literal prefix (``#``) or suffix (``%``); None for a pattern."""
    if any(special in pattern for special in "*?[\\"):
        return None
    return value.removeprefix(pattern) if mark[0] == "#" else value.removesuffix(pattern)


def _truth(condition: Body, state: _State) -> bool | None:
    """Decide a condition; None if it depends on more than the arguments."""
    if len(condition) != 1:
        return None
    node = condition[0]
    if isinstance(node, Chain):
        return _chain_truth(node, state)
    if not isinstance(node, Simple) or node.assignments or not node.words:
        return None
    words, name = node.words[1:], node.words[0].text
    if name in ("[", "[["):
        if not words or words[-1].text != ("]" if name == "[" else "]]"):
            return None
        words = words[:-1]
    elif name != "test":
        return None
    return _test(words, state, pattern=name == "[[")


def _chain_truth(node: Chain, state: _State) -> bool | None:
    if node.operators == ("!",):
        inner = _truth(node.nodes[1:], state)
        return None if inner is None else not inner
    result = _truth(node.nodes[:1], state)
    for operator, following in zip(node.operators, node.nodes[1:], strict=True):
        if operator == "|" or result is None:
            return None
        if result is (operator == "&&"):
            result = _truth((following,), state)
    return result


def _test(words: tuple[Word, ...], state: _State, *, pattern: bool) -> bool | None:
    if words and words[0].raw == "!":
        inner = _test(words[1:], state, pattern=pattern)
        return None if inner is None else not inner
    if len(words) == 2 and words[0].text in ("-z", "-n"):
        value = _value(words[1], state)
        return None if value is None else bool(value) is (words[0].text == "-n")
    if len(words) != 3:
        return None
    left, operator, right = _value(words[0], state), words[1].text, _value(words[2], state)
    if left is None or right is None:
        return None
    if operator in ("=", "==", "!="):
        same = fnmatch.fnmatchcase(left, right) if pattern else left == right
        return same is (operator != "!=")
    if operator in _COMPARE and left.isdecimal() and right.isdecimal():
        return bool(_COMPARE[operator](int(left), int(right)))
    return None


def _passed(node: Node, state: _State) -> _State:
    """Pass over what cannot be decided, if it cannot take another way out of the script."""
    for command in _commands(node):
        state = _effect(command, state)
    return state


def _effect(command: Simple, state: _State) -> _State:
    """What a command that may or may not run leaves behind: nothing, a doubt, or the end of following."""
    for word in command.words:
        for text in word.commands:
            for inner in parse(text):
                state = _passed(inner, state)
        if _ASSIGNS_SEARCH.match(word.raw):
            state = state.doubted("the script changes where programs and libraries are searched")
    words = command.command
    name = posixpath.basename(words[0].text) if words else ""
    if name in ("exec", "shift") and len(words) > (name == "exec"):
        raise _StopError
    if name == "set" and len(words) > 1 and (words[1].text == "--" or words[1].raw[0] not in "-+"):
        raise _StopError
    if name in ("exit", "return"):
        # A failing way out is no start either; a successful one is another way than the one followed.
        if len(words) == 1 or not words[1].text.isdecimal() or words[1].text == "0":
            return state.doubted("the script may end before")
        return state
    if not words or name in _EXPORTS or (words[0].literal and name in HARMLESS):
        return state
    return state.doubted(f"the script runs {words[0].text} before")


def _commands(node: Node) -> Iterator[Simple]:
    """Yield all simple commands below a node; a function's are yielded where it is defined."""
    if isinstance(node, Simple):
        yield node
    elif isinstance(node, Chain):
        for inner in node.nodes:
            yield from _commands(inner)
    elif isinstance(node, If):
        for condition, body in node.branches:
            for inner in (*(condition or ()), *body):
                yield from _commands(inner)
    elif isinstance(node, Case):
        for _, body in node.branches:
            for inner in body:
                yield from _commands(inner)
    else:
        for part in node.parts:
            for inner in part:
                yield from _commands(inner)


__all__ = ["Block", "Reached", "follow_command", "follow_script"]
