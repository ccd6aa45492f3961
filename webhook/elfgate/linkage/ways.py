"""The programs that a wrapper may start in its place."""

from dataclasses import dataclass
from enum import Enum, auto

from elfgate.linkage.attempt import Process
from elfgate.linkage.credentials import Credentials


class ByText(Enum):
    """A caller's reaction when execve fails with ENOEXEC for a text without ``#!``."""

    REFUSED = auto()  # the kernel's answer stands
    RUN_BY_SH = auto()  # /bin/sh is executed with it
    RUN_BY_ITSELF = auto()  # a shell runs it
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Wrapped:
    """The program that a wrapper starts.

    Attributes:
        process: How it is started.
        by: The wrapper's name; empty for the container's own command.
        text: What becomes of a text.
        who: As whom; None for the same user.
        file: The wrapper's own file.
        aside: It is a command on the way of a script that ends if that fails, not where the script wants to get to.
    """

    process: Process
    by: str = ""
    text: ByText = ByText.REFUSED
    who: Credentials | None = None
    file: str = ""
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Ways:
    """All that a wrapper may start.

    Attributes:
        wrapped: Each program.
        ends: It may also end by itself, or do what is not known.
    """

    wrapped: tuple[Wrapped, ...]
    ends: bool = False

    @staticmethod
    def one(wrapped: Wrapped) -> "Ways":
        """A single program, for sure."""
        return Ways((wrapped,))
