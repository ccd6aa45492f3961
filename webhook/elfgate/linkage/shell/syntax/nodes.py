"""The nodes of a script's commands.

Nodes are compared by identity, as those of words are.

Source: POSIX.1-2017, Shell Command Language, 2.9 and 2.10; bash(1), "SHELL GRAMMAR".
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from elfgate.linkage.shell.syntax.arithmetic_nodes import Expression
from elfgate.linkage.shell.syntax.conditional_nodes import Test
from elfgate.linkage.shell.syntax.word_nodes import EMPTY, Word


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
