"""A reader of shell scripts, as far as it takes to see what a script runs: words, and the commands that they make.

Source: POSIX.1-2017, Shell Command Language, 2.2 to 2.10. Whatever is not understood raises ``NotUnderstoodError``, and
the script is then judged no further than its interpreter.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_TOKENS = 20_000
_DEPTH = 40
_OPERATORS = re.compile(r"&&|\|\||;;|<<-|<<|>>|<&|>&|<>|>\||[;&|()<>\n]")
_PLAIN = re.compile(r"[^\s;&|()<>'\"\\$`#]+|#")
_BRACED = re.compile(r"\$\{[^{}$`'\"\\]*\}")
_VARIABLE = re.compile(r"\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")


class NotUnderstoodError(Exception):
    """The text is not of the plain kind that can be followed."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or an operator.

    Attributes:
        raw: As written, quotes included.
        text: With its quotes removed; expansions stand as written.
        literal: It has no expansion, so that ``text`` is its value.
        operator: It is an operator, not a word.
        commands: The texts of the command substitutions within it.
    """

    raw: str
    text: str
    literal: bool = True
    operator: bool = False
    commands: tuple[str, ...] = ()


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
    """``A && B || C``: nodes, and the operator before each but the first. A pipe or ``&`` counts as an operator too."""

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


def parse(text: str) -> Body:
    """Read a script.

    Args:
        text: All of it.

    Returns:
        Its commands, in order.

    Raises:
        NotUnderstoodError: if it is not plain enough.
    """
    parser = _Parser(tuple(_words(text)))
    body = parser.body(())
    if not parser.at_end():
        raise NotUnderstoodError("a command ends where none began")
    return body


def _words(text: str) -> Iterator[Word]:
    """Cut a text into words and operators; comments and here-documents are dropped."""
    at, count = 0, 0
    pending: list[tuple[str, bool]] = []
    heredoc = ""
    while at < len(text):
        count += 1
        if count > MOST_TOKENS:
            raise NotUnderstoodError("too long")
        if text.startswith("\\\n", at):
            at += 2
        elif text[at] in " \t\r":
            at += 1
        elif text[at] == "#":
            at = _end(text, at)
        elif operator := _OPERATORS.match(text, at):
            at = operator.end()
            if operator[0] == "\n" and pending:
                at = _skip_heredocs(text, at, pending)
            heredoc = operator[0] if operator[0].startswith("<<") else ""
            yield Word(operator[0], operator[0], operator=True)
        else:
            word, at = _word(text, at)
            if heredoc:
                pending.append((word.text, heredoc == "<<-"))
                heredoc = ""
            yield word


def _end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _skip_heredocs(text: str, at: int, pending: list[tuple[str, bool]]) -> int:
    for delimiter, tabs in pending:
        while at < len(text):
            end = _end(text, at)
            line = text[at:end]
            at = end + 1
            if (line.lstrip("\t") if tabs else line) == delimiter:
                break
    pending.clear()
    return at


def _word(text: str, at: int) -> tuple[Word, int]:
    start, value, literal = at, "", True
    commands: list[str] = []
    while at < len(text) and text[at] not in " \t\r\n;&|()<>":
        if text[at] == "'":
            end = _closing(text, at + 1, "'")
            value += text[at + 1 : end]
            at = end + 1
        elif text[at] == '"':
            part, at = _quoted(text, at + 1, commands)
            literal &= "$" not in part and "`" not in part
            value += part
        elif text[at] == "\\":
            value += text[at + 1 : at + 2]
            at += 2
        elif text[at] in "$`":
            part, at = _expansion(text, at, commands)
            literal &= part == "$"
            value += part
        elif plain := _PLAIN.match(text, at):
            value += plain[0]
            literal &= not any(mark in plain[0] for mark in "*?[~")
            at = plain.end()
        else:
            raise NotUnderstoodError(f"a word at {text[at : at + 10]!r}")
    return Word(text[start:at], value, literal, commands=tuple(commands)), at


def _closing(text: str, at: int, mark: str) -> int:
    end = text.find(mark, at)
    if end < 0:
        raise NotUnderstoodError(f"{mark} is not closed")
    return end


def _quoted(text: str, at: int, commands: list[str]) -> tuple[str, int]:
    value = ""
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            value += text[at + 1 : at + 2] if text[at + 1 : at + 2] in '$`"\\' else text[at : at + 2]
            at += 2
        elif text[at] in "$`":
            part, at = _expansion(text, at, commands)
            value += part
        else:
            value += text[at]
            at += 1
    if at >= len(text):
        raise NotUnderstoodError("a quote is not closed")
    return value, at + 1


def _expansion(text: str, at: int, commands: list[str]) -> tuple[str, int]:
    """Take ``$name``, ``${…}``, ``$(…)``, ``$((…))`` or backquotes as written."""
    if text[at] == "`":
        end = _closing(text, at + 1, "`")
        commands.append(text[at + 1 : end])
        return text[at : end + 1], end + 1
    if text.startswith("$(", at):
        end = _balanced(text, at + 2)
        if not text.startswith("$((", at):
            commands.append(text[at + 2 : end])
        return text[at : end + 1], end + 1
    if match := _BRACED.match(text, at) or _VARIABLE.match(text, at):
        return match[0], match.end()
    if text.startswith("${", at):
        raise NotUnderstoodError("an expansion within an expansion")
    return "$", at + 1


def _balanced(text: str, at: int) -> int:
    """Find the parenthesis that closes a substitution; quotes within it are honoured."""
    depth = 1
    while at < len(text):
        if text[at] == "'":
            at = _closing(text, at + 1, "'")
        elif text[at] == "\\":
            at += 1
        elif text[at] in "()":
            depth += 1 if text[at] == "(" else -1
            if not depth:
                return at
        at += 1
    raise NotUnderstoodError("a substitution is not closed")


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
        self._depth += 1
        if self._depth > _DEPTH:
            raise NotUnderstoodError("nested too deep")
        nodes: list[Node] = []
        while True:
            while self._is("\n", ";", "&"):
                self._at += 1
            if self.at_end() or self._is(*until) or self._is(")", ";;"):
                self._depth -= 1
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
