"""Reads ``[[ … ]]``.

Source: bash(1), "Conditional Constructs" and "CONDITIONAL EXPRESSIONS".
"""

import re

from elfgate.linkage.shell.syntax.conditional_nodes import (
    BinaryTest,
    BothTests,
    EitherTest,
    NotTest,
    Test,
    UnaryTest,
)
from elfgate.linkage.shell.syntax.source import ScriptSyntaxError, Source
from elfgate.linkage.shell.syntax.word_nodes import (
    Part,
    Text,
    Word,
    word_of,
)
from elfgate.linkage.shell.syntax.words import WordReader

_BINARY = frozenset(
    ["=", "==", "!=", "=~", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"]
)
_UNARY = re.compile(r"-[a-zA-Z](?=[\s])")
_EXPRESSION = re.compile(r"[^\s'\"\\$`()]+")


class TestReader:
    """Recursive descent over the words between the brackets."""

    __test__ = False

    def __init__(self, source: Source, words: WordReader) -> None:
        self._source = source
        self._words = words

    def test(self) -> Test:
        """Read all of it, and the closing brackets.

        Raises:
            ScriptSyntaxError: if it is not understood.
        """
        test = self._either()
        self._skip()
        if not self._source.starts("]]"):
            raise ScriptSyntaxError("a test is not closed")
        self._source.advance(self._source.at + 2)
        return test

    def _skip(self) -> str:
        """Skip blanks and newlines; give the operator that comes then."""
        while (operator := self._source.operator()) == "\n":
            self._source.advance(self._source.at + 1)
        return operator

    def _takes(self, operator: str) -> bool:
        if self._skip() != operator:
            return False
        self._source.advance(self._source.at + len(operator))
        return True

    def _either(self) -> Test:
        test = self._both()
        while self._takes("||"):
            test = EitherTest(test, self._both())
        return test

    def _both(self) -> Test:
        test = self._one()
        while self._takes("&&"):
            test = BothTests(test, self._one())
        return test

    def _one(self) -> Test:
        source = self._source
        if self._takes("("):
            source.deeper()
            test = self._either()
            if not self._takes(")"):
                raise ScriptSyntaxError("a parenthesis of a test is not closed")
            source.depth -= 1
            return test
        self._skip()
        if source.starts("!") and source.text[source.at + 1 : source.at + 2].isspace():
            source.at += 1
            source.deeper()
            negated = NotTest(self._one())
            source.depth -= 1
            return negated
        return self._leaf()

    def _leaf(self) -> Test:
        source = self._source
        if (unary := source.take(_UNARY)) and not self._at_end():
            return UnaryTest(unary, self._word())
        left = word_of((Text(unary),)) if unary else self._word()
        operator = source.operator()
        if operator in {"<", ">"}:
            source.at += 1
            return BinaryTest(operator, left, self._word())
        if operator or source.starts("]]"):
            return UnaryTest("-n", left)
        name = self._word().literal
        if name not in _BINARY:
            raise ScriptSyntaxError("a test has no such operator")
        source.skip_blanks()
        right = self._regular_expression() if name == "=~" else self._word()
        return BinaryTest(name, left, right)

    def _at_end(self) -> bool:
        operator = self._source.operator()
        return operator in {"&&", "||", ")"} or self._source.starts("]]")

    def _word(self) -> Word:
        self._skip()
        word = self._words.word()
        if not word.parts:
            raise ScriptSyntaxError("a word of a test is missing")
        return word

    def _regular_expression(self) -> Word:
        """Read the word behind ``=~``, whose parentheses and bars are its own."""
        source = self._source
        parts: list[Part] = []
        opened = 0
        while source.here and (opened or not source.here.isspace()):
            if source.here == ")" and not opened:
                break
            if source.here in "()":
                opened += 1 if source.here == "(" else -1
                parts.append(Text(source.here))
                source.advance(source.at + 1)
            elif source.here.isspace():
                parts.append(Text(source.here))
                source.advance(source.at + 1)
            else:
                self._words.part(parts, _EXPRESSION)
        if not parts:
            raise ScriptSyntaxError("a regular expression is missing")
        return word_of(tuple(parts))
