"""Redirections: whether they can be opened, and where input and output lead then.

Source: POSIX.1-2017, Shell Command Language, 2.7.
"""

import re
from typing import NamedTuple

from elfgate.linkage.shell import files
from elfgate.linkage.shell.expand import PIPE, Expansion
from elfgate.linkage.shell.state import Flow, State
from elfgate.linkage.shell.syntax.nodes import Redirect
from elfgate.linkage.shell.utilities.effects import may_be_library
from elfgate.linkage.shell.values import Truth, both
from elfgate.linkage.shell.world import Kind, Thing
from elfgate.linkage.values import Scalar, Unknown

# Every container has them; those of descriptors lead where the descriptor does.
_ALWAYS = re.compile(
    r"/dev/(null|zero|u?random|stdin|stdout|stderr|fd/[0-2])|/proc/(self|1|\$\$)/fd/[12]"
)
_STANDARD = frozenset({"0", "1", "2"})
_INPUT = Unknown("an input is not known")


class Streams(NamedTuple):
    """The result of a command's redirections.

    Attributes:
        opens: All could be opened; the command fails otherwise.
        moved: The output does not go where the shell's goes.
        closed: Writing to it may fail.
        noisy: Messages go where the output goes.
        input: What it can read; None if that is the shell's input.
        opened: Descriptors from 3 on that it has beside the shell's.
    """

    opens: Truth = True
    moved: bool = False
    closed: bool = False
    noisy: bool = False
    input: Scalar | None = None
    opened: frozenset[str] = frozenset()

    def entered(self, state: State) -> State:
        """The state in which the command runs."""
        flow = state.flow
        output = None if self.moved else flow.output
        text = flow.input if self.input is None else self.input
        opened = flow.opened | self.opened
        flow = flow._replace(output=output, input=text, closed=self.closed, opened=opened)
        return _with(state, flow)

    def left(self, before: State, after: State) -> State:
        """The state behind the command."""
        flow = after.flow
        output = before.flow.output if self.moved else flow.output
        if self.noisy and output is not None:
            output = Unknown("a message is part of the output")
        text = flow.input if self.input is None else before.flow.input
        before_it = before.flow
        flow = flow._replace(output=output, input=text, closed=before_it.closed)
        flow = flow._replace(opened=before_it.opened)
        return _with(after, flow)


PLAIN = Streams()


def _with(state: State, flow: Flow) -> State:
    return State(state.frame, state.variables, state.files, flow)


def redirected(redirects: tuple[Redirect, ...], expansion: Expansion) -> Streams:
    """Apply redirections, from left to right.

    Raises:
        ScriptEndsError: if the script ends at an expansion within them.
    """
    streams = PLAIN
    for one in redirects:
        streams = _added(streams, one, expansion)
    return streams


def _added(streams: Streams, one: Redirect, expansion: Expansion) -> Streams:
    if one.document is not None:
        return streams._replace(input=expansion.value(one.document.word))
    value = expansion.value(one.target)
    if one.operator == "<<<":
        text = value if isinstance(value, Unknown) else value + "\n"
        return streams._replace(input=text)
    if one.operator in {">&", "<&"} and not (one.operator == ">&" and _is_path(value)):
        return _duplicated(_noted(streams, one, value, expansion.state), one, value)
    opens = _opens(value, one.operator, expansion)
    streams = streams._replace(opens=both(streams.opens, opens), opened=_with_one(streams, one))
    if one.operator == "<":
        return _read(streams, one, value, expansion)
    return _written(streams, one, value, expansion)


def _with_one(streams: Streams, one: Redirect) -> frozenset[str]:
    return streams.opened | {one.descriptor}


def _noted(streams: Streams, one: Redirect, value: Scalar, state: State) -> Streams:
    """Note what is opened, and whether what is opened again is open: the first three are."""
    if value == "-":
        return streams
    noted = streams._replace(opened=_with_one(streams, one))
    if isinstance(value, Unknown):
        return noted
    descriptor = value.rstrip("-")
    if descriptor in _STANDARD | streams.opened | state.flow.opened:
        return noted
    return noted._replace(opens=both(streams.opens, None))


def _is_path(value: Scalar) -> bool:
    return isinstance(value, str) and not (value.rstrip("-").isdecimal() or value == "-")


def _duplicated(streams: Streams, one: Redirect, value: Scalar) -> Streams:
    """``2>&1``, ``>&2``, ``<&-``."""
    if one.operator == "<&":
        if one.descriptor in {"", "0"}:
            return streams._replace(input=_INPUT)
        return streams
    if one.descriptor == "2":
        return streams._replace(noisy=value == "1" and not streams.moved)
    if one.descriptor not in {"", "1"}:
        return streams
    return streams._replace(moved=True, closed=value not in {"1", "2"})


def _opens(value: Scalar, operator: str, expansion: Expansion) -> Truth:
    if isinstance(value, Unknown):
        return True if value is PIPE else None
    if _ALWAYS.fullmatch(value):
        return True
    state, world = expansion.state, expansion.world
    if operator == "<":
        thing = files.look(value, state, world)
        if isinstance(thing, Thing):
            return thing.readable if thing.kind is not Kind.OTHER else None
        return None if isinstance(thing, Unknown) else False
    if "C" in state.has and operator == ">":
        return None
    return files.may_create(value, state, world)


def _read(streams: Streams, one: Redirect, value: Scalar, expansion: Expansion) -> Streams:
    if one.descriptor not in {"", "0"}:
        return streams
    return streams._replace(input=text_of(value, expansion.state, expansion))


def text_of(value: Scalar, state: State, expansion: Expansion) -> Scalar:
    """Give the text of a file that is opened for reading."""
    if isinstance(value, Unknown):
        return _INPUT
    thing = files.look(value, state, expansion.world)
    if not isinstance(thing, Thing):
        return _INPUT
    if thing.kind is Kind.NULL:
        return ""
    if thing.kind is not Kind.FILE:
        return _INPUT
    if thing.size == 0:
        return ""
    return expansion.world.text(value, state.files.cwd)


def _written(streams: Streams, one: Redirect, value: Scalar, expansion: Expansion) -> Streams:
    state = expansion.state
    if isinstance(value, Unknown):
        if value is not PIPE:
            expansion.state = state.touching(frozenset({"/"}))
    elif not value.startswith("/dev/"):
        path = files.absolute(value, state)
        expansion.state = state.touching(frozenset({path}))
        if may_be_library(path):
            expansion.state = expansion.state.doubted(f"the script writes {path} before")
    if one.descriptor not in {"", "1"} and not one.operator.startswith("&"):
        return streams
    plain = isinstance(value, str) and (value in {"/dev/null", "/dev/stdout", "/dev/stderr"})
    full = not plain and not _is_file(value, state, expansion)
    return streams._replace(moved=value != "/dev/stdout", closed=full)


def _is_file(value: Scalar, state: State, expansion: Expansion) -> bool:
    """Tell whether what is written to is a plain file, or is made."""
    if isinstance(value, Unknown):
        return False
    thing = files.look(value, state, expansion.world)
    if isinstance(thing, Thing):
        return thing.kind is Kind.FILE
    return not isinstance(thing, Unknown)
