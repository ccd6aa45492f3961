"""Values that may not be known: one that is not is a value of its own, with its reason.

``str | Unknown`` cannot be used as a text before it was asked whether it is one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from elfgate.errors import UnknownReason


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is not known.

    Attributes:
        because: One clause, for people.
        number: It is a whole number for sure.
        guess: The value that it had before, of a variable by which something is searched.
    """

    because: str = field(compare=False)
    number: bool = False
    guess: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why something that was found out may be otherwise: what rests on it cannot be asserted.

    Attributes:
        reason: For policy.
        because: One clause, for people.
    """

    reason: UnknownReason
    because: str


class Unset(Enum):
    """A variable without a value."""

    UNSET = 0


UNSET = Unset.UNSET
Scalar = str | Unknown
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

    def behind(self, *words: str) -> "Fields":
        """Put words before them, however many there are."""
        return Fields((*words, *self.values), self.more)

    @property
    def known(self) -> tuple[str, ...] | None:
        """All of them; None if one is not known, or others may follow."""
        if self.more is not None:
            return None
        known = tuple([value for value in self.values if isinstance(value, str)])
        if len(known) < len(self.values):
            return None
        return known

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
