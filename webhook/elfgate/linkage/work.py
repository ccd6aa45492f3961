"""The work that one prediction may cost.

Work is counted in units of about a microsecond, so that a verdict does not depend on the machine's
speed. A prediction and all its trials share one ``Work``. A thing that is remembered from an
earlier prediction costs as much as it would if it were not: else a verdict would depend on what was
predicted before.
"""

from collections.abc import Hashable

# A quarter of a second on a slow core. The dearest program of Debian (144 libraries) takes a fifth
# of it.
MOST = 150_000

TRIALS = 100  # programs that may be started to see what a script makes of their end

LOOKUP = 8  # units of a look-up of a path, besides one for each component; the same for a symlink
CHARACTERS = 64  # of a string that a unit copies or splits
NAMES = 5  # of a directory that a unit lists
EXCERPT_BYTES = 60  # of an ELF file's excerpt that a unit decodes


class WorkExhaustedError(Exception):
    """A prediction has cost all the work that it may. ``predict`` turns it into an unknown."""


class Work:
    """A budget of work. It is mutable, and for one prediction.

    Args:
        units: The work that it allows.
    """

    __slots__ = ("_left", "_paid", "_trials")

    def __init__(self, units: int = MOST) -> None:
        self._left = units
        self._paid: set[Hashable] = set()
        self._trials = TRIALS

    @property
    def left(self) -> int:
        """Units that are left."""
        return self._left

    def may_try(self) -> bool:
        """Count a program that a script may start; False if no more may be tried."""
        self._trials -= 1
        return self._trials >= 0

    def spend(self, units: int) -> None:
        """Count work; fractions of a unit are the caller's to collect.

        Args:
            units: At least 0.

        Raises:
            WorkExhaustedError: if that is more than is left.
        """
        self._left -= units
        if self._left < 0:
            raise WorkExhaustedError

    def spend_once(self, key: Hashable, units: int) -> None:
        """Count work that is done once in a prediction, however often its result is asked for.

        Args:
            key: Identifies the work within this prediction.
            units: At least 0.

        Raises:
            WorkExhaustedError: if that is more than is left.
        """
        if key not in self._paid:
            self._paid.add(key)
            self.spend(units)
