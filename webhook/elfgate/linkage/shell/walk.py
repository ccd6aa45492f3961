"""What passes between the parts that walk through a script: its ends, and what built-in commands ask of the walk."""

from dataclasses import dataclass
from typing import Protocol

from elfgate.linkage.attempt import Process
from elfgate.linkage.shell.expand import Expander
from elfgate.linkage.shell.state import Fields, State, Status
from elfgate.linkage.shell.words import Word
from elfgate.linkage.shell.world import ScriptWorld


class LostError(Exception):
    """The script cannot be followed further."""


@dataclass(frozen=True, slots=True)
class Ending:
    """One end that a script may come to.

    Attributes:
        process: The program that it becomes, or whose failure it ends with; None if it ends by itself.
        ok: Its exit status is 0, if it ends by itself; None if that is not known.
        aside: It is not where the script wants to get to: a command on its way has failed (``set -e``).
    """

    process: Process | None = None
    ok: bool | None = True
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Followed:
    """What a script may come to.

    Attributes:
        endings: Each of its ends.
        lost: There may be others.
    """

    endings: tuple[Ending, ...]
    lost: bool = False


class Walk(Protocol):
    """The walk, as built-in commands see it."""

    world: ScriptWorld
    expander: Expander

    def end(self, state: State, status: Status, *, aside: bool = False) -> None:
        """Note that the script ends by itself."""

    def become(self, process: Process, state: State) -> None:
        """Note that a program takes the script's place."""

    def read(self, text: str, state: State, *, checked: bool) -> list[State]:
        """Run a text in this shell."""

    def command(
        self,
        fields: Fields,
        words: tuple[Word, ...],
        state: State,
        temporary: State,
        *,
        checked: bool,
        functions: bool = True,
    ) -> list[State]:
        """Run a command."""
