"""The nodes of a parsed script, down to the parts of words.

Nodes are compared by identity: a script is parsed once, and two equal texts at two places are two
nodes.

Source: POSIX.1-2017, Shell Command Language, 2.6, 2.9 and 2.10; bash(1), "SHELL GRAMMAR".
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from elfgate.linkage.shell.syntax.arithmetic_nodes import Expression
from elfgate.linkage.shell.syntax.conditional_nodes import Test


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


@dataclass(slots=True, eq=False)
class HereDocument:
    """A here-document: its text comes behind the line, when its command is read already."""

    word: Word = EMPTY


@dataclass(frozen=True, slots=True, eq=False)
class Redirect:
    """A redirection.

    Attributes:
        operator: ``<``, ``>>`` and so on.
        target: What stands behind it; the delimiter of a here-document.
        descriptor: The number before it, or empty.
        document: A here-document's text; None for others.
    """

    operator: str
    target: Word
    descriptor: str = ""
    document: HereDocument | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """``name=value``, ``name[index]=value``, ``name+=value`` or ``name=(…)``."""

    name: str
    value: "Word | ArrayLiteral"
    index: Word | None = None
    append: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ArrayLiteral:
    """``(word …)``; ``keyed`` if an element names its index."""

    words: tuple[Word, ...]
    keyed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Simple:
    """A simple command.

    Attributes:
        assignments: Those before its words.
        words: Its name and its operands, and assignments behind ``export`` and its kin.
        redirects: Its redirections.
        expanded: The words among ``words``.
        literals: Those, if they all stand for themselves.
    """

    assignments: tuple[Assignment, ...]
    words: tuple[Word | Assignment, ...]
    redirects: tuple[Redirect, ...] = ()
    expanded: tuple[Word, ...] = field(init=False)
    literals: tuple[str, ...] | None = field(init=False)

    def __post_init__(self) -> None:
        expanded = tuple(word for word in self.words if isinstance(word, Word))
        literals = tuple(
            word.literal for word in expanded if word.plain and word.literal is not None
        )
        object.__setattr__(self, "expanded", expanded)
        object.__setattr__(self, "literals", literals if len(literals) == len(expanded) else None)


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """``a && b || c``: pipelines, and the operator before each but the first."""

    nodes: "tuple[Node, ...]"
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pipe:
    """``a | b``: each has a process of its own."""

    nodes: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class Not:
    """``! a``."""

    node: "Node"


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """``a &``."""

    node: "Node"


@dataclass(frozen=True, slots=True, eq=False)
class If:
    """``if``: each condition with its body; the ``else`` has no condition."""

    branches: "tuple[tuple[Body | None, Body], ...]"


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """One branch of ``case``; ``end`` is ``;;``, ``;&`` or ``;;&``."""

    patterns: tuple[Word, ...]
    body: "Body"
    end: str = ";;"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """``case``."""

    word: Word
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True, eq=False)
class For:
    """``for name in words``; without ``in``, ``words`` is None."""

    name: str
    words: tuple[Word, ...] | None
    body: "Body"


@dataclass(frozen=True, slots=True, eq=False)
class ForArithmetic:
    """``for ((first; condition; step))``; a part that is left out is None."""

    first: Expression | None
    condition: Expression | None
    step: Expression | None
    body: "Body"


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """``while``, or ``until``."""

    condition: "Body"
    body: "Body"
    until: bool


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """``{ … }``."""

    body: "Body"


@dataclass(frozen=True, slots=True, eq=False)
class Subshell:
    """``( … )``."""

    body: "Body"


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function's definition."""

    name: str
    body: "Node"


@dataclass(frozen=True, slots=True, eq=False)
class DoubleBracket:
    """``[[ … ]]``."""

    test: Test


@dataclass(frozen=True, slots=True, eq=False)
class DoubleParenthesis:
    """``((…))``."""

    expression: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Redirected:
    """A compound command with redirections."""

    node: "Node"
    redirects: tuple[Redirect, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Opaque:
    """A command that is not understood: what follows it is unknown, if it is reached.

    Attributes:
        why: One clause, for people.
    """

    why: str


Node = (
    Simple
    | Chain
    | Pipe
    | Not
    | Background
    | If
    | Case
    | For
    | ForArithmetic
    | Loop
    | Group
    | Subshell
    | Function
    | DoubleBracket
    | DoubleParenthesis
    | Redirected
    | Opaque
)
Body = tuple[Node, ...]
Spend = Callable[[int], None]


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
