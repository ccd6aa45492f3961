"""A reader of shell scripts, as far as it takes to see what a script runs: words, and the commands that they make.

Source: POSIX.1-2017, Shell Command Language, 2.2 to 2.10. Whatever is not understood raises ``NotUnderstoodError``, and
the script is then judged no further than its interpreter.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from elfgate.linkage.shell.readings import Readings
from elfgate.linkage.shell.words import Kind, NotUnderstoodError, Part, Word, words_of

_DEPTH = 40
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[[^]]*\])?\+?=")


@dataclass(frozen=True, slots=True)
class Simple:
    """A simple command.

    Attributes:
        assignments: The leading ``NAME=value`` words.
        command: The command's name and arguments.
        redirects: Its redirections.
    """

    assignments: tuple[Word, ...]
    command: tuple[Word, ...]
    redirects: "tuple[Redirect, ...]" = ()

    @property
    def words(self) -> tuple[Word, ...]:
        """All of its words, assignments first."""
        return self.assignments + self.command


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirection.

    Attributes:
        operator: ``<``, ``>>`` and so on.
        word: What stands behind it.
    """

    operator: str
    word: Word


@dataclass(frozen=True, slots=True)
class Chain:
    """``A && B || C``: pipelines, and the operator before each but the first."""

    nodes: "tuple[Node, ...]"
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pipe:
    """``A | B``: each has a process of its own."""

    nodes: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """``! A``."""

    node: "Node"


@dataclass(frozen=True, slots=True)
class If:
    """``if``, each condition with its body; the ``else`` has none."""

    branches: "tuple[tuple[Body | None, Body], ...]"


@dataclass(frozen=True, slots=True)
class Case:
    """``case``: the word, and each list of patterns with its body."""

    word: Word
    branches: "tuple[tuple[tuple[Word, ...], Body], ...]"


@dataclass(frozen=True, slots=True)
class For:
    """``for``: the variable, the words that it takes (None if they cannot be read), and the body."""

    name: str
    words: tuple[Word, ...] | None
    body: "Body"


@dataclass(frozen=True, slots=True)
class Loop:
    """``while``, or ``until``."""

    condition: "Body"
    body: "Body"
    until: bool

    @property
    def reads(self) -> bool:
        """It ends with its input, and cannot go on for ever."""
        first = self.condition[0] if self.condition else None
        return isinstance(first, Simple) and [word.text for word in first.command[:1]] == ["read"]


@dataclass(frozen=True, slots=True)
class Group:
    """``{ … }``, or any with redirections; or what has a process of its own: ``( … )``, what is followed by ``&``."""

    body: "Body"
    kind: str
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """A function's definition."""

    name: str
    body: "Body"


Node = Simple | Chain | Pipe | Not | If | Case | For | Loop | Group | Function
Body = tuple[Node, ...]


_readings: Readings[Body] = (
    Readings()
)  # an image's script is met with every command and on every platform


def parse(text: str) -> Body:
    """Read a script.

    Args:
        text: All of it.

    Returns:
        Its commands, in order.

    Raises:
        NotUnderstoodError: if it is not plain enough.
    """
    return _readings.of(text, _parsed)


def _parsed(text: str) -> Body:
    if "\r" in text:
        raise NotUnderstoodError("carriage returns are part of words")
    parser = _Parser(tuple(words_of(text)))
    body = parser.body(())
    if not parser.at_end():
        raise NotUnderstoodError("a command ends where none began")
    return body


class _Parser:
    """Recursive descent over the words."""

    def __init__(self, words: tuple[Word, ...]) -> None:
        self._words = words
        self._at = 0
        self._depth = 0

    def at_end(self) -> bool:
        return self._at >= len(self._words)

    def body(self, until: tuple[str, ...]) -> Body:
        """Read commands up to one of these reserved words or operators, which is not taken."""
        nodes: list[Node] = []
        while True:
            while self._is("\n", ";", "&"):
                self._at += 1
            if self.at_end() or self._is(*until) or self._is(")", ";;"):
                return tuple(nodes)
            nodes.append(self._chain())

    def _is(self, *raws: str) -> bool:
        return not self.at_end() and self._words[self._at].raw in raws

    def _take(self, *raws: str) -> Word:
        if self.at_end() or (raws and not self._is(*raws)):
            raise NotUnderstoodError(f"no {raws} where one is due")
        self._at += 1
        return self._words[self._at - 1]

    def _skip_newlines(self) -> None:
        while self._is("\n"):
            self._at += 1

    def _chain(self) -> Node:
        nodes, operators = [self._pipeline()], []
        while self._is("&&", "||"):
            operators.append(self._take().raw)
            self._skip_newlines()
            nodes.append(self._pipeline())
        node = Chain(tuple(nodes), tuple(operators)) if operators else nodes[0]
        return Group((node,), "&") if self._is("&") else node

    def _pipeline(self) -> Node:
        if self._is("!"):
            self._at += 1
            return Not(self._pipeline())
        nodes = [self._command()]
        while self._is("|"):
            self._at += 1
            self._skip_newlines()
            nodes.append(self._command())
        return Pipe(tuple(nodes)) if len(nodes) > 1 else nodes[0]

    def _command(self) -> Node:
        self._depth += 1
        if self._depth > _DEPTH:
            raise NotUnderstoodError("nested too deep")
        node = self._any_command()
        self._depth -= 1
        return node

    def _any_command(self) -> Node:
        readers = {
            "if": self._if,
            "case": self._case,
            "while": self._loop,
            "until": self._loop,
            "for": self._for,
        }
        word = self._words[self._at] if not self.at_end() else _NOTHING
        if word.raw in readers:
            node = readers[word.raw]()
        elif word.raw in ("{", "("):
            node = self._group()
        elif word.raw == "function" or self._defines():
            node = self._function()
        else:
            return self._simple()
        redirects: list[Redirect] = []
        self._redirections(redirects)
        return Group((node,), "{", tuple(redirects)) if redirects else node

    def _defines(self) -> bool:
        return [word.raw for word in self._words[self._at + 1 : self._at + 3]] == ["(", ")"]

    def _function(self) -> Node:
        if self._is("function"):
            self._at += 1
        name = self._take().text
        if self._is("("):
            self._take("(")
            self._take(")")
        self._skip_newlines()
        return Function(name, (self._command(),))

    def _group(self) -> Node:
        opened = self._take("{", "(").raw
        body = self.body(("}",) if opened == "{" else (")",))
        self._take("}" if opened == "{" else ")")
        return Group(body, opened)

    def _if(self) -> Node:
        branches: list[tuple[Body | None, Body]] = []
        while self._take("if", "elif", "else", "fi").raw != "fi":
            keyword = self._words[self._at - 1].raw
            condition = None
            if keyword != "else":
                condition = self.body(("then",))
                self._take("then")
            branches.append((condition, self.body(("elif", "else", "fi"))))
        return If(tuple(branches))

    def _loop(self) -> Node:
        until = self._take("while", "until").raw == "until"
        condition = self.body(("do",))
        return Loop(condition, self._do(), until)

    def _for(self) -> Node:
        self._take("for")
        name = self._take()
        words: list[Word] | None = [_ALL] if name.raw.isidentifier() else None
        self._skip_newlines()
        if words is not None and self._is("in"):
            self._at += 1
            words = []
            while not self.at_end() and not self._words[self._at].operator:
                words.append(self._take())
        while not self._is("do"):
            self._take()
        return For(name.text, None if words is None else tuple(words), self._do())

    def _do(self) -> Body:
        self._take("do")
        body = self.body(("done",))
        self._take("done")
        return body

    def _case(self) -> Node:
        self._take("case")
        word = self._take()
        self._skip_newlines()
        self._take("in")
        branches: list[tuple[tuple[Word, ...], Body]] = []
        self._skip_newlines()
        while not self._is("esac"):
            branches.append((self._patterns(), self.body(("esac",))))
            if self._is(";;"):
                self._at += 1
            self._skip_newlines()
        self._take("esac")
        return Case(word, tuple(branches))

    def _patterns(self) -> tuple[Word, ...]:
        if self._is("("):
            self._at += 1
        patterns = [self._take()]
        while self._is("|"):
            self._at += 1
            patterns.append(self._take())
        self._take(")")
        return tuple(patterns)

    def _simple(self) -> Simple:
        words: list[Word] = []
        redirects: list[Redirect] = []
        start = self._at
        while not self.at_end():
            if self._redirections(redirects):
                continue
            word = self._words[self._at]
            if word.operator:
                break
            self._at += 1
            words.append(self._array(word) if self._is("(") else word)
            if len(words) == 1 and word.raw == "[[":
                words += self._test()
        if self._at == start:
            raise NotUnderstoodError("an empty command")
        first = next(
            (at for at, word in enumerate(words) if not _ASSIGNMENT.match(word.raw)), len(words)
        )
        return Simple(tuple(words[:first]), tuple(words[first:]), tuple(redirects))

    def _array(self, name: Word) -> Word:
        """Read the words of ``NAME=(…)``."""
        if not _ASSIGNMENT.fullmatch(name.raw):
            raise NotUnderstoodError("a parenthesis behind a word")
        self._take("(")
        items: list[Word] = []
        while not self._is(")"):
            word = self._take()
            if word.operator and word.raw != "\n":
                raise NotUnderstoodError("an operator in a list")
            items += () if word.operator else (word,)
        self._take(")")
        return replace(name, items=tuple(items))

    def _test(self) -> Iterator[Word]:
        """Read the rest of ``[[ … ]]``, whose operators are words."""
        while not self._is("]]"):
            yield self._take()
        yield self._take("]]")

    def _redirections(self, redirects: list[Redirect]) -> bool:
        """Read redirections: the file descriptor before, the operator, the word after."""
        start = self._at
        while not self.at_end():
            here = self._at + self._words[self._at].raw.isdecimal()
            operator = self._words[here] if here < len(self._words) else _NOTHING
            if not operator.operator or not (operator.raw[0] in "<>" or operator.raw == "&>"):
                break
            if here + 1 >= len(self._words) or self._words[here + 1].operator:
                raise NotUnderstoodError("a redirection to nothing")
            redirects.append(Redirect(operator.raw, self._words[here + 1]))
            self._at = here + 2
        return self._at > start


_NOTHING = Word("")
_ALL = Word('"$@"', (Part(Kind.PARAMETER, "@", quoted=True),))
