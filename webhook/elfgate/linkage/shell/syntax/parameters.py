"""Reads the operation of ``${name…}``.

Source: POSIX.1-2017, Shell Command Language, 2.6.2; bash(1), "Parameter Expansion".
"""

from typing import TYPE_CHECKING, Literal

from elfgate.linkage.shell.syntax.arithmetic_nodes import Expression
from elfgate.linkage.shell.syntax.expressions import expression_of
from elfgate.linkage.shell.syntax.source import ScriptSyntaxError
from elfgate.linkage.shell.syntax.word_nodes import (
    BadOperation,
    ChangeCase,
    Default,
    Operation,
    Replace,
    Slice,
    Strip,
    Text,
    Word,
    word_of,
)

if TYPE_CHECKING:
    from elfgate.linkage.shell.syntax.words import WordReader

_Where = Literal["first", "all", "start", "end"]
_PLACES: dict[str, _Where] = {"/": "all", "#": "start", "%": "end"}


def operation_of(reader: "WordReader", *, quoted: bool) -> Operation:
    """Read an operation, up to the closing brace.

    Args:
        reader: Stands behind the parameter's name.
        quoted: The parameter stands in double quotes.

    Raises:
        ScriptSyntaxError: if it is not understood.
    """
    source, dialect = reader.source, reader.source.dialect
    mark = source.here
    colon = mark == ":" and source.text[source.at + 1 : source.at + 2] in tuple("-=+?")
    if colon or mark in tuple("-=+?"):
        return _default(reader, colon=colon, quoted=quoted)
    if mark in ("#", "%"):
        return _strip(reader, mark)
    if mark == ":" and dialect.slices:
        return _slice(reader)
    if mark == "/" and dialect.replacement:
        return _replace(reader)
    if mark in ("^", ",") and dialect.change_case:
        return _change_case(reader, mark)
    if dialect.arrays:
        raise ScriptSyntaxError("an operation is not understood")
    return BadOperation(reader.braces_until("}", quoted=quoted).literal or mark)


def _default(reader: "WordReader", *, colon: bool, quoted: bool) -> Default:
    source = reader.source
    source.at += colon
    operator = source.here
    source.at += 1
    word = reader.braces_until("}", quoted=quoted)
    if operator == "-":
        return Default("-", colon, word)
    if operator == "=":
        return Default("=", colon, word)
    if operator == "+":
        return Default("+", colon, word)
    return Default("?", colon, word)


def _strip(reader: "WordReader", mark: str) -> Strip:
    source = reader.source
    longest = source.starts(mark * 2)
    source.at += 2 if longest else 1
    return Strip(reader.braces_until("}", quoted=False), mark == "%", longest)


def _slice(reader: "WordReader") -> Slice:
    reader.source.at += 1
    offset = _expression(reader, ":}")
    length = None
    if reader.source.here == ":":
        reader.source.at += 1
        length = _expression(reader, "}")
    return Slice(offset, length)


def _expression(reader: "WordReader", ends: str) -> Expression:
    word: Word = reader.braces_until(ends, quoted=True)
    return expression_of(word, reader.source.dialect)


def _replace(reader: "WordReader") -> Replace:
    source = reader.source
    source.at += 1
    where: _Where = "first"
    if source.here == "/" or (source.here in _PLACES and source.dialect.anchors):
        where = _PLACES[source.here]
        source.at += 1
    pattern = _pattern_until_slash(reader, where)
    replacement = None
    if source.here == "/":
        source.at += 1
        replacement = reader.braces_until("}", quoted=False)
    return Replace(pattern, replacement, where)


def _pattern_until_slash(reader: "WordReader", where: _Where) -> Word:
    """Read the pattern of a replacement; one of all matches may begin with a slash."""
    source = reader.source
    if where != "all" or source.here != "/":
        return reader.braces_until("/}", quoted=False)
    if not (source.dialect.is_bash or source.dialect.name == "busybox"):
        raise ScriptSyntaxError("an operation is not understood")
    source.at += 1
    rest = reader.braces_until("/}", quoted=False)
    return word_of((Text("/", quoted=False), *rest.parts))


def _change_case(reader: "WordReader", mark: str) -> ChangeCase:
    source = reader.source
    everywhere = source.starts(mark * 2)
    source.at += 2 if everywhere else 1
    pattern = None
    if source.here != "}":
        pattern = reader.braces_until("}", quoted=False)
    return ChangeCase(mark == "^", everywhere, pattern)
