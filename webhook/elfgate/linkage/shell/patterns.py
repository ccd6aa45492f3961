"""The patterns of shells, and the regular expressions of ``=~``.

Sources: POSIX.1-2017, Shell Command Language, 2.13, and Base Definitions, 9.3.5 and 9.4;
bash(1), "Pattern Matching".
"""

import re
from dataclasses import dataclass

from elfgate.linkage.shell.automaton import (
    ANY,
    NOTHING,
    Characters,
    Choices,
    Edge,
    Pattern,
    PatternError,
    Repeat,
    Sequence,
)

Run = tuple[str, bool]  # characters, and whether they stand for themselves
_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": " \t\n\v\f\r",
    "blank": " \t",
    "xdigit": "0-9a-fA-F",
    "punct": "!\"#$%&'()*+,./:;<=>?@[\\]^_`{|}~-",
}
_LIMITS = re.compile(r"\{(\d{1,3})(,(\d{0,3}))?\}")
_DEPTH = 20
_LONGEST = 4000  # characters of a pattern
_ASCII = 128


@dataclass(frozen=True, slots=True)
class _Letter:
    """One character of a pattern."""

    letter: str
    quoted: bool
    escaped: bool = False

    def is_mark(self, marks: str) -> bool:
        """Tell whether it is one of these, not quoted."""
        return not self.quoted and self.letter in marks


def has_pattern(runs: list[Run]) -> bool:
    """Tell whether runs of characters may stand for other texts than themselves."""
    opened = False
    for text, quoted in runs:
        if quoted:
            continue
        if "*" in text or "?" in text or (opened and "]" in text):
            return True
        _, bracket, behind = text.partition("[")
        opened |= bool(bracket)
        if "]" in behind:
            return True
    return False


def glob(runs: list[Run], *, extended: bool, carets: bool = True) -> Pattern:
    """Read a pattern of the shell.

    Args:
        runs: Its characters.
        extended: ``@(a|b)`` is a pattern.
        carets: ``[^a]`` is as ``[!a]``; where it is not so for sure, it is not understood.

    Raises:
        PatternError: if it is not understood.
    """
    return _Glob(_letters(runs), extended, carets).whole()


def regular_expression(runs: list[Run]) -> Pattern:
    """Read an extended regular expression (POSIX).

    Raises:
        PatternError: if it is not understood.
    """
    reader = _Regular(_letters(runs))
    pattern = reader.choices()
    if reader.at < len(reader.letters):
        raise PatternError
    return pattern


def _letters(runs: list[Run]) -> list[_Letter]:
    letters: list[_Letter] = []
    if sum(len(text) for text, _ in runs) > _LONGEST:
        raise PatternError
    for text, quoted in runs:
        escaped = False
        for letter in text:
            if letter == "\\" and not quoted and not escaped:
                escaped = True
                continue
            alone = quoted and len(text) == 1
            letters.append(_Letter(letter, quoted or escaped, escaped or alone))
            escaped = False
        if escaped:
            letters.append(_Letter("\\", quoted=True))
    return letters


@dataclass(slots=True)
class _Reader:
    """Reads letters one by one."""

    letters: list[_Letter]
    at: int = 0
    depth: int = 0
    unclosed: bool = False

    def here(self, marks: str) -> bool:
        return self.at < len(self.letters) and self.letters[self.at].is_mark(marks)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEPTH:
            raise PatternError

    def bracket(self, *, negations: str) -> Pattern | None:
        """Read ``[…]``; None, and nothing read, if it is not closed: then no later one is."""
        if self.unclosed:
            return None
        start = self.at
        self.at += 1
        other = self.here(negations)
        self.at += other
        letters: set[str] = set()
        first = True
        while self.at < len(self.letters):
            if self.here("]") and not first:
                self.at += 1
                return Characters(frozenset(letters), other)
            first = False
            self._element(letters)
        self.at, self.unclosed = start, True
        return None

    def _element(self, letters: set[str]) -> None:
        if self.here("[") and self.at + 1 < len(self.letters):
            following = self.letters[self.at + 1]
            if following.is_mark(":"):
                self._class(letters)
                return
            if following.is_mark(".="):
                raise PatternError
        letter = self.letters[self.at].letter
        self.at += 1
        behind = self.letters[self.at + 1 : self.at + 2]
        if self.here("-") and behind and not behind[0].is_mark("]"):
            self._range(letter, behind[0].letter, letters)
            self.at += 2
        else:
            letters.add(letter)

    def _range(self, first: str, last: str, letters: set[str]) -> None:
        if ord(first) >= _ASCII or ord(last) >= _ASCII:
            raise PatternError  # its order is the locale's
        letters.update(chr(number) for number in range(ord(first), ord(last) + 1))

    def _class(self, letters: set[str]) -> None:
        text = "".join(letter.letter for letter in self.letters[self.at + 2 : self.at + 12])
        name, closed, _ = text.partition(":]")
        if not closed or name not in _CLASSES:
            raise PatternError
        for member in re.findall(r"[a-zA-Z0-9]-[a-zA-Z0-9]|.", _CLASSES[name], re.DOTALL):
            if len(member) == len("a-z"):
                self._range(member[0], member[2], letters)
            else:
                letters.add(member)
        self.at += 2 + len(name) + 2


class _Glob(_Reader):
    """Reads a pattern of the shell."""

    def __init__(self, letters: list[_Letter], extended: bool, carets: bool) -> None:  # noqa: FBT001
        super().__init__(letters)
        self._extended = extended
        self._carets = carets

    def whole(self) -> Pattern:
        pattern = self._sequence("")
        if self.at < len(self.letters):
            raise PatternError
        return pattern

    def _sequence(self, ends: str) -> Pattern:
        parts: list[Pattern] = []
        while self.at < len(self.letters) and not (ends and self.here(ends)):
            parts.append(self._one())
        return Sequence(tuple(parts))

    def _one(self) -> Pattern:
        behind = self.letters[self.at + 1 : self.at + 2]
        grouped = self._extended and bool(behind) and behind[0].is_mark("(")
        if grouped and self.here("@+?*!"):
            return self._group()
        if self.here("["):
            following = self.letters[self.at + 1 : self.at + 2]
            if following and following[0].is_mark("^") and not self._carets:
                raise PatternError
            pattern = self.bracket(negations="!^")
            if pattern is not None:
                return pattern
        letter = self.letters[self.at]
        self.at += 1
        if letter.is_mark("*"):
            return Repeat(ANY, 0, None)
        if letter.is_mark("?"):
            return ANY
        return Characters(frozenset({letter.letter}))

    def _group(self) -> Pattern:
        self.deeper()
        mark = self.letters[self.at].letter
        if mark == "!":
            raise PatternError
        self.at += 2
        choices = [self._sequence("|)")]
        while self.here("|"):
            self.at += 1
            choices.append(self._sequence("|)"))
        if not self.here(")"):
            raise PatternError
        self.at += 1
        self.depth -= 1
        inner = Choices(tuple(choices))
        if mark == "@":
            return inner
        most = 1 if mark == "?" else None
        return Repeat(inner, 1 if mark == "+" else 0, most)


class _Regular(_Reader):
    """Reads an extended regular expression."""

    def choices(self) -> Pattern:
        self.deeper()
        parts = [self._sequence()]
        while self.here("|"):
            self.at += 1
            parts.append(self._sequence())
        self.depth -= 1
        if len(parts) > 1:
            return Choices(tuple(parts))
        return parts[0]

    def _sequence(self) -> Pattern:
        parts: list[Pattern] = []
        while self.at < len(self.letters) and not self.here("|)"):
            parts.append(self._repeated(self._atom()))
        if parts:
            return Sequence(tuple(parts))
        return NOTHING

    def _atom(self) -> Pattern:
        if self.here("("):
            self.at += 1
            inner = self.choices()
            if not self.here(")"):
                raise PatternError
            self.at += 1
            return inner
        if self.here("["):
            pattern = self.bracket(negations="^")
            if pattern is None:
                raise PatternError
            return pattern
        letter = self.letters[self.at]
        self.at += 1
        if letter.is_mark("^$"):
            return Edge(letter.letter == "$")
        if letter.is_mark("."):
            return ANY
        if letter.is_mark("*+?{"):
            raise PatternError
        if letter.escaped and letter.letter.isalnum():
            raise PatternError  # an escape of its own, in some libraries: \w, \b, \1
        return Characters(frozenset({letter.letter}))

    def _repeated(self, atom: Pattern) -> Pattern:
        while self.here("*+?{"):
            letter = self.letters[self.at].letter
            if letter == "{":
                atom = self._limited(atom)
                continue
            self.at += 1
            atom = Repeat(atom, int(letter == "+"), 1 if letter == "?" else None)
        return atom

    def _limited(self, atom: Pattern) -> Pattern:
        text = "".join(letter.letter for letter in self.letters[self.at : self.at + 10])
        match = _LIMITS.match(text)
        if match is None:
            raise PatternError
        self.at += match.end()
        least = int(match[1])
        most: int | None = least
        if match[2]:
            most = int(match[3]) if match[3] else None
        if most is not None and most < least:
            raise PatternError
        return Repeat(atom, least, most)
