"""The values of a script's variables, the statuses of its commands, and what is made of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, Never

from elfgate.linkage.shell.syntax.nodes import Node
from elfgate.linkage.values import Fields, Scalar, Unknown, Unset

Truth = bool | None
NOTHING: Mapping[str, Never] = MappingProxyType({})
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
        barred: Files that the script may have taken the execute bits from.
        removed: Names that the script may have taken away, each with a slash behind.
    """

    argv: tuple[str, ...]
    more: str = ""
    variables: Mapping[str, Value] = NOTHING
    exported: frozenset[str] = frozenset()
    cwd: str = "/"
    doubt: str = ""
    file: str = ""
    touched: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


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
        return UnknownStatus("an exit status is not known", number=True, status=self)


@dataclass(frozen=True, slots=True)
class UnknownStatus(Unknown):
    """``$?`` of a command, which is not known.

    Attributes:
        status: What is known of it.
    """

    status: Status = field(default_factory=Status)


SUCCESS, UNSURE = Status(), Status(ok=None)
FAILURE = Status(ok=False)  # by which number is a matter of the shell, and of its release
NOT_SO = Status(ok=False, code=1)  # of a test, of ``false``: the one failure that all number alike
Functions = Mapping[str, Node]


def status_of(truth: Truth) -> Status:
    """Give the status of a test."""
    if truth is None:
        return UNSURE
    if truth:
        return SUCCESS
    return NOT_SO


def opposite(truth: Truth) -> Truth:
    """Negate what may not be known."""
    if truth is None:
        return None
    return not truth


def either(one: Truth, other: Truth) -> Truth:
    """Tell whether one of two holds."""
    if one or other:
        return True
    if None in (one, other):
        return None
    return False


def both(one: Truth, other: Truth) -> Truth:
    """Tell whether both hold."""
    return opposite(either(opposite(one), opposite(other)))
