"""Reads compound commands: groups, branches, loops and tests, a method for each rule.

Source: POSIX.1-2017, Shell Command Language, 2.9.4; bash(1), "Compound Commands".
"""

import re
from typing import TYPE_CHECKING, Protocol

from elfgate.linkage.shell.syntax.arithmetic_nodes import Expression
from elfgate.linkage.shell.syntax.expressions import expression_of
from elfgate.linkage.shell.syntax.nodes import (
    Body,
    Branch,
    Case,
    DoubleBracket,
    DoubleParenthesis,
    For,
    ForArithmetic,
    Group,
    If,
    Loop,
    Node,
    Subshell,
)
from elfgate.linkage.shell.syntax.redirections import word_ahead
from elfgate.linkage.shell.syntax.source import ScriptSyntaxError, Source
from elfgate.linkage.shell.syntax.tests import TestReader
from elfgate.linkage.shell.syntax.tokens import Tokens
from elfgate.linkage.shell.syntax.word_nodes import Word
from elfgate.linkage.shell.syntax.words import WordReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CASE_ENDS = frozenset({";;", ";&", ";;&"})
_NOT_FOLLOWED = frozenset({"select", "coproc"})
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Lists(Protocol):
    """Reads the lists of commands that compound commands are made of."""

    def body(self, *until: str) -> Body:
        """Read commands up to one of these reserved words or operators, which is not taken."""

    def commands(self, *until: str) -> Body:
        """Read commands where at least one is due."""


class CompoundReader:
    """Reads the compound commands of a source.

    Args:
        source: The text.
        words: Reads its words.
        tokens: Reads its operators and reserved words.
        lists: Reads the commands within.
    """

    def __init__(self, source: Source, words: WordReader, tokens: Tokens, lists: Lists) -> None:
        self._source = source
        self._words = words
        self._tokens = tokens
        self._lists = lists
        self._readers: Mapping[str, Callable[[], Node]] = {
            "if": self._if,
            "case": self._case,
            "while": self._loop,
            "until": self._loop,
            "for": self._for,
            "{": self._group,
            "(": self._subshell,
            "[[": self._double_bracket,
        }

    def read(self, ahead: str) -> Node | None:
        """Read the compound command that begins with a word; None, and nothing read, if none does.

        Raises:
            ScriptSyntaxError: if it is not of the shell's grammar.
        """
        dialect = self._source.dialect
        if ahead in _NOT_FOLLOWED and dialect.arrays:
            raise ScriptSyntaxError(f"{ahead} is not followed")
        if ahead not in self._readers or (ahead == "[[" and not dialect.brackets):
            return None
        return self._readers[ahead]()

    def _group(self) -> Node:
        self._tokens.take("{")
        body = self._lists.commands("}")
        self._tokens.take("}")
        return Group(body)

    def _subshell(self) -> Node:
        start, is_double = self._source.at, self._source.starts("((")
        if self._source.dialect.arithmetic_command and is_double:
            self._source.at += 2
            word = self._words.arithmetic_until("))")
            if word is not None:
                return DoubleParenthesis(expression_of(word, self._source.dialect))
            self._source.at = start
        self._tokens.take("(")
        body = self._lists.commands(")")
        self._tokens.take(")")
        if (
            is_double
            and self._source.dialect.is_bash
            and "\n" in self._source.text[start : self._source.at]
        ):
            raise ScriptSyntaxError("bash joins the lines behind two parentheses")
        return Subshell(body)

    def _double_bracket(self) -> Node:
        self._tokens.take("[[")
        return DoubleBracket(TestReader(self._source, self._words).test())

    def _if(self) -> Node:
        branches: list[tuple[Body | None, Body]] = []
        keyword = self._tokens.take("if")
        while keyword != "fi":
            condition = None
            if keyword != "else":
                condition = self._lists.commands("then")
                self._tokens.take("then")
            branches.append((condition, self._lists.commands("elif", "else", "fi")))
            keyword = self._tokens.take("elif", "else", "fi")
        return If(tuple(branches))

    def _loop(self) -> Node:
        until = self._tokens.take("while", "until") == "until"
        condition = self._lists.commands("do")
        return Loop(condition, self._do(), until)

    def _do(self) -> Body:
        self._tokens.skip_separators()
        closing = "}" if self._tokens.ahead() == "{" else "done"
        self._tokens.take("do", "{")
        body = self._lists.commands(closing)
        self._tokens.take(closing)
        return body

    def _for(self) -> Node:
        self._tokens.take("for")
        source = self._source
        source.skip_blanks()
        if source.dialect.arithmetic_command and source.starts("(("):
            return self._for_arithmetic()
        name = source.take(_IDENTIFIER)
        if name is None:
            raise ScriptSyntaxError("a loop has no variable")
        self._tokens.skip_newlines()
        words = None
        if self._tokens.ahead() == "in":
            self._tokens.take("in")
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
        return expression_of(self._words.over(source).document_like(), source.dialect)

    def _case(self) -> Node:
        self._tokens.take("case")
        word = word_ahead(self._words)
        self._tokens.skip_newlines()
        self._tokens.take("in")
        branches: list[Branch] = []
        self._tokens.skip_newlines()
        while self._tokens.ahead() != "esac":
            patterns = self._patterns()
            body = self._branch_body()
            end = self._source.operator()
            if end in CASE_ENDS:
                if end != ";;" and not self._source.dialect.arrays:
                    raise ScriptSyntaxError(f"{end} stands where none is due")
                self._tokens.take(end)
            branches.append(Branch(patterns, body, end or ";;"))
            self._tokens.skip_newlines()
        self._tokens.take("esac")
        return Case(word, tuple(branches))

    def _branch_body(self) -> Body:
        return self._lists.body("esac", *CASE_ENDS)

    def _patterns(self) -> tuple[Word, ...]:
        if self._source.operator() == "(":
            self._tokens.take("(")
        patterns = [word_ahead(self._words)]
        while self._source.operator() == "|":
            self._tokens.take("|")
            patterns.append(word_ahead(self._words))
        self._tokens.take(")")
        return tuple(patterns)
