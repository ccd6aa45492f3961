"""The ends of a script, and what keeps it from being followed."""

from dataclasses import dataclass

from elfgate.linkage.shell.values import SUCCESS, Launch, Status


class ScriptEndsError(Exception):
    """The script ends at an expansion: ``set -u``, ``${name:?}``, a bad substitution."""


class LostError(Exception):
    """The script goes a way that is not followed.

    Args:
        why: One clause, for people.
    """


@dataclass(frozen=True, slots=True)
class Ending:
    """One way in which a script may end.

    Attributes:
        status: With which exit status it ends by itself.
        launch: The program that takes its place, or whose start has failed; None if there is none.
        becomes: ``launch`` takes the script's place.
        aside: A command on its way has failed, not what it wants to get to (``set -e``).
        doubt: Why ``launch`` may not be what the script comes to; empty if it is.
    """

    status: Status = SUCCESS
    launch: Launch | None = None
    becomes: bool = False
    aside: bool = False
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Followed:
    """The ends that a script may come to.

    Attributes:
        endings: Each of its ends.
        lost: Why there may be others: one clause, for people; empty if there are none.
    """

    endings: tuple[Ending, ...]
    lost: str = ""
