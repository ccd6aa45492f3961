"""Reads commands: recursive descent, a method for each rule of the grammar.

Source: POSIX.1-2017, Shell Command Language, 2.10; bash(1), "SHELL GRAMMAR".
"""

import re
from typing import TYPE_CHECKING

from elfgate.linkage.shell.syntax.arithmetic_nodes import Expression
from elfgate.linkage.shell.syntax.dialect import Dialect
from elfgate.linkage.shell.syntax.expressions import expression_of
from elfgate.linkage.shell.syntax.nodes import (
    Assignment,
    Background,
    Body,
    Branch,
    Case,
    Chain,
    DoubleBracket,
    DoubleParenthesis,
    For,
    ForArithmetic,
    Function,
    Group,
    If,
    Loop,
    Node,
    Not,
    Opaque,
    Pipe,
    Redirect,
    Redirected,
    Simple,
    Spend,
    Subshell,
    Word,
)
from elfgate.linkage.shell.syntax.places import declares
from elfgate.linkage.shell.syntax.redirections import read_document, redirection, word_ahead
from elfgate.linkage.shell.syntax.script import Script, Scripts
from elfgate.linkage.shell.syntax.source import ScriptSyntaxError, Source
from elfgate.linkage.shell.syntax.tests import TestReader
from elfgate.linkage.shell.syntax.words import WordReader

if TYPE_CHECKING:
    from collections.abc import Callable

_KEYWORD = re.compile(
    r"(?:if|then|elif|else|fi|case|esac|for|while|until|do|done|function|select|coproc|time|in"
    r"|\{|\}|!|\[\[)(?=[\s;&|()<>]|$)"
)
_CLOSING = frozenset({"then", "elif", "else", "fi", "esac", "do", "done", "}", "in"})
_FUNCTION_NAME = re.compile(r"[^\s;&|()<>'\"\\$`=]+")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEFINES = re.compile(r"[ \t]*\([ \t]*\)")
_CASE_ENDS = frozenset({";;", ";&", ";;&"})
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

    def following(self, spend: Spend) -> Node | None:
        """Read the next complete command; None at the end.

        Args:
            spend: Counts the work.
        """
        source = self._source
        source.spend = spend
        start = source.at
        try:
            self._skip_separators()
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
            self._skip_separators()
            ahead = self._ahead()
            if ahead in until or not ahead:
                return tuple(nodes)
            if not ended:
                raise ScriptSyntaxError(f"{ahead} stands behind the end of a command")
            if ahead in _CLOSING or ahead in _CASE_ENDS or ahead == ")":
                raise ScriptSyntaxError(f"{ahead} stands where none is due")
            node = self._and_or()
            nodes.append(node)
            ended = isinstance(node, Background)

    def _commands(self, *until: str) -> Body:
        """Read commands where at least one is due."""
        body = self.body(*until)
        if not body:
            raise ScriptSyntaxError("a command is missing")
        return body

    def _complete_command(self) -> Node:
        node = self._and_or()
        ahead = self._source.operator()
        if ahead == "\n":
            self._newline()
        elif self._source.here and ahead != ";" and not isinstance(node, Background):
            raise ScriptSyntaxError("a command ends where none began")
        return node

    def _ahead(self) -> str:
        """The operator or reserved word that comes next; the next character of another word."""
        operator = self._source.operator()
        if operator:
            return operator
        match = _KEYWORD.match(self._source.text, self._source.at)
        if match is None:
            return self._source.here
        return match[0]

    def _take(self, *expected: str) -> str:
        ahead = self._ahead()
        if ahead not in expected:
            raise ScriptSyntaxError(f"{expected[0]} is missing")
        self._source.advance(self._source.at + len(ahead))
        return ahead

    def _skip_separators(self) -> None:
        while (operator := self._source.operator()) in {"\n", ";"}:
            if operator == "\n":
                self._newline()
            else:
                self._source.advance(self._source.at + 1)

    def _skip_newlines(self) -> None:
        while self._source.operator() == "\n":
            self._newline()

    def _newline(self) -> None:
        source = self._source
        source.advance(source.at + 1)
        documents, source.documents = source.documents, []
        for document in documents:
            read_document(document, self._words)

    def _and_or(self) -> Node:
        nodes, operators = [self._pipeline()], []
        while (operator := self._source.operator()) in {"&&", "||"}:
            operators.append(self._take("&&", "||"))
            self._skip_newlines()
            nodes.append(self._pipeline())
        node = nodes[0]
        if operators:
            node = Chain(tuple(nodes), tuple(operators))
        if operator == "&":
            self._source.advance(self._source.at + 1)
            return Background(node)
        return node

    def _pipeline(self) -> Node:
        ahead = self._ahead()
        if ahead == "!":
            self._take("!")
            return Not(self._pipeline())
        if ahead == "time" and self._source.dialect.arrays:
            return self._timed()
        nodes = [self._command()]
        while self._source.operator() in {"|", "|&"}:
            self._take("|", "|&")
            self._skip_newlines()
            nodes.append(self._command())
        if len(nodes) > 1:
            return Pipe(tuple(nodes))
        return nodes[0]

    def _timed(self) -> Node:
        self._take("time")
        self._source.skip_blanks()
        if self._source.starts("-p"):
            self._source.at += 2
        if self._source.operator() in {"\n", ";"}:
            return Group(())
        return self._pipeline()

    def _command(self) -> Node:
        self._source.deeper()
        ahead = self._ahead()
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
        readers: dict[str, Callable[[], Node]] = {
            "if": self._if,
            "case": self._case,
            "while": self._loop,
            "until": self._loop,
            "for": self._for,
            "{": self._group,
            "(": self._subshell,
        }
        if ahead in readers:
            return readers[ahead]()
        dialect = self._source.dialect
        if ahead == "[[" and dialect.brackets:
            return self._double_bracket()
        if ahead == "function" and dialect.function_word:
            return self._function_word()
        if ahead in {"select", "coproc"} and dialect.arrays:
            raise ScriptSyntaxError(f"{ahead} is not followed")
        return self._definition()

    def _definition(self) -> Node | None:
        """Read ``name() command``; None, and nothing read, if it is no definition."""
        source = self._source
        match = _FUNCTION_NAME.match(source.text, source.at)
        behind = match and _DEFINES.match(source.text, match.end())
        if match is None or behind is None:
            return None
        source.advance(behind.end())
        self._skip_newlines()
        if not (source.dialect.is_bash or _IDENTIFIER.fullmatch(match[0])):
            raise ScriptSyntaxError("a function has a name that shells may not take")
        return Function(match[0], self._function_body())

    def _function_body(self) -> Node:
        body = self._command()
        if isinstance(body, Simple) and self._source.dialect.function_word:
            raise ScriptSyntaxError("a function has no body")
        return body

    def _function_word(self) -> Node:
        self._take("function")
        name = word_ahead(self._words).literal
        if not name:
            raise ScriptSyntaxError("a function has no name")
        self._source.skip_blanks()
        if behind := _DEFINES.match(self._source.text, self._source.at):
            self._source.advance(behind.end())
        self._skip_newlines()
        return Function(name, self._function_body())

    def _group(self) -> Node:
        self._take("{")
        body = self._commands("}")
        self._take("}")
        return Group(body)

    def _subshell(self) -> Node:
        if self._source.dialect.arithmetic_command and self._source.starts("(("):
            start = self._source.at
            self._source.at += 2
            word = self._words.arithmetic_until("))")
            if word is not None:
                return DoubleParenthesis(expression_of(word, self._source.dialect))
            self._source.at = start
        self._take("(")
        body = self._commands(")")
        self._take(")")
        return Subshell(body)

    def _double_bracket(self) -> Node:
        self._take("[[")
        return DoubleBracket(TestReader(self._source, self._words).test())

    def _if(self) -> Node:
        branches: list[tuple[Body | None, Body]] = []
        keyword = self._take("if")
        while keyword != "fi":
            condition = None
            if keyword != "else":
                condition = self._commands("then")
                self._take("then")
            branches.append((condition, self._commands("elif", "else", "fi")))
            keyword = self._take("elif", "else", "fi")
        return If(tuple(branches))

    def _loop(self) -> Node:
        until = self._take("while", "until") == "until"
        condition = self._commands("do")
        return Loop(condition, self._do(), until)

    def _do(self) -> Body:
        self._skip_separators()
        closing = "}" if self._ahead() == "{" else "done"
        self._take("do", "{")
        body = self._commands(closing)
        self._take(closing)
        return body

    def _for(self) -> Node:
        self._take("for")
        source = self._source
        source.skip_blanks()
        if source.dialect.arithmetic_command and source.starts("(("):
            return self._for_arithmetic()
        name = source.take(_IDENTIFIER)
        if name is None:
            raise ScriptSyntaxError("a loop has no variable")
        self._skip_newlines()
        words = None
        if self._ahead() == "in":
            self._take("in")
            words = self._listed()
        return For(name, words, self._do())

    def _listed(self) -> tuple[Word, ...]:
        words: list[Word] = []
        while not self._source.operator() and self._source.here:
            words.append(self._words.word())
        return tuple(words)

    def _for_arithmetic(self) -> Node:
        source = self._source
        source.at += 2
        start = source.at
        if self._words.arithmetic_until("))") is None:
            raise ScriptSyntaxError("a loop is not closed")
        texts = source.text[start : source.at - 2].split(";")
        if len(texts) != 3:
            raise ScriptSyntaxError("a loop does not have three expressions")
        first, condition, step = (self._expression(text) for text in texts)
        return ForArithmetic(first, condition, step, self._do())

    def _expression(self, text: str) -> Expression | None:
        if not text.strip():
            return None
        source = Source(text, self._source.dialect, self._source.spend, depth=self._source.depth)
        reader = WordReader(source, _substituted, self._backquoted)
        return expression_of(reader.document_like(), source.dialect)

    def _case(self) -> Node:
        self._take("case")
        word = word_ahead(self._words)
        self._skip_newlines()
        self._take("in")
        branches: list[Branch] = []
        self._skip_newlines()
        while self._ahead() != "esac":
            patterns = self._patterns()
            body = self._branch_body()
            end = self._source.operator()
            if end in _CASE_ENDS:
                if end != ";;" and not self._source.dialect.arrays:
                    raise ScriptSyntaxError(f"{end} stands where none is due")
                self._take(end)
            branches.append(Branch(patterns, body, end or ";;"))
            self._skip_newlines()
        self._take("esac")
        return Case(word, tuple(branches))

    def _branch_body(self) -> Body:
        return self.body("esac", *_CASE_ENDS)

    def _patterns(self) -> tuple[Word, ...]:
        if self._source.operator() == "(":
            self._take("(")
        patterns = [word_ahead(self._words)]
        while self._source.operator() == "|":
            self._take("|")
            patterns.append(word_ahead(self._words))
        self._take(")")
        return tuple(patterns)

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
