"""The text of a script under a cursor, with what all readers of it share."""

import re
from dataclasses import dataclass, field

from elfgate.linkage.shell.syntax.dialect import Dialect
from elfgate.linkage.shell.syntax.nodes import HereDocument, Spend

DEPTH = 40  # commands, expansions and substitutions within one another
_BLANKS = re.compile(r"(?:[ \t]|\\\n)+")
_OPERATOR = re.compile(r"&&|\|\||\|&|;;&|;;|;&|<<<|<<-|<<|>>|<&|>&|<>|>\||&>>|&>|[;&|()<>\n]")
_CHARACTERS, _TOKEN = 64, 10  # units: characters that one reads, and those of a token


class ScriptSyntaxError(Exception):
    """A text is not of the shell's grammar, or not of the part of it that is read here."""


class UnclosedError(ScriptSyntaxError):
    """An expansion is not closed before the end of the text."""


@dataclass(slots=True)
class Document:
    """A here-document whose text is still to come.

    Attributes:
        end: The line that ends it.
        tabs: Tabs at the start of lines are dropped (``<<-``).
        quoted: Its text is taken as it is.
        place: Where its text is put.
    """

    end: str
    tabs: bool
    quoted: bool
    place: HereDocument


@dataclass(slots=True)
class Source:
    """A script's text and how far it is read.

    Attributes:
        text: All of it.
        dialect: The shell's.
        spend: Counts the work of reading.
        at: The next character.
        depth: How deep what is read is nested.
        documents: Here-documents that begin behind the next newline.
        looked_at: The place of which ``ahead`` is the operator.
        ahead: The operator that was found there.
    """

    text: str
    dialect: Dialect
    spend: Spend
    at: int = 0
    depth: int = 0
    documents: list[Document] = field(default_factory=list)
    looked_at: int = -1
    ahead: str = ""

    @property
    def here(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at : self.at + 1]

    def starts(self, text: str) -> bool:
        """Tell whether a text comes next."""
        return self.text.startswith(text, self.at)

    def take(self, pattern: "re.Pattern[str]") -> str | None:
        """Read what a pattern matches here, if it does."""
        match = pattern.match(self.text, self.at)
        if match is None:
            return None
        self.advance(match.end())
        return match[0]

    def advance(self, to: int) -> None:
        """Read on to a place, and count it."""
        self.spend(_TOKEN + (to - self.at) // _CHARACTERS)
        self.at = to

    def skip_blanks(self) -> None:
        """Skip blanks, line continuations and a comment."""
        here = self.text[self.at : self.at + 1]
        if here in {" ", "\t", "\\"} and (match := _BLANKS.match(self.text, self.at)):
            self.at = match.end()
            here = self.text[self.at : self.at + 1]
        if here == "#":
            end = self.text.find("\n", self.at)
            self.advance(len(self.text) if end < 0 else end)

    def operator(self) -> str:
        """The operator that comes next, blanks skipped; empty if there is none."""
        if self.looked_at == self.at:
            return self.ahead
        self.skip_blanks()
        self.looked_at, self.ahead = self.at, self._operator()
        return self.ahead

    def _operator(self) -> str:
        match = _OPERATOR.match(self.text, self.at)
        if match is None:
            return ""
        if match[0] in {"<", ">"} and self.text.startswith("(", match.end()):
            if self.dialect.process_substitution:
                return ""
            return match[0]
        if match[0] in {"&>", "&>>"} and not self.dialect.both_streams:
            return "&"
        if match[0] == "<<<" and not self.dialect.here_string:
            return "<<"
        return match[0]

    def closing(self, mark: str) -> int:
        """Find the next mark.

        Raises:
            ScriptSyntaxError: if there is none.
        """
        end = self.text.find(mark, self.at)
        if end < 0:
            raise ScriptSyntaxError(f"{mark} is not closed")
        return end

    def deeper(self) -> None:
        """Note that what follows is nested one deeper.

        Raises:
            ScriptSyntaxError: if that is too deep.
        """
        self.depth += 1
        if self.depth > DEPTH:
            raise ScriptSyntaxError("it is nested too deep")
