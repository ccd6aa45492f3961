"""A process's environment: variables that are known, and those whose values come from elsewhere.

Sources: the Kubernetes container spec (``env`` outranks ``envFrom``, which outranks the image's
config), environ(7).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from elfgate.errors import UnknownReason
from elfgate.linkage.reads import ANY, Reads
from elfgate.linkage.values import UNSET, Doubt, Scalar, Unknown, Unset


@dataclass(frozen=True, slots=True)
class Environment:
    """Variables by name.

    Args:
        values: Those that somebody names.
        is_open: A source that tells no names, such as ``envFrom``, may set any but the settled.
        settled: Names whose values nothing else replaces.
        reads: Notes each name that is asked for.
    """

    _values: Mapping[str, Scalar] = field(default_factory=dict)
    is_open: bool = False
    settled: frozenset[str] = frozenset()
    reads: Reads = field(default_factory=Reads, compare=False)

    @staticmethod
    def of(
        texts: Mapping[str, str],
        unknown: frozenset[str],
        settled: frozenset[str],
        reads: Reads | None = None,
    ) -> "Environment":
        """Put an environment together.

        Args:
            texts: Values as the image and the pod give them.
            unknown: Names whose values come from elsewhere; ``ANY`` for any but the settled.
            settled: Names whose values nothing else replaces.
            reads: Notes each name that is asked for, if somebody wants to know.
        """
        values: dict[str, Scalar] = {**texts}
        for name in unknown - {ANY}:
            because = f"the value of {name} comes from elsewhere"
            values[name] = Unknown(because, guess=texts.get(name, ""))
        return Environment(values, ANY in unknown, settled, reads or Reads())

    def get(self, name: str) -> Scalar | Unset:
        """Give a variable's value.

        The guess of one that may be replaced is what replaces it not.
        """
        value = self.stated(name)
        if not self.is_open or name in self.settled or isinstance(value, Unknown):
            return value
        return Unknown(f"{name} may be set by a ConfigMap or Secret", guess=guess_of(value))

    def stated(self, name: str) -> Scalar | Unset:
        """Give the value that somebody names, whatever may replace it."""
        self.reads.note(name)
        return self._values.get(name, UNSET)

    def names(self, name: str) -> bool:
        """Tell whether somebody names the variable, be its value known or not."""
        self.reads.note(name)
        return name in self._values

    def beginning(self, text: str) -> list[str]:
        """Give the names that begin so; all of them if the text is empty."""
        self.reads.note(text + ANY)
        return [name for name in self._values if name.startswith(text)]

    @property
    def key(self) -> tuple[object, ...]:
        """All of it, to be compared with one that was made of the same variables.

        So nothing of it counts as read: both differ in what somebody set on the way only.
        """
        return tuple(sorted(self._values.items(), key=_name)), self.is_open, self.settled

    def lengths(self) -> list[int]:
        """Give the characters of each name and of each probable value."""
        values = map(guess_of, self._values.values())
        return [*map(len, self._values), *map(len, values)]

    @property
    def count(self) -> int:
        """How many variables somebody names."""
        return len(self._values)

    def texts(self) -> Iterator[tuple[str, str, bool]]:
        """Each variable's name and probable value, and whether that is known."""
        for name in self.beginning(""):
            value = self.get(name)
            yield name, guess_of(value), isinstance(value, str)

    def having(self, values: Mapping[str, Scalar | Unset]) -> "Environment":
        """Set or remove variables."""
        mine = dict(self._values)
        for name, value in values.items():
            if isinstance(value, Unset):
                mine.pop(name, None)
            else:
                mine[name] = value
        return Environment(mine, self.is_open, self.settled | frozenset(values), self.reads)


def _name(item: tuple[str, Scalar]) -> str:
    return item[0]


def guess_of(value: Scalar | Unset) -> str:
    """Give the text that a variable probably has; ``doubt_of`` is about all that rests on it."""
    if isinstance(value, Unknown):
        return value.guess
    if isinstance(value, Unset):
        return ""
    return value


def doubt_of(*values: Scalar | Unset) -> Doubt | None:
    """Give the doubt about what rests on values; None if all are known."""
    unknown = next((value for value in values if isinstance(value, Unknown)), None)
    if unknown is None:
        return None
    return Doubt(UnknownReason.VALUE_UNKNOWN, unknown.because)


def listed(*values: Scalar | Unset) -> Scalar:
    """Put values behind one another with blanks between, as is done to lists of libraries."""
    whole = " ".join(map(guess_of, values))
    unknown = next((value for value in values if isinstance(value, Unknown)), None)
    if unknown is None:
        return whole
    return replace(unknown, guess=whole)
