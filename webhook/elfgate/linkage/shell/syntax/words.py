"""Reads words: quotes, expansions, and what stands within braces.

Source: POSIX.1-2017, Shell Command Language, 2.2 and 2.6; bash(1), "QUOTING" and "EXPANSION".
"""

import re
from collections.abc import Callable

from elfgate.linkage.shell.syntax.closings import Pair, closing, next_mark
from elfgate.linkage.shell.syntax.escapes import decoded
from elfgate.linkage.shell.syntax.expressions import expression_of
from elfgate.linkage.shell.syntax.nodes import ArrayLiteral, Assignment, Body
from elfgate.linkage.shell.syntax.parameters import braced
from elfgate.linkage.shell.syntax.source import ScriptSyntaxError, Source
from elfgate.linkage.shell.syntax.word_nodes import (
    Arithmetic,
    OpaquePart,
    Parameter,
    Part,
    ProcessSubstitution,
    Substitution,
    Text,
    Word,
    word_of,
)

_PLAIN = re.compile(r"[^ \t\n;&|()<>'\"\\$`]+")
_ALONE = re.compile(r"[\w./:,%^=-]+(?=[ \t\n;&|)]|\Z)", re.ASCII)  # a word that stands for itself
_IN_QUOTES = re.compile(r'[^"\\$`]+')
_IN_DOCUMENT = re.compile(r"[^\\$`]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_ASSIGNED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?=\[|\+?=)")
_ANSI = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_GROUPED = "@+?*!"
_SUBSTITUTION = 20  # units of work that a substitution costs beside its text
_LONGEST_ARITHMETIC = 1 << 13  # characters
_ENDS = " \t\n;&|()<>"
_BRACED = {ends: re.compile(rf"[^'\"\\$`{re.escape(ends)}]+") for ends in ("}", ":}", "/}", "]")}


class WordReader:
    """Reads the words of a source.

    Args:
        source: The text.
        body: Reads a substitution's commands, up to the parenthesis that closes it.
        text_body: Parses the text between backquotes.
    """

    def __init__(
        self, source: Source, body: Callable[[Source], Body], text_body: Callable[[str], Body]
    ) -> None:
        self.source = source
        self._body = body
        self._text_body = text_body

    def over(self, source: Source) -> "WordReader":
        """Give a reader like this one of another text."""
        return WordReader(source, self._body, self._text_body)

    def word(self, ends: str = _ENDS) -> Word:
        """Read a word.

        Args:
            ends: The characters that end it outside quotes.

        Raises:
            ScriptSyntaxError: if something in it is not closed.
        """
        source = self.source
        if ends is _ENDS and (text := source.take(_ALONE)):
            return Word((Text(text),), text, plain=True)
        parts: list[Part] = []
        while here := source.here:
            if here == "(" and self._is_behind_mark(parts):
                self._group(parts)
            elif here in ends and not self._is_process():
                break
            else:
                self.part(parts)
        return word_of(tuple(parts))

    def assignment(self) -> Assignment | None:
        """Read ``name=value``; None, and nothing read, if there is no assignment here."""
        source, start = self.source, self.source.at
        name = source.take(_ASSIGNED)
        if name is None:
            return None
        index = self.index() if source.here == "[" and source.dialect.arrays else None
        append = source.starts("+=") and source.dialect.append
        if not (append or source.here == "="):
            source.at = start
            return None
        source.at += 2 if append else 1
        if source.here == "(" and source.dialect.arrays:
            return Assignment(name, self._array(), index, append)
        return Assignment(name, self.word(), index, append)

    def document(self, text: str) -> Word:
        """Read the text of a here-document whose delimiter is not quoted."""
        inner = Source(text, self.source.dialect, self.source.spend, depth=self.source.depth)
        reader = WordReader(inner, self._body, self._text_body)
        parts: list[Part] = []
        while inner.here:
            if plain := inner.take(_IN_DOCUMENT):
                parts.append(Text(plain, quoted=True))
            else:
                reader._special(parts, escapes="$`\\")
        return word_of(tuple(parts))

    def braces_until(self, ends: str, *, quoted: bool) -> Word:
        """Read what stands in ``${…}``, up to one of these characters."""
        parts: list[Part] = []
        source = self.source
        while source.here not in ends:
            if not source.here:
                raise ScriptSyntaxError("a brace is not closed")
            if source.here == '"':
                self._double_quoted(parts)
            elif quoted and source.here == "'":
                parts.append(Text("'", quoted=True))
                source.at += 1
            elif quoted and source.here in "\\$`":
                self._special(parts, escapes='$`\\"}')
            else:
                self.part(parts, _BRACED[ends])
                if quoted and isinstance(parts[-1], Text) and not parts[-1].quoted:
                    parts[-1] = Text(parts[-1].text, quoted=True)
        return word_of(tuple(parts))

    def arithmetic_until(self, close: str, pair: Pair = "()") -> Word | None:
        """Read an arithmetic expression's text up to ``close``; None, and nothing read, if none is.

        The end is found first, without reading what is nested, so that no text is read twice.
        """
        end = closing(self.source, pair, _LONGEST_ARITHMETIC)
        source = self.source
        if end is None or not source.text.startswith(close, end):
            return None
        inner = Source(
            source.text[source.at : end], source.dialect, source.spend, depth=source.depth + 1
        )
        word = WordReader(inner, self._body, self._text_body).document_like()
        source.advance(end + len(close))
        return word

    def document_like(self) -> Word:
        """Read all that is left as if it stood in double quotes, which are dropped."""
        parts: list[Part] = []
        source = self.source
        while source.here:
            if source.here == '"':
                source.at += 1
                self._quote_of_number(parts)
            elif plain := source.take(_IN_QUOTES):
                parts.append(Text(plain, quoted=True))
            else:
                self._special(parts, escapes="$`\\")
        return word_of(tuple(parts))

    def _quote_of_number(self, parts: list[Part]) -> None:
        """Pass over a quote in an expression: bash does, and to others it is an error."""
        if not self.source.dialect.is_bash:
            parts.append(OpaquePart('"', quoted=True))

    def _is_process(self) -> bool:
        source = self.source
        follows = source.here in "<>" and source.text.startswith("(", source.at + 1)
        return follows and source.dialect.process_substitution

    def _is_behind_mark(self, parts: list[Part]) -> bool:
        """Tell whether a parenthesis begins the list of a pattern: ``@(a|b)``."""
        last = parts[-1] if parts and self.source.dialect.extended_patterns else None
        if not isinstance(last, Text) or last.quoted or not last.text:
            return False
        return last.text[-1] in _GROUPED

    def _group(self, parts: list[Part]) -> None:
        """Read ``(a|b)`` of a pattern as texts outside quotes, so that it stays a pattern."""
        source = self.source
        source.deeper()
        parts.append(Text("("))
        source.at += 1
        while source.here != ")":
            if source.here == "|":
                parts.append(Text("|"))
                source.at += 1
            elif not source.here or source.here in " \t\n;&<>(":
                raise ScriptSyntaxError("a pattern is not closed")
            else:
                parts += self.word("|) \t\n;&<>(").parts
        parts.append(Text(")"))
        source.at += 1
        source.depth -= 1

    def part(self, parts: list[Part], plain: "re.Pattern[str]" = _PLAIN) -> None:
        """Read one part of a word: a quote, an expansion, or what ``plain`` matches."""
        source = self.source
        here = source.here
        if here == "'":
            source.at += 1
            end = source.closing("'")
            parts.append(Text(source.text[source.at : end], quoted=True))
            source.advance(end + 1)
        elif here == '"':
            self._double_quoted(parts)
        elif here == "\\":
            self._escape(parts)
        elif here in "$`":
            self._expansion(parts, quoted=False)
        elif self._is_process():
            source.at += 2
            parts.append(ProcessSubstitution(self._inner()))
        elif text := source.take(plain):
            parts.append(Text(text))
        else:
            parts.append(Text(here))
            source.advance(source.at + 1)

    def _escape(self, parts: list[Part]) -> None:
        source = self.source
        after = source.text[source.at + 1 : source.at + 2]
        if after == "":
            parts.append(Text("\\", quoted=True))
        elif after != "\n":
            parts.append(Text(after, quoted=True))
        source.advance(min(source.at + 2, len(source.text)))

    def _double_quoted(self, parts: list[Part]) -> None:
        source = self.source
        source.at += 1
        count = len(parts)
        while (here := source.here) != '"':
            if not here:
                raise ScriptSyntaxError("a quote is not closed")
            if plain := source.take(_IN_QUOTES):
                parts.append(Text(plain, quoted=True))
            else:
                self._special(parts, escapes='$`"\\')
        source.at += 1
        if len(parts) == count:
            parts.append(Text("", quoted=True))

    def _special(self, parts: list[Part], *, escapes: str) -> None:
        """Read a backslash, an expansion or backquotes within double quotes."""
        source = self.source
        if source.here != "\\":
            self._expansion(parts, quoted=True)
            return
        after = source.text[source.at + 1 : source.at + 2]
        if after and after in escapes:
            parts.append(Text(after, quoted=True))
        elif after != "\n":
            parts.append(Text("\\" + after, quoted=True))
        source.advance(min(source.at + 2, len(source.text)))

    def _expansion(self, parts: list[Part], *, quoted: bool) -> None:
        source = self.source
        if source.here == "`":
            parts.append(self._backquoted(quoted=quoted))
        elif source.starts("$(("):
            parts.append(self._arithmetic_or_commands(quoted=quoted))
        elif source.starts("$("):
            parts.append(self._commands(quoted=quoted))
        elif source.starts("$[") and source.dialect.arrays:
            parts.append(self._in_brackets(quoted=quoted))
        elif source.starts("${"):
            parts.append(braced(self, quoted=quoted))
        elif not quoted and source.dialect.ansi_quotes and source.starts("$'"):
            self._ansi(parts)
        elif not quoted and source.dialect.translated and source.starts('$"'):
            source.at += 1
            self._double_quoted(parts)
        elif not quoted and source.dialect.braces and source.starts('$"'):
            source.at += 1  # of mksh, some releases translate it
            parts.append(OpaquePart("$", quoted=False))
        else:
            source.at += 1
            name = source.take(_NAME)
            parts.append(Parameter(name, quoted=quoted) if name else Text("$", quoted))

    def _ansi(self, parts: list[Part]) -> None:
        source = self.source
        match = _ANSI.match(source.text, source.at)
        if match is None:
            raise ScriptSyntaxError("a quote is not closed")
        source.advance(match.end())
        text = decoded(match[1])
        parts.append(OpaquePart(match[0], quoted=True) if text is None else Text(text, quoted=True))

    def _backquoted(self, *, quoted: bool) -> Substitution:
        source = self.source
        source.at += 1
        escapes = '`$\\"' if quoted else "`$\\"
        pieces: list[str] = []
        while source.here != "`":
            if not source.here:
                raise ScriptSyntaxError("a backquote is not closed")
            after = source.text[source.at + 1 : source.at + 2]
            if source.here == "\\" and after and after in escapes:
                source.at += 1
            mark = source.text[source.at]
            end = next_mark(source.text, source.at + 1)
            pieces.append(mark + source.text[source.at + 1 : end])
            source.advance(end)
        source.at += 1
        source.spend(_SUBSTITUTION)
        source.deeper()
        body = self._text_body("".join(pieces))
        source.depth -= 1
        return Substitution(body, quoted)

    def _arithmetic_or_commands(self, *, quoted: bool) -> Part:
        source, start = self.source, self.source.at
        source.at += 3
        word = self.arithmetic_until("))")
        if word is None and not source.dialect.arrays:
            raise ScriptSyntaxError("an expression is not closed")
        if word is None:
            source.at = start
            return self._commands(quoted=quoted)
        return Arithmetic(expression_of(word, source.dialect), quoted)

    def _in_brackets(self, *, quoted: bool) -> Part:
        """Read ``$[…]``, which bash takes for ``$((…))``; of other shells some do."""
        self.source.at += 2
        word = self.arithmetic_until("]", "[]")
        if word is None:
            raise ScriptSyntaxError("an expression is not closed")
        if self.source.dialect.is_bash:
            return Arithmetic(expression_of(word, self.source.dialect), quoted)
        return OpaquePart("$[", quoted)

    def _commands(self, *, quoted: bool) -> Substitution:
        self.source.at += 2
        return Substitution(self._inner(), quoted)

    def _inner(self) -> Body:
        source = self.source
        source.deeper()
        documents, source.documents = source.documents, []
        body = self._body(source)
        source.documents = documents
        source.depth -= 1
        return body

    def index(self) -> Word:
        """Read ``[…]`` behind a name."""
        self.source.at += 1
        word = self.braces_until("]", quoted=True)
        self.source.at += 1
        return word

    def _array(self) -> ArrayLiteral:
        source = self.source
        source.at += 1
        words: list[Word] = []
        keyed = False
        while True:
            operator = source.operator()
            if operator == "\n":
                source.advance(source.at + 1)
            elif operator == ")":
                source.at += 1
                return ArrayLiteral(tuple(words), keyed)
            elif operator or not source.here:
                raise ScriptSyntaxError("a list is not closed")
            else:
                keyed |= source.here == "["
                words.append(self.word())
