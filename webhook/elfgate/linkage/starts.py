"""The programs that a wrapper may start in its place."""

from dataclasses import dataclass
from enum import Enum, auto

from elfgate.linkage.credentials import Credentials
from elfgate.linkage.world import Process


class OnNoExec(Enum):
    """A caller's reaction when execve fails with ENOEXEC for a text without ``#!``."""

    REFUSED = auto()  # the kernel's answer stands
    RUN_BY_SH = auto()  # /bin/sh is executed with it
    RUN_BY_ITSELF = auto()  # a shell runs it
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Start:
    """The program that a wrapper starts.

    Attributes:
        process: How it is started.
        by: The wrapper's name; empty for the container's own command.
        on_noexec: What becomes of a text without ``#!``.
        who: As whom; None for the same user.
        file: The wrapper's own file.
        aside: It is a command on the way of a script that ends if that fails, not where the script
            wants to get to.
    """

    process: Process
    by: str = ""
    on_noexec: OnNoExec = OnNoExec.REFUSED
    who: Credentials | None = None
    file: str = ""
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Starts:
    """All that a wrapper may start.

    Attributes:
        each: Each program.
        ends: It may also end by itself, or do what is not known.
        lost: Why it may start other programs too: one clause, for people; empty if it does not.
    """

    each: tuple[Start, ...]
    ends: bool = False
    lost: str = ""

    @staticmethod
    def one(start: Start) -> "Starts":
        """A single program, for sure."""
        return Starts((start,))
