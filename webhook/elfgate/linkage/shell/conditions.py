"""The parts that the tests of ``[`` and ``[[`` share: files, variables, texts and statuses.

Sources: POSIX.1-2017, test(1); bash(1), "CONDITIONAL EXPRESSIONS"; dash ``test.c``; busybox
``coreutils/test.c``.
"""

import operator
import re
from collections.abc import Callable, Mapping

from elfgate.linkage.shell import files
from elfgate.linkage.shell.joining import MAY_BE_UNSET
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.values import (
    Truth,
    UnknownStatus,
)
from elfgate.linkage.shell.world import Thing, World
from elfgate.linkage.values import UNSET, Fields, Scalar, Unknown

NUMBERS: Mapping[str, Callable[[int, int], bool]] = {
    "-eq": operator.eq,
    "-ne": operator.ne,
    "-gt": operator.gt,
    "-lt": operator.lt,
    "-ge": operator.ge,
    "-le": operator.le,
}
TEXTS = frozenset({"=", "==", "!="})
OF_FILES = frozenset({"-nt", "-ot", "-ef"})
_LETTERS = frozenset("abcdefghkprstuwxGLNOS")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAMED = {
    "errexit": "e",
    "nounset": "u",
    "noglob": "f",
    "allexport": "a",
    "pipefail": "pipefail",
}


class Expansionless:
    """A unary test's question to the shell, without expansions."""

    def __init__(self, state: State, world: World) -> None:
        self.state = state
        self.world = world

    def is_set(self, name: str) -> Truth:
        """Tell whether a variable is set."""
        value = self.state.variables.values.get(name)
        if value is None:
            value = self.world.variable(name)
        if isinstance(value, Fields):  # of an array, the first element counts
            return None if value.more is not None and not value.values else bool(value.values)
        if isinstance(value, Unknown):
            if value.because != MAY_BE_UNSET and self.world.is_surely_set(name):
                return True
            return None
        return value is not UNSET


def unary(name: str, value: Scalar, setting: Expansionless) -> Truth:
    """Decide ``-x VALUE``."""
    if isinstance(value, Unknown):
        return True if name == "-n" and value.number else None
    if name in {"-z", "-n"}:
        return bool(value) is (name == "-n")
    if name == "-v":
        return setting.is_set(value) if _NAME.fullmatch(value) else None
    if name == "-o":
        return _NAMED.get(value, value) in setting.state.has
    if name[1] in _LETTERS and name != "-t":
        return files.test(name[1], value, setting.state, setting.world)
    return None


def by_status(left: Scalar, how: str, right: Scalar) -> Truth:
    """Decide a comparison of ``$?`` with 0, of which only that it is not 0 is known."""
    if not has_failed(left) or right != "0":
        return None
    return {
        "-eq": False,
        "-ne": True,
        "-gt": True,
        "-le": False,
        "-ge": True,
        "-lt": False,
    }[how]


def has_failed(value: Scalar) -> bool:
    """Tell whether a value is ``$?`` of a command that has failed."""
    return isinstance(value, UnknownStatus) and value.status.ok is False


def texts_compared(left: Scalar, how: str, right: Scalar) -> Truth:
    """Decide ``=`` and its kin."""
    if isinstance(left, Unknown):
        differs = has_failed(left) and right == "0" and how in TEXTS
        return how == "!=" if differs else None
    if isinstance(right, Unknown):
        return None
    if how in TEXTS:
        return (left == right) is (how != "!=")
    if not (left.isascii() and right.isascii() and left.isalnum() and right.isalnum()):
        return None  # their order is the locale's
    if left.islower() is not right.islower() or left.isdigit() is not right.isdigit():
        return None
    return left < right if how == "<" else left > right


def same_file(left: Scalar, how: str, right: Scalar, state: State, world: World) -> Truth:
    """Decide ``-ef``; which file is newer is not known."""
    if isinstance(left, Unknown) or isinstance(right, Unknown) or how != "-ef":
        return None
    one, other = files.look(left, state, world), files.look(right, state, world)
    if isinstance(one, Thing) and isinstance(other, Thing):
        if one.path == other.path:
            return True
        return None
    return None


def is_text(value: Scalar) -> Truth:
    """Decide the test of a text alone: it holds if the text is not empty."""
    if isinstance(value, Unknown):
        if value.number:
            return True
        return None
    return bool(value)
