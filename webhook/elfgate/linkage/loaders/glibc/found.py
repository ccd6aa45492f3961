"""The outcomes of a search of glibc's loader."""

from dataclasses import dataclass

from elfgate.elf.facts import ElfFacts
from elfgate.linkage.loaders.passed import Passed
from elfgate.linkage.values import Doubt


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is taken.

    Attributes:
        name: The path under which it was opened, absolute.
        path: Its real path.
        facts: What it says.
        doubt: Why another may be taken.
        level: The CPU level without which it would not have been looked at, if the node's is not
            known.
    """

    name: str
    path: str
    facts: ElfFacts
    doubt: Doubt | None = None
    level: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that ends the start, even if a good one follows."""

    path: str
    wrong: str
    doubt: Doubt | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """No file was taken.

    Attributes:
        doubt: Why there may be one.
        passed: The first file of that name that was passed over.
        other_class: One of another class was.
        too_new: A file of that name that wants a newer kernel, which was skipped.
    """

    doubt: Doubt | None = None
    passed: Passed | None = None
    other_class: bool = False
    too_new: str = ""


@dataclass(slots=True)
class Query:
    """A search, and what made it doubtful or was passed over; see ``NotFound``."""

    doubt: Doubt | None
    passed: Passed | None = None
    other_class: bool = False
    too_new: str = ""
