"""Cuts shell scripts into words and operators, quotes and expansions told apart.

Source: POSIX.1-2017, Shell Command Language, 2.2 (quoting), 2.3 (tokens), 2.6 (expansions) and 2.7.4 (here-documents).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

MOST_TOKENS = 6_000  # 64 KiB of an entrypoint script have about 5,000
_BLANKS = re.compile(r"(?:[ \t]|\\\n)+")
_OPERATORS = re.compile(r"&&|\|\||;;|<<<|<<-|<<|>>|<&|>&|<>|>\||&>|[;&|()<>\n]")
_PLAIN = re.compile(r"[^\s;&|()<>'\"\\$`]+")
_IN_QUOTES = re.compile(r'[^"\\$`]+')
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_QUOTES_OF_BASH = re.compile(r"""\$'(?:[^'\\]|\\.)*'|\$"[^"\\$`]*\"""", re.DOTALL)
_ARITHMETIC = re.compile(r"\(\(([^()]*(?:\([^()]*\)[^()]*)*)\)\)")
_ENDS_WORD = " \t\n;&|()<>"
_NESTED = 20  # expansions within expansions


class NotUnderstoodError(Exception):
    """The text is not of the plain kind that can be followed."""


class Kind(IntEnum):
    """What a part of a word is."""

    TEXT = 0
    PARAMETER = 1  # $name or ${…}
    COMMAND = 2  # $(…) or backquotes
    OPAQUE = 3  # $((…)), $'…', <(…): nobody knows what it is


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a word.

    Attributes:
        kind: What it is.
        text: The characters, the parameter's braces' content, or the command.
        quoted: It stands in quotes: it is neither split nor matched to files.
    """

    kind: Kind
    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or an operator.

    Attributes:
        raw: As written, quotes included.
        parts: What it is made of.
        operator: It is an operator, not a word.
        items: The words of ``NAME=(…)``; None if it is no such assignment.
    """

    raw: str
    parts: tuple[Part, ...] = ()
    operator: bool = False
    items: "tuple[Word, ...] | None" = None

    @property
    def literal(self) -> bool:
        """It has no expansion, so that ``text`` is its value."""
        return all(
            part.kind is Kind.TEXT and (part.quoted or not is_pattern(part.text))
            for part in self.parts
        )

    @property
    def text(self) -> str:
        """With its quotes removed; of expansions, what stands in them."""
        return self.raw if self.operator else "".join(part.text for part in self.parts)


def is_pattern(text: str) -> bool:
    """Tell whether a text without quotes may stand for other words than itself."""
    return "*" in text or "?" in text or text.startswith("~") or "]" in text.partition("[")[2]


def words_of(text: str) -> Iterator[Word]:
    """Cut a text into words and operators; comments and here-documents are dropped.

    Raises:
        NotUnderstoodError: if it is not plain enough.
    """
    at, count = 0, 0
    pending: list[tuple[str, bool]] = []
    heredoc = ""
    while at < len(text):
        count += 1
        if count > MOST_TOKENS:
            raise NotUnderstoodError("too long")
        if blanks := _BLANKS.match(text, at):
            at = blanks.end()
        elif text[at] == "#":
            at = _end(text, at)
        elif special := _of_bash(text, at):
            word, at = special
            yield word
        elif operator := _OPERATORS.match(text, at):
            at = operator.end()
            if operator[0] == "\n" and pending:
                at = _skip_heredocs(text, at, pending)
            heredoc = operator[0] if operator[0] in {"<<", "<<-"} else ""
            yield Word(operator[0], operator=True)
        else:
            word, at = _word(text, at)
            if heredoc:
                pending.append((word.text, heredoc == "<<-"))
                heredoc = ""
            yield word


def quoted_text(text: str) -> Word:
    """Read a text as if it stood in double quotes (POSIX 2.6.2: the word of ``${name:-word}``).

    Raises:
        NotUnderstoodError: if it is not plain enough.
    """
    parts, _ = _quoted(text.replace('"', "") + '"', 0)
    return Word(text, tuple(parts))


def _of_bash(text: str, at: int) -> tuple[Word, int] | None:
    """Read ``<(…)``, ``>(…)`` or ``((…))``; None if none of them is here."""
    if text.startswith(("<(", ">("), at):
        end = _balanced(text, at + 2, "()", 0) + 1
        return Word(text[at:end], (Part(Kind.OPAQUE, text[at:end], quoted=True),)), end
    if arithmetic := _ARITHMETIC.match(text, at):
        inner = Part(Kind.OPAQUE, arithmetic[1], quoted=True)
        return Word("((", (Part(Kind.TEXT, "((", quoted=True), inner)), arithmetic.end()
    return None


def _end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _skip_heredocs(text: str, at: int, pending: list[tuple[str, bool]]) -> int:
    for delimiter, tabs in pending:
        while at < len(text):
            end = _end(text, at)
            line = text[at:end]
            at = end + 1
            if (line.lstrip("\t") if tabs else line) == delimiter:
                break
    pending.clear()
    return at


def _word(text: str, at: int) -> tuple[Word, int]:
    start = at
    parts: list[Part] = []
    while at < len(text) and text[at] not in _ENDS_WORD:
        if text[at] == "'":
            end = _closing(text, at + 1, "'")
            parts.append(Part(Kind.TEXT, text[at + 1 : end], quoted=True))
            at = end + 1
        elif text[at] == '"':
            inner, at = _quoted(text, at + 1)
            parts += inner or [Part(Kind.TEXT, "", quoted=True)]
        elif text[at] == "\\":
            if text[at + 1 : at + 2] != "\n":
                parts.append(Part(Kind.TEXT, text[at + 1 : at + 2], quoted=True))
            at += 2
        elif text[at] in "$`":
            part, at = _expansion(text, at, quoted=False)
            parts.append(part)
        elif plain := _PLAIN.match(text, at):
            parts.append(Part(Kind.TEXT, plain[0]))
            at = plain.end()
        else:
            raise NotUnderstoodError(f"a word at {text[at : at + 10]!r}")
    return Word(text[start:at], tuple(parts)), at


def _closing(text: str, at: int, mark: str) -> int:
    end = text.find(mark, at)
    if end < 0:
        raise NotUnderstoodError(f"{mark} is not closed")
    return end


def _quoted(text: str, at: int, depth: int = 0) -> tuple[list[Part], int]:
    """Read up to the closing double quote."""
    parts: list[Part] = []
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            after = text[at + 1 : at + 2]
            literal = "" if after == "\n" else after if after in '$`"\\' else text[at : at + 2]
            parts.append(Part(Kind.TEXT, literal, quoted=True))
            at += 2
        elif text[at] in "$`":
            part, at = _expansion(text, at, quoted=True, depth=depth)
            parts.append(part)
        elif plain := _IN_QUOTES.match(text, at):
            parts.append(Part(Kind.TEXT, plain[0], quoted=True))
            at = plain.end()
    if at >= len(text):
        raise NotUnderstoodError("a quote is not closed")
    return parts, at + 1


def _expansion(text: str, at: int, *, quoted: bool, depth: int = 0) -> tuple[Part, int]:
    """Read ``$name``, ``${…}``, ``$(…)``, ``$((…))`` or backquotes."""
    if depth > _NESTED:
        raise NotUnderstoodError("nested too deep")
    if text[at] == "`":
        end = _closing(text, at + 1, "`")
        return Part(Kind.COMMAND, text[at + 1 : end].replace("\\`", "`"), quoted), end + 1
    if text.startswith(("$(", "${"), at):
        return _bracketed(text, at, quoted=quoted, depth=depth)
    if not quoted and (other := _QUOTES_OF_BASH.match(text, at)):
        return Part(Kind.OPAQUE, other[0], quoted=True), other.end()
    if match := _NAME.match(text, at + 1):
        return Part(Kind.PARAMETER, match[0], quoted), match.end()
    return Part(Kind.TEXT, "$", quoted), at + 1


def _bracketed(text: str, at: int, *, quoted: bool, depth: int) -> tuple[Part, int]:
    if text.startswith("$((", at):
        end = _balanced(text, at + 3, "()", depth)
        return Part(Kind.OPAQUE, text[at + 3 : end], quoted), _closing(text, end, ")") + 2
    if text.startswith("$(", at):
        end = _balanced(text, at + 2, "()", depth)
        return Part(Kind.COMMAND, text[at + 2 : end], quoted), end + 1
    end = _balanced(text, at + 2, "{}", depth)
    return Part(Kind.PARAMETER, text[at + 2 : end], quoted), end + 1


def _balanced(text: str, at: int, pair: str, depth: int) -> int:
    """Find what closes a substitution; quotes and substitutions within it are honoured."""
    opened = 1
    while at < len(text):
        if text[at] == '"':
            at = _quoted(text, at + 1, depth + 1)[1]
            continue
        if text[at] == "'" and pair == "()":
            at = _closing(text, at + 1, "'")
        elif text[at] == "\\":
            at += 1
        elif text[at] in "$`":
            at = _expansion(text, at, quoted=True, depth=depth + 1)[1]
            continue
        elif text[at] in pair:
            opened += 1 if text[at] == pair[0] else -1
            if not opened:
                return at
        at += 1
    raise NotUnderstoodError("a substitution is not closed")
