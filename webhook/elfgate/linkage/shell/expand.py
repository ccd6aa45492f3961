"""What a script's words come to: parameters, defaults, splitting, files.

Source: POSIX.1-2017, Shell Command Language, 2.6 "Word Expansions"; bash(1), "Arrays".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Protocol

from elfgate.linkage.shell.state import Fields, Mark, State, Value
from elfgate.linkage.shell.words import Kind, Part, Word, is_pattern, quoted_text

_BRACED = re.compile(r"(#?)([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])(\[[^]]*\])?(.*)", re.DOTALL)
_OPERATION = re.compile(r"(:?[-=+?]|##?|%%?)(.*)", re.DOTALL)
_INDEXED = re.compile(r"(\w+)\[(\d+|[@*])\]")
_INDIRECT = re.compile(r"![A-Za-z_]\w*")
_REPLACED = re.compile(r"/(/?)([\w.:=, -]+)(?:/([\w.:=, -]*))?")
_BRACES = re.compile(r"\{[^}]|\{$")
_PLAIN = re.compile(r"[\w/.,:=+@%-]+")  # it stands for itself, quoted or not
_SLICE = re.compile(r":(\d+)(?::(\d+))?")
OTHERWISE = re.compile(
    r"\[[:.=^]|\[!?\]|\\|[@+!*?]\("
)  # in a pattern: what shells do not take as ``fnmatch`` does
_PATTERN_LENGTH, _LONGEST_STRIPPED = 500, 5000  # beyond, matching takes long
_QUOTED = re.compile(r"['\"]")
_AMBIGUOUS = re.compile(r"'|\$\{?[@*]")  # in a default: what depends on the quotes around it
_LONGEST = 1 << 16  # of a value: beyond, it is forgotten


class UnsetError(Exception):
    """A parameter cannot be expanded, and the script ends: ``set -u``, ``${name:?}``, a bad substitution."""


class World(Protocol):
    """What a script's words ask of the world."""

    def variable(self, name: str) -> Value:
        """A variable of the environment."""

    def is_surely_set(self, name: str) -> bool:
        """Tell whether a variable of the environment that is not known has a value for sure."""

    def files(self, pattern: str, state: State) -> Fields:
        """The files that match, in order, or the pattern if there are none."""


Output = Callable[
    [str, State], str | None
]  # a command's, without the newlines at its end; None if it is not known


@dataclass(frozen=True, slots=True)
class Expander:
    """Expands words.

    Attributes:
        world: Where variables and files are.
        output: Tells what a command says.
        perhaps: Is told where the script ends if a variable is not set, of which that is not known.
        plain: The shell is dash, which ends at expansions that POSIX does not have.
        braces: The shell may expand ``{a,b}``.
    """

    world: World
    output: Output
    perhaps: Callable[[State], None]
    plain: bool = False
    braces: bool = False

    def fields(self, words: tuple[Word, ...], state: State) -> Fields:
        """Expand a command's words.

        Raises:
            UnsetError: if the shell would end there.
        """
        fields = Fields()
        for word in words:
            fields += self._fields(word, state)
        return fields

    def value(self, word: Word, state: State) -> str | None:
        """Expand a word that is neither split nor matched to files, as in an assignment; None if it is not known.

        Raises:
            UnsetError: if the shell would end there.
        """
        if word.parts and word.parts[0].text.startswith("~") and not word.parts[0].quoted:
            return None
        values = [self._text(part, state) for part in word.parts]
        known = [value for value in values if value is not None]
        return "".join(known) if len(known) == len(values) else None

    def pattern(self, word: Word, state: State) -> str | None:
        """Expand a word to an ``fnmatch`` pattern, what is quoted in it standing for itself; None if not known."""
        pattern = ""
        for part in word.parts:
            value = self._text(part, state)
            if value is None:
                return None
            if not part.quoted and OTHERWISE.search(value):
                return None
            pattern += re.sub(r"([*?\[])", r"[\1]", value) if part.quoted else value
        return pattern if len(pattern) <= _PATTERN_LENGTH else None

    def parameter(self, name: str, state: State) -> Value:
        """Give the value of ``$name``."""
        if name.isdecimal():
            return _at(state, int(name))
        if name == "#":
            return Mark.UNKNOWN if state.args.more else str(len(state.args.values))
        if name == "?":
            return "0" if state.status.ok else Mark.UNKNOWN
        if name in {"@", "*"}:
            known = state.args.known
            return Mark.UNKNOWN if known is None else " ".join(known)
        if name in state.variables:
            return state.variables[name]
        return self.world.variable(name) if name.isidentifier() else Mark.UNKNOWN

    def _fields(self, word: Word, state: State) -> Fields:
        if (
            len(word.parts) == 1
            and word.parts[0].kind is Kind.TEXT
            and _PLAIN.fullmatch(word.parts[0].text)
        ):
            return Fields((word.parts[0].text,))
        done = Fields()
        field: str | None = None if not word.parts else ""
        present = globbed = False
        for part in word.parts:
            if (
                self.braces
                and not part.quoted
                and part.kind is Kind.TEXT
                and _BRACES.search(part.text)
            ):
                return replace(done, more=True)
            pieces = self._pieces(part, state)
            if pieces.more and not pieces.values:
                return replace(done, more=True)
            globbed |= part.kind is Kind.TEXT and not part.quoted and is_pattern(part.text)
            present |= bool(pieces.values)
            for number, piece in enumerate(pieces.values):
                if number:
                    done += Fields((field,))
                    field = ""
                field = None if field is None or piece is None else field + piece
            if pieces.more:
                return Fields((*done.values, field), more=True)
        if globbed and "f" not in state.options:
            plain = len(word.parts) == 1 and "glob" not in state.options
            files = (
                self.world.files(field, state) if plain and field is not None else Fields(more=True)
            )
            return done + files
        return done + Fields((field,)) if present else done

    def _pieces(self, part: Part, state: State) -> Fields:
        """The pieces of one part: the first joins what stands before it, the last what follows."""
        if part.kind is Kind.PARAMETER and (several := self._several(part, state)) is not None:
            return several
        value = self._text(part, state)
        if part.quoted or part.kind is Kind.TEXT:
            return Fields((value,))
        return Fields(more=True) if value is None else self._split(value, state)

    def _several(self, part: Part, state: State) -> Fields | None:
        """``$@``, ``$*`` and arrays; None if it is another parameter."""
        name, star = part.text, part.text == "*"
        if name in {"@", "*"}:
            fields = state.args
        elif (
            (match := _BRACED.fullmatch(name))
            and match[3] in {"[@]", "[*]"}
            and not match[1]
            and not match[4]
        ):
            value = self.parameter(match[2], state)
            star = match[3] == "[*]"
            fields = _items(value)
        else:
            return None
        if part.quoted and star:
            known = None if "IFS" in state.variables else fields.known
            return Fields((None if known is None else " ".join(known),))
        if part.quoted:
            return fields
        split = Fields()
        for item in fields.values:
            split += Fields(more=True) if item is None else self._split(item, state)
        return replace(split, more=split.more or fields.more)

    def _split(self, value: str, state: State) -> Fields:
        if (is_pattern(value) and "f" not in state.options) or ("IFS" in state.variables and value):
            return Fields(more=True)
        if value[:1].isspace() or value[-1:].isspace():
            return Fields(tuple(value.split())) if value.strip() else Fields()
        return Fields(tuple(value.split()))

    def _text(self, part: Part, state: State) -> str | None:
        """A part's value as one text."""
        if part.kind is Kind.TEXT:
            return part.text
        if part.kind is Kind.COMMAND:
            return self.output(part.text, state)
        if part.kind is Kind.OPAQUE:
            return None
        if _INDIRECT.fullmatch(part.text) and not self.plain:
            name = self.parameter(part.text[1:], state)
            if not isinstance(name, str) or not name.isidentifier():
                self.perhaps(state)  # bash ends where it is no name
                return None
            named = self.parameter(name, state)
            self._unless_set(named, name, state)
            return named if isinstance(named, str) else None
        match = _BRACED.fullmatch(part.text)
        value = (
            self._braced(match[1], match[2] + (match[3] or ""), match[4], state) if match else None
        )
        return value if value is None or len(value) < _LONGEST else None

    def _braced(self, length: str, name: str, rest: str, state: State) -> str | None:
        if self.plain and ("[" in name or (rest and not _OPERATION.fullmatch(rest))):
            raise UnsetError
        value = self._element(name, state) if "[" in name else self.parameter(name, state)
        if isinstance(value, tuple):
            whole = name.endswith(("[@]", "[*]"))
            if length and whole:
                if not value and "u" in state.options:
                    self.perhaps(state)  # bash ends if it was never set, not if it is empty
                return str(len(value))
            value = " ".join(value) if whole else value[0] if value else Mark.UNSET
        if length and not rest:
            self._unless_set(value, name, state)
        if length:
            return str(len(value)) if isinstance(value, str) and not rest else None
        if operation := _OPERATION.fullmatch(rest):
            return self._operation(value, name, operation, state)
        self._unless_set(value, name, state)
        if isinstance(value, Mark):
            return "" if value is Mark.UNSET else None
        return _changed(value, rest)

    def _element(self, name: str, state: State) -> Value:
        """Give ``name[N]``, or all of an array."""
        match = _INDEXED.fullmatch(name)
        fields = _items(self.parameter(match[1], state)) if match else Fields(more=True)
        if match is None:
            self.perhaps(state)  # there may be no such element
        known = fields.known
        if match is None or known is None:
            return Mark.UNKNOWN
        if match[2] in "@*":
            return known
        return known[int(match[2])] if int(match[2]) < len(known) else Mark.UNSET

    def _unless_set(self, value: Value, name: str, state: State, *, asked: bool = False) -> None:
        """End the script where a parameter must be set: under ``set -u``, or where it is asked for."""
        if (
            name in {"@", "*"}
            or name.endswith(("[@]", "[*]"))
            or not (asked or "u" in state.options)
        ):
            return
        if value is Mark.UNSET:
            raise UnsetError
        unsure = (
            name.isidentifier()
            and name not in state.variables
            and not self.world.is_surely_set(name)
        )
        if value is Mark.UNKNOWN and (asked or unsure):
            self.perhaps(state)

    def _operation(
        self, value: Value, name: str, operation: re.Match[str], state: State
    ) -> str | None:
        operator, rest = operation[1], operation[2]
        if operator[-1] not in "-+=":
            self._unless_set(value, name, state, asked=operator[-1] == "?")
        if value is Mark.UNKNOWN or isinstance(value, tuple):
            return None
        if operator[0] in "#%":
            return "" if value is Mark.UNSET else self._stripped(str(value), operator, rest, state)
        has = isinstance(value, str) and (bool(value) or operator[0] != ":")
        if _AMBIGUOUS.search(rest):
            return None if operator[-1] == "+" or not has else str(value)
        if operator[-1] == "+":
            return self.value(quoted_text(rest), state) if has else ""
        if isinstance(value, str) and has:
            return value
        if operator[-1] == "?":
            raise UnsetError
        return self.value(quoted_text(rest), state)

    def _stripped(self, value: str, operator: str, rest: str, state: State) -> str | None:
        pattern = self.value(quoted_text(rest), state)
        if (
            pattern is None
            or OTHERWISE.search(pattern)
            or _QUOTED.search(rest)
            or len(pattern) > _PATTERN_LENGTH
            or len(value) > _LONGEST_STRIPPED
        ):
            return None
        cuts = range(len(value) + 1)
        lengths = [
            n
            for n in cuts
            if fnmatchcase(value[:n] if operator[0] == "#" else value[len(value) - n :], pattern)
        ]
        if not lengths:
            return value
        cut = min(lengths) if len(operator) == 1 else max(lengths)
        return value[cut:] if operator[0] == "#" else value[: len(value) - cut]


def _changed(value: str, how: str) -> str | None:
    """Apply bash's ``:offset:length``, ``/text/other``, ``^^`` and ``,,``."""
    if match := _SLICE.fullmatch(how):
        return value[int(match[1]) :][: int(match[2]) if match[2] else None]
    if match := _REPLACED.fullmatch(how):
        return value.replace(match[2], match[3] or "", -1 if match[1] else 1)
    return {"": value, "^^": value.upper(), ",,": value.lower()}.get(how)


def _at(state: State, number: int) -> Value:
    if number == 0:
        return state.name
    if number > len(state.args.values):
        return Mark.UNKNOWN if state.args.more else Mark.UNSET
    value = state.args.values[number - 1]
    return Mark.UNKNOWN if value is None else value


def _items(value: Value) -> Fields:
    if value is Mark.UNKNOWN:
        return Fields(more=True)
    if isinstance(value, tuple):
        return Fields(value)
    return Fields((value,)) if isinstance(value, str) else Fields()
