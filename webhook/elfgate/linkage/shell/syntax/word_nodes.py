"""The nodes of a word: its parts, and what is done to a parameter's value.

Nodes are compared by identity: a script is parsed once, and two equal texts at two places are two
nodes.

Source: POSIX.1-2017, Shell Command Language, 2.6; bash(1), "EXPANSION".
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from elfgate.linkage.shell.syntax.arithmetic_nodes import Expression
    from elfgate.linkage.shell.syntax.nodes import Body


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """Characters of a word; in quotes, they are neither split nor matched to files."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Default:
    """``-``, ``=``, ``+`` or ``?`` of ``${name-word}``; with a colon, empty counts as unset."""

    operator: Literal["-", "=", "+", "?"]
    colon: bool
    word: "Word"


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """``#``, ``##``, ``%`` or ``%%``: takes away what matches at one end."""

    pattern: "Word"
    at_end: bool
    longest: bool


@dataclass(frozen=True, slots=True, eq=False)
class Replace:
    """``/``: the first match, ``//`` all, ``/#`` one at the start, ``/%`` one at the end."""

    pattern: "Word"
    replacement: "Word | None"
    where: Literal["first", "all", "start", "end"]


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """``:offset:length`` of a text or of a list."""

    offset: "Expression"
    length: "Expression | None"


@dataclass(frozen=True, slots=True, eq=False)
class ChangeCase:
    """``^``, ``^^``, ``,`` or ``,,``."""

    upper: bool
    everywhere: bool
    pattern: "Word | None"


@dataclass(frozen=True, slots=True, eq=False)
class BadOperation:
    """An operation that the shell does not have: the script ends there."""

    text: str


Operation = Default | Strip | Replace | Slice | ChangeCase | BadOperation


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """``$name`` or ``${…}``.

    Attributes:
        name: A variable, a number or one of ``@*#?$!-``.
        operation: What is done to its value.
        index: Of ``name[index]``.
        length: ``${#name}``.
        indirect: ``${!name}``: its value is the name of the one that counts.
        prefix: ``${!name@}``: the names that begin so; or ``${!name[@]}``, the keys.
        quoted: It stands in double quotes.
        bare: It is a variable or an argument, and nothing is done to its value.
    """

    name: str
    operation: Operation | None = None
    index: "Word | None" = None
    length: bool = False
    indirect: bool = False
    prefix: bool = False
    quoted: bool = False
    bare: bool = field(init=False)

    def __post_init__(self) -> None:
        changed = self.operation or self.index or self.length or self.indirect or self.prefix
        object.__setattr__(self, "bare", not changed and self.name not in {"@", "*"})


@dataclass(frozen=True, slots=True, eq=False)
class Substitution:
    """``$(…)`` or backquotes."""

    body: "Body"
    quoted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Arithmetic:
    """``$((…))``."""

    expression: "Expression"
    quoted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ProcessSubstitution:
    """``<(…)`` or ``>(…)``: a name like ``/dev/fd/63``."""

    body: "Body"
    quoted: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class OpaquePart:
    """A part that is not understood: its value is unknown, and the script may end there."""

    text: str
    quoted: bool = False


Part = Text | Parameter | Substitution | Arithmetic | ProcessSubstitution | OpaquePart


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """A word.

    Attributes:
        parts: What it is made of, in order; none of an empty text in no quotes.
        literal: Its text, quotes removed, if it holds no expansion; else None.
        plain: It stands for itself: nothing of it is expanded, split or matched to files.
        whole: It comes to one word for sure, which is neither split nor matched to files.
    """

    parts: tuple[Part, ...]
    literal: str | None
    plain: bool
    whole: bool = False


EMPTY = Word((), "", plain=False)


def word_of(parts: tuple[Part, ...]) -> Word:
    """Make a word of its parts."""
    texts = [part for part in parts if isinstance(part, Text)]
    if len(texts) < len(parts):
        return Word(parts, None, plain=False, whole=all(map(_is_whole, parts)))
    literal = "".join(text.text for text in texts)
    plain = bool(parts) and not any(is_active(text) for text in texts)
    return Word(parts, literal, plain)


def _is_whole(part: Part) -> bool:
    """Tell whether a part adds one text to a word, whatever it holds."""
    if isinstance(part, Parameter):
        return part.quoted and part.bare
    return part.quoted


def is_active(text: Text) -> bool:
    """Tell whether a text may stand for other words than itself: patterns, tildes, braces."""
    if text.quoted:
        return False
    return not _ACTIVE.isdisjoint(text.text) or "]" in text.text.partition("[")[2]


_ACTIVE = frozenset("*?~{(")
