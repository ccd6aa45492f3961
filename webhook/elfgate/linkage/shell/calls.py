"""One call of a command, as built-in commands see it."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from elfgate.linkage.shell.ends import Ending
from elfgate.linkage.shell.expand import Shell
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.streams import Streams
from elfgate.linkage.shell.syntax.nodes import Assignment, Body, Node
from elfgate.linkage.shell.syntax.word_nodes import Word
from elfgate.linkage.shell.values import UNSURE, Launch, Status, Value
from elfgate.linkage.shell.world import World
from elfgate.linkage.values import Fields, Scalar


class Walk(Shell, Protocol):
    """The interpreter, as commands see it."""

    def body(self, body: Body, states: Iterable[State], *, errexit: bool) -> list[State]:
        """Run commands one after another."""

    def read(self, text: str, state: State, *, errexit: bool) -> list[State]:
        """Run a text in this shell."""

    def become(self, launch: Launch, state: State) -> None:
        """Note that a program takes the script's place."""

    def note(self, ending: Ending, state: State) -> None:
        """Note an end."""

    def call_function(
        self, node: Node, fields: Fields, state: State, *, errexit: bool
    ) -> list[State]:
        """Run a function."""

    def deeper(self) -> int:
        """Note that one more text runs; give the depth to go back to."""

    def shallower(self, depth: int) -> None:
        """Go back to a depth."""


class Call(NamedTuple):
    """One call of a command.

    Attributes:
        walk: The interpreter.
        name: Its name; empty if that is not known.
        assignments: Those that stand before it.
        words: Its words as written, its name first; of ``export`` and its kin, assignments too.
        fields: Its words, expanded.
        state: Where the script stands.
        streams: Its redirections.
        errexit: ``set -e`` counts here.
        builtins: The names of the shell's own commands.
        plain: No ``command`` stands before it, which takes away what is special.
    """

    walk: Walk
    name: str
    assignments: tuple[Assignment, ...]
    words: tuple[Word | Assignment, ...]
    fields: Fields
    state: State
    streams: Streams
    errexit: bool
    builtins: frozenset[str]
    plain: bool = True

    @property
    def world(self) -> World:
        """The files and programs around."""
        return self.walk.world

    @property
    def args(self) -> Fields:
        """Its words but the name."""
        return self.fields.without_first()

    def at(self, state: State) -> "Call":
        """Return this call in another state."""
        return self._replace(state=state)

    def ended(self, status: Status) -> list[State]:
        """Go on with an exit status."""
        return [self.state.ended(status)]

    def unsure(self) -> list[State]:
        """Go on without knowing whether it has succeeded."""
        return self.ended(UNSURE)

    def printed(self, text: Scalar, status: Status) -> list[State]:
        """Go on once a text is written."""
        if self.state.flow.closed and status.ok:
            status = UNSURE
        return [self.state.writing(text).ended(status)]


def value_of(call: Call, name: str) -> Value:
    """Give a variable's value, as the script has set it or as the environment has it."""
    value = call.state.variables.values.get(name)
    if value is None:
        return call.world.variable(name)
    return value


def name_in(fields: Fields) -> str:
    """Give the name of the command of these words; empty if it is not known."""
    first = fields.values[0] if fields.values else ""
    if isinstance(first, str):
        return first
    return ""


Builtin = Callable[[Call], list[State]]
