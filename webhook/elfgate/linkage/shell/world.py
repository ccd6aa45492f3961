"""The world around a script: one protocol, so that a script can be run against a made world.

All texts are strings of a character for each byte (``latin-1``): shells count bytes where no locale
is set.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from elfgate.linkage.report import Outcome
from elfgate.linkage.shell.syntax.dialect import Dialect
from elfgate.linkage.shell.values import Launch, Truth, Value
from elfgate.linkage.values import Scalar, Unknown


class Kind(Enum):
    """The kind of file that a path leads to."""

    FILE = "file"
    DIRECTORY = "directory"
    NULL = "/dev/null"
    OTHER = "other"  # a device, a pipe, or what could not be read


@dataclass(frozen=True, slots=True)
class Thing:
    """The file that a path leads to, as far as it is known.

    Attributes:
        kind: Its kind.
        path: Where it is, symlinks resolved.
        size: Bytes of a file.
        readable: The process may read it.
        writable: The process may write it, or make names in it.
        executable: The process may execute it, or search it.
        elf: It is an ELF file.
        via: The symlinks that the path leads through.
    """

    kind: Kind
    path: str
    size: int = 0
    readable: Truth = None
    writable: Truth = None
    executable: Truth = None
    elf: bool = False
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Absent:
    """A path leads to nothing.

    Attributes:
        link: It is a symlink whose target is missing.
        barred: A directory on the way may not be searched, or is none.
        via: The symlinks that the path leads through, and the place that it would lead to.
    """

    link: bool = False
    barred: bool = False
    via: tuple[str, ...] = ()


class World(Protocol):
    """The environment, the files and the programs around a script."""

    @property
    def dialect(self) -> Dialect:
        """The shell's."""

    @property
    def uid(self) -> int | None:
        """The user; None if that is not known."""

    @property
    def machine(self) -> Scalar:
        """The output of ``uname -m``."""

    def spend(self, units: int) -> None:
        """Count work."""

    def spend_once(self, key: Hashable, units: int) -> None:
        """Count work that is done once."""

    def variable(self, name: str) -> Value:
        """A variable of the environment, or one that the shell sets at its start."""

    def is_surely_set(self, name: str) -> bool:
        """Tell whether a variable whose value is not known has one for sure."""

    def names(self, prefix: str) -> frozenset[str] | Unknown:
        """The names of the environment's variables that begin so."""

    def look(self, path: str, cwd: str) -> Thing | Absent | Unknown:
        """Follow a path, and its last symlink."""

    def is_link(self, path: str, cwd: str) -> Truth:
        """Tell whether a path, its last symlink not followed, is a symlink."""

    def listing(self, path: str, cwd: str) -> tuple[str, ...] | Unknown:
        """The names in a directory, sorted by their bytes."""

    def text(self, path: str, cwd: str) -> Scalar:
        """A file's text."""

    def find(self, name: str, launch: Launch) -> str | Unknown | None:
        """Search a command along a program's PATH: its path, or None if it is nowhere."""

    def outcome(self, launch: Launch) -> Outcome:
        """Tell what comes of starting a program."""

    def may_be_root(self, capability: str) -> Truth:
        """Tell whether the process is root with a capability (``CHOWN``, ``FOWNER``)."""
