"""Reads ``${…}``: a parameter, and what is done to its value.

Source: POSIX.1-2017, Shell Command Language, 2.6.2; bash(1), "Parameter Expansion".
"""

import re
from typing import TYPE_CHECKING, Literal

from elfgate.linkage.shell.syntax.arithmetic_nodes import Expression
from elfgate.linkage.shell.syntax.closings import closing
from elfgate.linkage.shell.syntax.expressions import expression_of
from elfgate.linkage.shell.syntax.source import ScriptSyntaxError, Source, UnclosedError
from elfgate.linkage.shell.syntax.word_nodes import (
    BadOperation,
    ChangeCase,
    Default,
    OpaquePart,
    Operation,
    Parameter,
    Part,
    Replace,
    Slice,
    Strip,
    Text,
    Word,
    word_of,
)

if TYPE_CHECKING:
    from elfgate.linkage.shell.syntax.words import WordReader

_BRACED_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]")
_Where = Literal["first", "all", "start", "end"]
_PLACES: dict[str, _Where] = {"/": "all", "#": "start", "%": "end"}


def braced(reader: "WordReader", *, quoted: bool) -> Part:
    """Read ``${…}``; one that is not understood is read up to its brace."""
    source, start = reader.source, reader.source.at
    source.deeper()
    try:
        part: Part = _parameter(reader, quoted=quoted)
    except UnclosedError:
        raise  # so is all that it stands in: no text is searched twice
    except ScriptSyntaxError as error:
        source.at = start + 2
        end = closing(source, "{}")
        if end is None:
            raise UnclosedError from error
        source.advance(end + 1)
        part = OpaquePart(source.text[start : end + 1], quoted)
    source.depth -= 1
    return part


def _parameter(reader: "WordReader", *, quoted: bool) -> Parameter:
    source = reader.source
    source.at += 2
    length = _is_length(source)
    indirect = not length and source.here == "!" and _has_name_behind(source)
    source.at += length + indirect
    name = source.take(_BRACED_NAME)
    if name is None:
        raise ScriptSyntaxError("a parameter has no name")
    index = reader.index() if source.here == "[" and source.dialect.arrays else None
    prefix = indirect and _is_prefix(source, index)
    if prefix and index is None:
        source.at += 1
    operation = None
    if source.here != "}":
        operation = _operation_of(reader, quoted=quoted)
    if source.here != "}":
        raise ScriptSyntaxError("an expansion is not understood")
    source.at += 1
    return Parameter(name, operation, index, length, indirect, prefix, quoted)


def _is_length(source: Source) -> bool:
    """Tell ``${#name}`` from ``${#}`` and ``${#-word}``."""
    match = _BRACED_NAME.match(source.text, source.at + 1) if source.here == "#" else None
    return match is not None and source.text[match.end() : match.end() + 1] in ("}", "[")


def _has_name_behind(source: Source) -> bool:
    match = _BRACED_NAME.match(source.text, source.at + 1)
    return match is not None and source.dialect.indirect


def _is_prefix(source: Source, index: Word | None) -> bool:
    if index is not None:
        return index.literal in ("@", "*") and source.here == "}"
    return source.here != "" and source.starts(("@}", "*}")[source.here == "*"])


def _operation_of(reader: "WordReader", *, quoted: bool) -> Operation:
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
