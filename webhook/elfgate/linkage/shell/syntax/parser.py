"""Reads commands: recursive descent, a method for each rule of the grammar.

Source: POSIX.1-2017, Shell Command Language, 2.10; bash(1), "SHELL GRAMMAR".
"""

import re
from typing import TYPE_CHECKING

from elfgate.linkage.shell.syntax.compounds import CASE_ENDS, CompoundReader
from elfgate.linkage.shell.syntax.dialect import Dialect
from elfgate.linkage.shell.syntax.nodes import (
    Assignment,
    Background,
    Body,
    Chain,
    Function,
    Group,
    Node,
    Not,
    Opaque,
    Pipe,
    Redirect,
    Redirected,
    Simple,
    Spend,
)
from elfgate.linkage.shell.syntax.places import declares
from elfgate.linkage.shell.syntax.redirections import redirection, word_ahead
from elfgate.linkage.shell.syntax.script import Script, Scripts
from elfgate.linkage.shell.syntax.source import ScriptSyntaxError, Source
from elfgate.linkage.shell.syntax.tokens import Tokens
from elfgate.linkage.shell.syntax.words import WordReader

if TYPE_CHECKING:
    from elfgate.linkage.shell.syntax.word_nodes import Word

_CLOSING = frozenset({"then", "elif", "else", "fi", "esac", "do", "done", "}", "in"})
_FUNCTION_NAME = re.compile(r"[^\s;&|()<>'\"\\$`=]+")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEFINES = re.compile(r"[ \t]*\([ \t]*\)")
_scripts = Scripts()


def parse(text: str, dialect: Dialect) -> Script:
    """Give the script of a text, whose commands are parsed when they are first reached.

    Args:
        text: All of it, a character for each byte.
        dialect: The shell's.
    """
    return _scripts.of(text, dialect, _script)


def _script(text: str, dialect: Dialect) -> Script:
    return Script(text, dialect, Parser(Source(text, dialect, lambda _: None)).following)


class Parser:
    """Reads the commands of a source."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._words = WordReader(source, _substituted, self._backquoted)
        self._tokens = Tokens(source, self._words)
        self._compounds = CompoundReader(source, self._words, self._tokens, self)

    def following(self, spend: Spend) -> Node | None:
        """Read the next complete command; None at the end.

        Args:
            spend: Counts the work.
        """
        source = self._source
        source.spend = spend
        start = source.at
        try:
            self._tokens.skip_separators()
            if not source.here:
                return None
            return self._complete_command()
        except (ScriptSyntaxError, RecursionError) as failure:
            source.at, source.depth = len(source.text), 0
            return Opaque(str(failure) or "it is nested too deep")
        except BaseException:
            source.at, source.depth = start, 0
            source.documents.clear()
            raise

    def body(self, *until: str) -> Body:
        """Read commands up to one of these reserved words or operators, which is not taken."""
        nodes: list[Node] = []
        ended = True
        while True:
            ended |= self._source.operator() in {"\n", ";"}
            self._tokens.skip_separators()
            ahead = self._tokens.ahead()
            if ahead in until or not ahead:
                return tuple(nodes)
            if not ended:
                raise ScriptSyntaxError(f"{ahead} stands behind the end of a command")
            if ahead in _CLOSING or ahead in CASE_ENDS or ahead == ")":
                raise ScriptSyntaxError(f"{ahead} stands where none is due")
            node = self._and_or()
            nodes.append(node)
            ended = isinstance(node, Background)

    def commands(self, *until: str) -> Body:
        """Read commands where at least one is due."""
        body = self.body(*until)
        if not body:
            raise ScriptSyntaxError("a command is missing")
        return body

    def _complete_command(self) -> Node:
        node = self._and_or()
        ahead = self._source.operator()
        if ahead == "\n":
            self._tokens.newline()
        elif self._source.here and ahead != ";" and not isinstance(node, Background):
            raise ScriptSyntaxError("a command ends where none began")
        return node

    def _and_or(self) -> Node:
        nodes, operators = [self._pipeline()], []
        while (operator := self._source.operator()) in {"&&", "||"}:
            operators.append(self._tokens.take("&&", "||"))
            self._tokens.skip_newlines()
            nodes.append(self._pipeline())
        node = nodes[0]
        if operators:
            node = Chain(tuple(nodes), tuple(operators))
        if operator == "&":
            self._source.advance(self._source.at + 1)
            return Background(node)
        return node

    def _pipeline(self) -> Node:
        ahead = self._tokens.ahead()
        if ahead == "!":
            self._tokens.take("!")
            return Not(self._pipeline())
        if ahead == "time" and self._source.dialect.arrays:
            return self._timed()
        nodes = [self._command()]
        while self._source.operator() in {"|", "|&"}:
            self._tokens.take("|", "|&")
            self._tokens.skip_newlines()
            nodes.append(self._command())
        if len(nodes) > 1:
            return Pipe(tuple(nodes))
        return nodes[0]

    def _timed(self) -> Node:
        self._tokens.take("time")
        self._source.skip_blanks()
        if self._source.starts("-p"):
            self._source.at += 2
        if self._source.operator() in {"\n", ";"}:
            return Group(())
        return self._pipeline()

    def _command(self) -> Node:
        self._source.deeper()
        ahead = self._tokens.ahead()
        node = self._compound(ahead)
        if node is None:
            node = self._simple()
        else:
            redirects: list[Redirect] = []
            while redirection(self._words, redirects):
                pass
            if redirects:
                node = Redirected(node, tuple(redirects))
        self._source.depth -= 1
        return node

    def _compound(self, ahead: str) -> Node | None:
        node = self._compounds.read(ahead)
        if node is not None:
            return node
        if ahead == "function" and self._source.dialect.function_word:
            return self._function_word()
        return self._definition()

    def _definition(self) -> Node | None:
        """Read ``name() command``; None, and nothing read, if it is no definition."""
        source = self._source
        match = _FUNCTION_NAME.match(source.text, source.at)
        behind = match and _DEFINES.match(source.text, match.end())
        if match is None or behind is None:
            return None
        source.advance(behind.end())
        self._tokens.skip_newlines()
        if not (source.dialect.is_bash or _IDENTIFIER.fullmatch(match[0])):
            raise ScriptSyntaxError("a function has a name that shells may not take")
        return Function(match[0], self._function_body())

    def _function_body(self) -> Node:
        body = self._command()
        if isinstance(body, Simple) and self._source.dialect.function_word:
            raise ScriptSyntaxError("a function has no body")
        return body

    def _function_word(self) -> Node:
        self._tokens.take("function")
        name = word_ahead(self._words).literal
        if not name:
            raise ScriptSyntaxError("a function has no name")
        self._source.skip_blanks()
        if behind := _DEFINES.match(self._source.text, self._source.at):
            self._source.advance(behind.end())
        self._tokens.skip_newlines()
        return Function(name, self._function_body())

    def _simple(self) -> Node:
        assignments: list[Assignment] = []
        words: list[Word | Assignment] = []
        redirects: list[Redirect] = []
        start, source = self._source.at, self._source
        while source.here:
            if redirection(self._words, redirects):
                continue
            if source.operator() or not source.here:
                break
            may_assign = not words or declares(words)
            assignment = self._words.assignment() if may_assign else None
            if assignment is not None and not words:
                assignments.append(assignment)
            elif assignment is not None:
                words.append(assignment)
            else:
                words.append(self._words.word())
        if source.at == start or not (assignments or words or redirects):
            raise ScriptSyntaxError("a command is empty")
        return Simple(tuple(assignments), tuple(words), tuple(redirects))

    def _backquoted(self, text: str) -> Body:
        source = Source(text, self._source.dialect, self._source.spend, depth=self._source.depth)
        try:
            body = Parser(source).body()
        except ScriptSyntaxError as failure:
            return (Opaque(str(failure)),)
        return body


def _substituted(source: Source) -> Body:
    """Read a substitution's commands, and the parenthesis that closes it."""
    body = Parser(source).body(")")
    if source.operator() != ")":
        raise ScriptSyntaxError("a substitution is not closed")
    source.advance(source.at + 1)
    return body
