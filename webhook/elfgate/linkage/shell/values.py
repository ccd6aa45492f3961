"""The values of a script: a value that is not known is one of its own, with its reason.

``str | Unknown`` cannot be used as a text before it was asked whether it is one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple, Never

from elfgate.linkage.shell.syntax.nodes import Node


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is not known.

    Attributes:
        because: One clause, for people.
        number: It is a whole number for sure.
        status: The exit status that it tells, if it is ``$?`` of a command.
        guess: The value that it had before, of a variable by which something is searched.
    """

    because: str = field(compare=False)
    number: bool = False
    status: "Status | None" = None
    guess: str = field(default="", compare=False)


class Unset(Enum):
    """A variable without a value."""

    UNSET = 0


UNSET = Unset.UNSET
Scalar = str | Unknown
Truth = bool | None
NOTHING: Mapping[str, Never] = MappingProxyType({})
MOST_FIELDS = 2000  # words of a command: of further ones nothing is known
_TOO_MANY = Unknown("a list is too long")


class Fields(NamedTuple):
    """Words as a command gets them, or the elements of an array.

    Attributes:
        values: Each one.
        more: Why others may follow; None if none does.
    """

    values: tuple[Scalar, ...] = ()
    more: Unknown | None = None

    def followed_by(self, other: "Fields") -> "Fields":
        """Put others behind them."""
        if self.more is not None:
            return self
        values = self.values + other.values
        if len(values) > MOST_FIELDS:
            return Fields(values[:MOST_FIELDS], _TOO_MANY)
        return Fields(values, other.more)

    @property
    def known(self) -> tuple[str, ...] | None:
        """All of them; None if one is not known, or others may follow."""
        if self.more is not None:
            return None
        known = tuple([value for value in self.values if isinstance(value, str)])
        return None if len(known) < len(self.values) else known

    @property
    def prefix(self) -> tuple[str, ...]:
        """Those before the first that is not known."""
        return self.known or tuple(_until_unknown(self.values))

    @property
    def doubt(self) -> Unknown | None:
        """Why they are not all known; None if they are."""
        unknown = (value for value in self.values if isinstance(value, Unknown))
        return next(unknown, self.more)

    def without_first(self, count: int = 1) -> "Fields":
        """Leave out the first ones."""
        return Fields(self.values[count:], self.more)


def _until_unknown(values: tuple[Scalar, ...]) -> Iterator[str]:
    for value in values:
        if isinstance(value, Unknown):
            return
        yield value


Value = str | Fields | Unset | Unknown


class Launch(NamedTuple):
    """A program that a script starts.

    Attributes:
        argv: Its command line, as far as it is known.
        more: Why further arguments may follow; empty if none does.
        variables: The script's variables.
        exported: Names of those that the program gets, beside the environment's.
        cwd: Its working directory.
        doubt: Why it may not be as it seems; empty if it is.
        file: The file that is executed, where ``argv[0]`` is another name; else empty.
        touched: Paths that the script may have changed; with a slash behind, all below.
    """

    argv: tuple[str, ...]
    more: str = ""
    variables: Mapping[str, Value] = NOTHING
    exported: frozenset[str] = frozenset()
    cwd: str = "/"
    doubt: str = ""
    file: str = ""
    touched: frozenset[str] = frozenset()


class Status(NamedTuple):
    """A command's exit status.

    Attributes:
        ok: It is 0; None if that is not known.
        code: Its number; None if that is not known.
        by: The program whose start has failed, or may have, if that is why.
    """

    ok: Truth = True
    code: int | None = None
    by: Launch | None = None

    @property
    def value(self) -> Scalar:
        """The value of ``$?``."""
        if self.ok:
            return "0"
        if self.code is not None:
            return str(self.code)
        return Unknown("an exit status is not known", number=True, status=self)


SUCCESS, FAILURE, UNSURE = Status(), Status(ok=False, code=1), Status(ok=None)
Functions = Mapping[str, Node]


def status_of(truth: Truth) -> Status:
    """Give the status of a test."""
    if truth is None:
        return UNSURE
    return SUCCESS if truth else FAILURE


def opposite(truth: Truth) -> Truth:
    """Negate what may not be known."""
    return None if truth is None else not truth


def either(one: Truth, other: Truth) -> Truth:
    """Tell whether one of two holds."""
    if one or other:
        return True
    return None if None in (one, other) else False


def both(one: Truth, other: Truth) -> Truth:
    """Tell whether both hold."""
    return opposite(either(opposite(one), opposite(other)))
