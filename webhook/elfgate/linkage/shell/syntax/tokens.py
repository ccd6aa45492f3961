"""Reads what stands between commands: operators, reserved words, newlines.

Source: POSIX.1-2017, Shell Command Language, 2.3, 2.4 and 2.10.
"""

import re

from elfgate.linkage.shell.syntax.redirections import read_document
from elfgate.linkage.shell.syntax.source import ScriptSyntaxError, Source
from elfgate.linkage.shell.syntax.words import WordReader

_KEYWORD = re.compile(
    r"(?:if|then|elif|else|fi|case|esac|for|while|until|do|done|function|select|coproc|time|in"
    r"|\{|\}|!|\[\[)(?=[\s;&|()<>]|$)"
)


class Tokens:
    """The operators and reserved words of a source.

    Args:
        source: The text.
        words: Reads its words, and the here-documents behind a newline.
    """

    def __init__(self, source: Source, words: WordReader) -> None:
        self._source = source
        self._words = words

    def ahead(self) -> str:
        """The operator or reserved word that comes next; the next character of another word."""
        operator = self._source.operator()
        if operator:
            return operator
        match = _KEYWORD.match(self._source.text, self._source.at)
        if match is None:
            return self._source.here
        return match[0]

    def take(self, *expected: str) -> str:
        """Read one of these operators or reserved words.

        Raises:
            ScriptSyntaxError: if another comes next.
        """
        ahead = self.ahead()
        if ahead not in expected:
            raise ScriptSyntaxError(f"{expected[0]} is missing")
        self._source.advance(self._source.at + len(ahead))
        return ahead

    def skip_separators(self) -> None:
        """Skip newlines and semicolons."""
        while (operator := self._source.operator()) in {"\n", ";"}:
            if operator == "\n":
                self.newline()
            else:
                self._source.advance(self._source.at + 1)

    def skip_newlines(self) -> None:
        """Skip newlines."""
        while self._source.operator() == "\n":
            self.newline()

    def newline(self) -> None:
        """Read a newline, and the here-documents that begin behind it."""
        source = self._source
        source.advance(source.at + 1)
        documents, source.documents = source.documents, []
        for document in documents:
            read_document(document, self._words)
