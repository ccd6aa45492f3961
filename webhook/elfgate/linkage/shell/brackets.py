"""The tests of ``test`` and ``[``, whose form the number of their arguments decides.

Sources: POSIX.1-2017, test(1); dash ``test.c``; busybox ``coreutils/test.c``.
"""

import re
from collections.abc import Sequence

from elfgate.linkage.shell.conditions import (
    NUMBERS,
    OF_FILES,
    TEXTS,
    Expansionless,
    by_status,
    is_text,
    same_file,
    texts_compared,
    unary,
)
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.values import (
    Truth,
    both,
    either,
    opposite,
)
from elfgate.linkage.shell.world import World
from elfgate.linkage.values import Scalar, Unknown

_BINARY = {*NUMBERS, *TEXTS, *OF_FILES, "=~", "<", ">"}
_UNARY = re.compile(r"-[a-zA-Z]")
_NOT_OF_DASH = frozenset({"-N", "-R", "-a", "-o", "-v"})
_DECIMAL = re.compile(r"[ \t\n\v\f\r]*[-+]?[0-9]+[ \t\n\v\f\r]*")
_PLAIN = re.compile(r"[-+]?(0|[1-9][0-9]{0,8})")
_GREATEST = 1 << 63
_MOST = 64  # words of a test: of a longer one nothing is known


class TestError(Exception):
    """A test that is none: its status is 2."""

    __test__ = False


class Brackets:
    """Decides ``test`` and ``[``.

    Args:
        values: The arguments, without a closing bracket.
        state: Where the script stands.
        world: The files, and the shell.
    """

    def __init__(self, values: Sequence[Scalar], state: State, world: World) -> None:
        self._values = list(values)
        self._state = state
        self._world = world
        self._at = 0

    def decide(self) -> Truth:
        """Decide it.

        Raises:
            TestError: if it is no test.
        """
        if len(self._values) > _MOST:
            return None
        return self._by_count(self._values)

    def _by_count(self, values: Sequence[Scalar]) -> Truth:
        """Decide it as POSIX says, by the number of arguments."""
        count = len(values)
        if count == 0:
            return False
        if count == 1:
            return is_text(values[0])
        if count == 2:
            return self._of_two(values)
        if count == 3:
            return self._of_three(values)
        if count == 4 and values[0] == "!":
            return opposite(self._by_count(values[1:]))
        return self._whole(values)

    def _of_two(self, values: Sequence[Scalar]) -> Truth:
        if values[0] == "!":
            return opposite(is_text(values[1]))
        if isinstance(values[0], Unknown):
            return None
        return self._unary(values[0], values[1])

    def _of_three(self, values: Sequence[Scalar]) -> Truth:
        if isinstance(values[1], Unknown):
            return None
        if values[1] in _BINARY:
            return self._binary(values[0], values[1], values[2])
        if values[1] in {"-a", "-o"}:
            joined = both if values[1] == "-a" else either
            return joined(is_text(values[0]), is_text(values[2]))
        if values[0] == "!":
            return opposite(self._by_count(values[1:]))
        if values[0] == "(" and values[2] == ")":
            return is_text(values[1])
        if isinstance(values[0], Unknown):
            return None
        raise TestError

    def _whole(self, values: Sequence[Scalar]) -> Truth:
        """Decide ``A -o B -a ! C``, of which ``-a`` binds closer."""
        self._values, self._at = list(values), 0
        truth = self._any()
        if self._at < len(self._values):
            if any(isinstance(value, Unknown) for value in values):
                return None
            raise TestError
        return truth

    def _any(self) -> Truth:
        truth = self._all()
        while self._takes("-o"):
            truth = either(truth, self._all())
        return truth

    def _all(self) -> Truth:
        truth = self._one()
        while self._takes("-a"):
            truth = both(truth, self._one())
        return truth

    def _takes(self, text: str) -> bool:
        if self._at < len(self._values) and self._values[self._at] == text:
            self._at += 1
            return True
        return False

    def _one(self) -> Truth:
        rest = self._values[self._at :]
        if not rest:
            raise TestError
        if len(rest) > 2 and isinstance(rest[1], str) and rest[1] in _BINARY:
            self._at += 3
            return self._binary(rest[0], rest[1], rest[2])
        if self._takes("!"):
            return opposite(self._one())
        if self._takes("("):
            truth = self._any()
            if not self._takes(")"):
                raise TestError
            return truth
        if isinstance(rest[0], str) and _UNARY.fullmatch(rest[0]) and len(rest) > 1:
            self._at += 2
            return self._unary(rest[0], rest[1])
        self._at += 1
        return is_text(rest[0])

    def _unary(self, name: str, value: Scalar) -> Truth:
        if not _UNARY.fullmatch(name):
            raise TestError
        if name in _NOT_OF_DASH and not self._world.dialect.arrays:
            return self._beyond_posix()
        return unary(name, value, Expansionless(self._state, self._world))

    def _beyond_posix(self) -> Truth:
        """Decide a test that dash does not have, nor all releases of busybox."""
        if self._world.dialect.name == "dash":
            raise TestError
        return None

    def _binary(self, left: Scalar, how: str, right: Scalar) -> Truth:
        if how == "==" and not self._world.dialect.equals_twice:
            raise TestError
        if how == "=~":
            return None
        if how in NUMBERS:
            return self._compared(left, how, right)
        if how in OF_FILES:
            return same_file(left, how, right, self._state, self._world)
        return texts_compared(left, how, right)

    def _compared(self, left: Scalar, how: str, right: Scalar) -> Truth:
        known = by_status(left, how, right)
        if known is not None:
            return known
        numbers = [self._number(value) for value in (left, right)]
        if None in numbers:
            return None
        return NUMBERS[how](numbers[0] or 0, numbers[1] or 0)

    def _number(self, value: Scalar) -> int | None:
        if isinstance(value, Unknown):
            return None
        if not self._world.dialect.counts_as_c:
            return self._expression(value)
        if not _DECIMAL.fullmatch(value):
            if not value.strip() and not self._world.dialect.is_bash:
                return None  # busybox takes it for 0
            raise TestError
        number = int(value[:25])
        if len(value) > 25 or not -_GREATEST <= number < _GREATEST:
            raise TestError
        return number

    def _expression(self, value: str) -> int | None:
        """Read an operand of mksh: an expression; of one that is no plain number nothing is known."""
        return int(value) if _PLAIN.fullmatch(value) else None
