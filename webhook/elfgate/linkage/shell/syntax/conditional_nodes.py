"""The nodes of a test between ``[[`` and ``]]``.

Source: bash(1), "CONDITIONAL EXPRESSIONS".
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elfgate.linkage.shell.syntax.word_nodes import Word


@dataclass(frozen=True, slots=True, eq=False)
class UnaryTest:
    """``-f word`` within ``[[ … ]]``; ``-n`` for a bare word."""

    operator: str
    word: "Word"


@dataclass(frozen=True, slots=True, eq=False)
class BinaryTest:
    """``left operator right`` within ``[[ … ]]``."""

    operator: str
    left: "Word"
    right: "Word"


@dataclass(frozen=True, slots=True, eq=False)
class NotTest:
    """``! test``."""

    test: "Test"


@dataclass(frozen=True, slots=True, eq=False)
class BothTests:
    """``one && other``."""

    one: "Test"
    other: "Test"


@dataclass(frozen=True, slots=True, eq=False)
class EitherTest:
    """``one || other``."""

    one: "Test"
    other: "Test"


Test = UnaryTest | BinaryTest | NotTest | BothTests | EitherTest
