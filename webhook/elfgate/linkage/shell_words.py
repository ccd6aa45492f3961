"""Cuts shell scripts into words and operators, quotes and expansions told apart.

Source: POSIX.1-2017, Shell Command Language, 2.2 (quoting), 2.3 (tokens) and 2.7.4 (here-documents).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_TOKENS = 20_000
_OPERATORS = re.compile(r"&&|\|\||;;|<<-|<<|>>|<&|>&|<>|>\||[;&|()<>\n]")
_PLAIN = re.compile(r"[^\s;&|()<>'\"\\$`#]+|#")
_BRACED = re.compile(r"\$\{[^{}$`'\"\\]*\}")
_VARIABLE = re.compile(r"\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])")


class NotUnderstoodError(Exception):
    """The text is not of the plain kind that can be followed."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or an operator.

    Attributes:
        raw: As written, quotes included.
        text: With its quotes removed; expansions stand as written.
        literal: It has no expansion, so that ``text`` is its value.
        operator: It is an operator, not a word.
        commands: The texts of the command substitutions within it.
    """

    raw: str
    text: str
    literal: bool = True
    operator: bool = False
    commands: tuple[str, ...] = ()


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
        if text.startswith("\\\n", at):
            at += 2
        elif text[at] in " \t\r":
            at += 1
        elif text[at] == "#":
            at = _end(text, at)
        elif operator := _OPERATORS.match(text, at):
            at = operator.end()
            if operator[0] == "\n" and pending:
                at = _skip_heredocs(text, at, pending)
            heredoc = operator[0] if operator[0].startswith("<<") else ""
            yield Word(operator[0], operator[0], operator=True)
        else:
            word, at = _word(text, at)
            if heredoc:
                pending.append((word.text, heredoc == "<<-"))
                heredoc = ""
            yield word


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
    start, value, literal = at, "", True
    commands: list[str] = []
    while at < len(text) and text[at] not in " \t\r\n;&|()<>":
        if text[at] == "'":
            end = _closing(text, at + 1, "'")
            value += text[at + 1 : end]
            at = end + 1
        elif text[at] == '"':
            part, at = _quoted(text, at + 1, commands)
            literal &= "$" not in part and "`" not in part
            value += part
        elif text[at] == "\\":
            value += text[at + 1 : at + 2]
            at += 2
        elif text[at] in "$`":
            part, at = _expansion(text, at, commands)
            literal &= part == "$"
            value += part
        elif plain := _PLAIN.match(text, at):
            value += plain[0]
            literal &= not _is_pattern(plain[0])
            at = plain.end()
        else:
            raise NotUnderstoodError(f"a word at {text[at : at + 10]!r}")
    return Word(text[start:at], value, literal, commands=tuple(commands)), at


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text or text.startswith("~") or "]" in text.partition("[")[2]


def _closing(text: str, at: int, mark: str) -> int:
    end = text.find(mark, at)
    if end < 0:
        raise NotUnderstoodError(f"{mark} is not closed")
    return end


def _quoted(text: str, at: int, commands: list[str]) -> tuple[str, int]:
    value = ""
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            value += text[at + 1 : at + 2] if text[at + 1 : at + 2] in '$`"\\' else text[at : at + 2]
            at += 2
        elif text[at] in "$`":
            part, at = _expansion(text, at, commands)
            value += part
        else:
            value += text[at]
            at += 1
    if at >= len(text):
        raise NotUnderstoodError("a quote is not closed")
    return value, at + 1


def _expansion(text: str, at: int, commands: list[str]) -> tuple[str, int]:
    """Take ``$name``, ``${…}``, ``$(…)``, ``$((…))`` or backquotes as written."""
    if text[at] == "`":
        end = _closing(text, at + 1, "`")
        commands.append(text[at + 1 : end])
        return text[at : end + 1], end + 1
    if text.startswith("$(", at):
        end = _balanced(text, at + 2)
        if not text.startswith("$((", at):
            commands.append(text[at + 2 : end])
        return text[at : end + 1], end + 1
    if match := _BRACED.match(text, at) or _VARIABLE.match(text, at):
        return match[0], match.end()
    if text.startswith("${", at):
        raise NotUnderstoodError("an expansion within an expansion")
    return "$", at + 1


def _balanced(text: str, at: int) -> int:
    """Find the parenthesis that closes a substitution; quotes within it are honoured."""
    depth = 1
    while at < len(text):
        if text[at] == "'":
            at = _closing(text, at + 1, "'")
        elif text[at] == "\\":
            at += 1
        elif text[at] in "()":
            depth += 1 if text[at] == "(" else -1
            if not depth:
                return at
        at += 1
    raise NotUnderstoodError("a substitution is not closed")
