"""Reads arithmetic expressions.

Source: ISO C99, 6.5; POSIX.1-2017, Shell Command Language, 2.6.4; bash(1), "ARITHMETIC EVALUATION".
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from elfgate.linkage.shell.syntax.arithmetic_nodes import (
    Assign,
    Binary,
    Choice,
    Expression,
    Name,
    Number,
    OpaqueExpression,
    Operand,
    Step,
    Unary,
)
from elfgate.linkage.shell.syntax.dialect import Dialect
from elfgate.linkage.shell.syntax.source import DEPTH, ScriptSyntaxError
from elfgate.linkage.shell.syntax.word_nodes import Text, Word, word_of

_TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9A-Fa-f]+|[0-9]+(?![\w#]))|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<operator><<=|>>=|\*\*|\+\+|--|[-+*/%&|^]=|<<|>>|<=|>=|==|!=|&&|\|\|"
    r"|[-+*/%<>=&|^!~?:,()\[\]]))"
)
_NAMES = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LEVELS = (
    ("||",),
    ("&&",),
    ("|",),
    ("^",),
    ("&",),
    ("==", "!="),
    ("<", ">", "<=", ">="),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
)
_ASSIGNING = ("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=")
_MOST_TOKENS = 2000
_MOST_DIGITS = 18  # of a decimal number that fits into 64 bits for sure

Token = tuple[str, str | Word]  # number, name, operator or operand


def expression_of(word: Word, dialect: Dialect) -> Expression:
    """Read an expression.

    Args:
        word: Its text, with the expansions that stand in it.
        dialect: The shell's.

    Returns:
        The expression, or an opaque one if it is not understood.
    """
    try:
        tokens = _tokens(word)
        if not tokens:
            return Number(0)
        parser = _Parser(tokens, dialect)
        expression = parser.whole()
        parser.expect_end()
    except ScriptSyntaxError:
        text = "".join(part.text for part in word.parts if isinstance(part, Text))
        return OpaqueExpression(text, tuple(dict.fromkeys(_NAMES.findall(text))))
    return expression


def _tokens(word: Word) -> list[Token]:
    tokens: list[Token] = []
    for part in word.parts:
        if isinstance(part, Text):
            _cut(part.text, tokens)
        else:
            tokens.append(("operand", word_of((part,))))
    for (kind, _), (other, _) in pairwise(tokens):
        if kind != "operator" and other != "operator":
            raise ScriptSyntaxError("two operands stand side by side")
    return tokens


def _cut(text: str, tokens: list[Token]) -> None:
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ScriptSyntaxError("an expression is not understood")
        tokens.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
        if len(tokens) > _MOST_TOKENS:
            raise ScriptSyntaxError("an expression is too long")


@dataclass(slots=True)
class _Parser:
    """Recursive descent, a level for each precedence."""

    tokens: list[Token]
    dialect: Dialect
    at: int = 0
    depth: int = 0

    def whole(self) -> Expression:
        left = self._assignment()
        while self.dialect.steps and self._take(","):
            left = Binary(",", left, self._assignment())
        return left

    def expect_end(self) -> None:
        if self.at < len(self.tokens):
            raise ScriptSyntaxError("an expression goes on")

    def _take(self, *operators: str) -> str:
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        if kind == "operator" and isinstance(text, str) and text in operators:
            self.at += 1
            return text
        return ""

    def _assignment(self) -> Expression:
        self.depth += 1
        if self.depth > DEPTH:
            raise ScriptSyntaxError("an expression is nested too deep")
        left = self._choice()
        if isinstance(left, Name) and (operator := self._take(*_ASSIGNING)):
            left = Assign(left, operator[:-1], self._assignment())
        self.depth -= 1
        return left

    def _choice(self) -> Expression:
        condition = self._level(0)
        if not self._take("?"):
            return condition
        one = self._assignment()
        if not self._take(":"):
            raise ScriptSyntaxError("a choice has no other side")
        return Choice(condition, one, self._assignment())

    def _level(self, number: int) -> Expression:
        if number == len(_LEVELS):
            return self._power()
        left = self._level(number + 1)
        while operator := self._take(*_LEVELS[number]):
            left = Binary(operator, left, self._level(number + 1))
        return left

    def _power(self) -> Expression:
        left = self._unary()
        if self.dialect.powers and self._take("**"):
            return Binary("**", left, self._power())
        return left

    def _unary(self) -> Expression:
        if operator := self._take("++", "--"):
            if not self.dialect.steps:
                return self._signed_twice(operator[0])
            name = self._unary()
            if not isinstance(name, Name):
                raise ScriptSyntaxError("a step without a name")
            return Step(name, 1 if operator == "++" else -1, before=True)
        if operator := self._take("-", "+", "!", "~"):
            self.depth += 1
            if self.depth > DEPTH:
                raise ScriptSyntaxError("an expression is nested too deep")
            value = self._unary()
            self.depth -= 1
            return Unary(operator, value)
        return self._primary()

    def _signed_twice(self, sign: str) -> Expression:
        """Read ``++x`` where it is two signs."""
        return Unary(sign, Unary(sign, self._unary()))

    def _primary(self) -> Expression:
        if self._take("("):
            inner = self.whole()
            if not self._take(")"):
                raise ScriptSyntaxError("a parenthesis is not closed")
            return inner
        if self.at >= len(self.tokens):
            raise ScriptSyntaxError("an operand is missing")
        kind, text = self.tokens[self.at]
        self.at += 1
        if isinstance(text, Word):
            return Operand(text)
        if kind == "number":
            return self._constant(text)
        if kind != "name":
            raise ScriptSyntaxError("an operand is missing")
        return self._named(text)

    def _constant(self, text: str) -> Number:
        if text[0] == "0" and len(text) > 1 and not self.dialect.counts_as_c:
            raise ScriptSyntaxError("a leading zero means one thing or another")
        return Number(_number(text))

    def _named(self, text: str) -> Expression:
        if self._take("["):
            raise ScriptSyntaxError("an element of an array")
        name = Name(text)
        if self.dialect.steps and (operator := self._take("++", "--")):
            return Step(name, 1 if operator == "++" else -1, before=False)
        return name


def _number(text: str) -> int:
    """Read a constant as C does: ``0x`` and a leading zero change its base."""
    if text[:2] in ("0x", "0X"):
        return int(text, 16)
    if text[0] == "0" and len(text) > 1:
        if not text.isdigit() or "8" in text or "9" in text:
            raise ScriptSyntaxError("a digit is no digit of base 8")
        return int(text, 8)
    if len(text) > _MOST_DIGITS:
        raise ScriptSyntaxError("each shell cuts a number of more than 64 bits in its own way")
    return int(text)
