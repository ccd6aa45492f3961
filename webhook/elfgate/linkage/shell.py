"""A reader of shell scripts, as far as it takes to see what a script runs: words, and the commands that they make.

Source: POSIX.1-2017, Shell Command Language, 2.2 to 2.10. Whatever is not understood raises ``NotUnderstoodError``, and
the script is then judged no further than its interpreter.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from elfgate.linkage.shell_words import NotUnderstoodError, Word, words_of

_DEPTH = 40
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")


@dataclass(frozen=True, slots=True)
class Simple:
    """A simple command: its words, assignments first; redirections are left out."""

    words: tuple[Word, ...]

    @property
    def assignments(self) -> tuple[Word, ...]:
        """The leading ``NAME=value`` words."""
        return self.words[: len(self.words) - len(self.command)]

    @property
    def command(self) -> tuple[Word, ...]:
        """The command's name and arguments."""
        first = next((at for at, word in enumerate(self.words) if not _ASSIGNMENT.match(word.raw)), len(self.words))
        return self.words[first:]


@dataclass(frozen=True, slots=True)
class Chain:
    """``A && B || C`` or ``A | B``: commands, and the operator before each but the first; ``!`` stands before one."""

    nodes: "tuple[Node, ...]"
    operators: tuple[str, ...] = ()


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
class Block:
    """A loop, a subshell, a group or a function's body: what may run, any number of times."""

    kind: str
    parts: "tuple[Body, ...]"
    name: str = ""


Node = Simple | Chain | If | Case | Block
Body = tuple[Node, ...]


@lru_cache(maxsize=64)  # an image's script is met with every command and on every platform
def parse(text: str) -> Body:
    """Read a script.

    Args:
        text: All of it.

    Returns:
        Its commands, in order.

    Raises:
        NotUnderstoodError: if it is not plain enough.
    """
    parser = _Parser(tuple(words_of(text)))
    body = parser.body(())
    if not parser.at_end():
        raise NotUnderstoodError("a command ends where none began")
    return body


def commands_of(node: Node) -> Iterator[Simple]:
    """Yield all simple commands below a node; a function's where it is defined."""
    if isinstance(node, Simple):
        yield node
        return
    for inner in _inner(node):
        yield from commands_of(inner)


def _inner(node: Chain | If | Case | Block) -> Iterator[Node]:
    if isinstance(node, Chain):
        yield from node.nodes
    elif isinstance(node, Block):
        for part in node.parts:
            yield from part
    elif isinstance(node, If):
        for condition, body in node.branches:
            yield from (*(condition or ()), *body)
    else:
        for _, body in node.branches:
            yield from body


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
        nodes, operators = [self._command()], []
        while self._is("&&", "||", "|"):
            operators.append(self._take().raw)
            self._skip_newlines()
            nodes.append(self._command())
        if self._is("&"):
            return Block("&", (tuple(nodes),))
        return Chain(tuple(nodes), tuple(operators)) if operators else nodes[0]

    def _command(self) -> Node:
        self._depth += 1
        if self._depth > _DEPTH:
            raise NotUnderstoodError("nested too deep")
        node = self._any_command()
        self._depth -= 1
        return node

    def _any_command(self) -> Node:
        if self._is("!"):
            self._at += 1
            return Chain((Simple(()), self._command()), ("!",))
        readers = {"if": self._if, "case": self._case, "while": self._loop, "until": self._loop, "for": self._for}
        word = self._words[self._at] if not self.at_end() else Word("", "")
        if word.raw in readers:
            node = readers[word.raw]()
        elif word.raw in ("{", "("):
            node = self._group()
        elif word.raw == "function" or self._defines():
            node = self._function()
        else:
            return self._simple()
        self._redirections()
        return node

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
        return Block("function", ((self._command(),),), name)

    def _group(self) -> Node:
        opened = self._take("{", "(").raw
        body = self.body(("}",) if opened == "{" else (")",))
        self._take("}" if opened == "{" else ")")
        return Block(opened, (body,))

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
        self._take("while", "until")
        condition = self.body(("do",))
        return Block("loop", (condition, self._do()))

    def _for(self) -> Node:
        self._take("for")
        while not self._is("do"):
            self._take()
        return Block("loop", (self._do(),))

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
        start = self._at
        while not self.at_end():
            if self._redirections():
                continue
            word = self._words[self._at]
            if word.operator:
                break
            words.append(word)
            self._at += 1
        if self._at == start:
            raise NotUnderstoodError("an empty command")
        return Simple(tuple(words))

    def _redirections(self) -> bool:
        """Pass over redirections: the file descriptor before, the operator, the word after."""
        start = self._at
        while not self.at_end():
            here = self._at + self._words[self._at].raw.isdecimal()
            if here >= len(self._words) or not self._words[here].operator or self._words[here].raw[0] not in "<>":
                break
            if here + 1 >= len(self._words) or self._words[here + 1].operator:
                raise NotUnderstoodError("a redirection to nothing")
            self._at = here + 2
        return self._at > start
