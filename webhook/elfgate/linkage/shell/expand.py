"""The expansion of words: parameters, substitutions, splitting, files.

Source: POSIX.1-2017, Shell Command Language, 2.6 "Word Expansions"; bash(1), "EXPANSION".
"""

from typing import Protocol

from elfgate.linkage.shell.arithmetic import NoValueError, evaluate
from elfgate.linkage.shell.automaton import Automaton, PatternError
from elfgate.linkage.shell.braces import alternatives
from elfgate.linkage.shell.ends import ScriptEndsError
from elfgate.linkage.shell.fieldwise import FieldBuilder
from elfgate.linkage.shell.parameters import Parameters
from elfgate.linkage.shell.patterns import Run, glob
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.syntax.arithmetic_nodes import Expression
from elfgate.linkage.shell.syntax.nodes import Body
from elfgate.linkage.shell.syntax.word_nodes import (
    Arithmetic,
    Default,
    Parameter,
    Part,
    ProcessSubstitution,
    Substitution,
    Text,
    Word,
    word_of,
)
from elfgate.linkage.shell.values import Status, Value
from elfgate.linkage.shell.world import World
from elfgate.linkage.values import MOST_FIELDS, UNSET, Fields, Scalar, Unknown

_LONGEST = 1 << 16  # characters of a value: of a longer one nothing is known
_TOO_LONG = Unknown("a value is too long")
PIPE = Unknown("the name of a pipe is not known")  # of ``<(…)``, which can be opened
_HOME = Unknown("a home directory is not known")
_OPAQUE = Unknown("an expansion is not understood")
_CHARACTERS = 64
_EXPRESSION = 5  # units of work that an arithmetic expression costs, and each variable in it


class Shell(Protocol):
    """The interpreter, as expansions see it."""

    world: World

    def substitute(
        self, body: Body, state: State, *, errexit: bool, keeps: bool
    ) -> tuple[State, Scalar]:
        """Run the commands of ``$(…)``; give the state after, and their output.

        ``set -e`` may count in there; it goes on from outside if the shell keeps it.
        """

    def beside(self, body: Body, state: State) -> State:
        """Run the commands of ``<(…)``."""

    def end(self, state: State, status: Status, *, aside: bool = False) -> None:
        """Note that the script may end here."""


class Expansion:
    """The expansions of one command, in order.

    Afterwards, ``state`` is where the script stands, and ``last`` the status of the last
    substitution that has run; None if none has.

    Args:
        shell: The interpreter.
        state: Where the script stands before.
        errexit: ``set -e`` counts for the command.
    """

    __slots__ = (
        "_errexit",
        "_parameters",
        "last",
        "shell",
        "state",
        "world",
    )

    def __init__(self, shell: Shell, state: State, *, errexit: bool = False) -> None:
        self.shell = shell
        self.world = shell.world
        self.state = state
        self.last: Status | None = None
        self._errexit = errexit
        self._parameters = Parameters(self)

    def fields(self, words: tuple[Word, ...]) -> Fields:
        """Expand a command's words.

        Raises:
            ScriptEndsError: if the script ends there.
        """
        values: list[Scalar] = []
        for word in words:
            if word.plain and word.literal is not None:
                values.append(word.literal)
                continue
            if word.whole:
                values.append(self.value(word))
                continue
            for one in self._braces(word):
                fields = self._word_fields(one)
                values += fields.values
                if fields.more is not None:
                    return Fields(tuple(values), fields.more)
        if len(values) > MOST_FIELDS:
            return Fields(tuple(values[:MOST_FIELDS]), _TOO_LONG)
        return Fields(tuple(values))

    def value(self, word: Word, *, assigned: bool = False) -> Scalar:
        """Expand a word that is neither split nor matched to files.

        Args:
            word: The word.
            assigned: It stands behind ``name=``: tildes behind colons count too.

        Raises:
            ScriptEndsError: if the script ends there.
        """
        if word.plain and word.literal is not None:
            return word.literal
        values: list[Scalar] = []
        for number, part in enumerate(word.parts):
            values.append(self._part_value(part, first=number == 0, assigned=assigned))
        if len(values) == 1:
            return values[0]
        return self._together(values)

    def _together(self, values: list[Scalar]) -> Scalar:
        """Put the values of a word's parts together."""
        unknown = next((value for value in values if isinstance(value, Unknown)), None)
        if unknown is None:
            return self.limited("".join(value for value in values if isinstance(value, str)))
        guesses = [value.guess if isinstance(value, Unknown) else value for value in values]
        guessed = all(value.guess for value in values if isinstance(value, Unknown))
        guess = self.limited("".join(guesses)) if guessed else ""
        return Unknown(unknown.because, guess=guess if isinstance(guess, str) else "")

    def limited(self, text: str) -> Scalar:
        """Count a text that was put together; one that is too long is not known."""
        self.world.spend(len(text) // _CHARACTERS)
        if len(text) < _LONGEST:
            return text
        return _TOO_LONG

    def runs(self, word: Word) -> list[Run] | Unknown:
        """Expand a word that is a pattern: its characters, the quoted ones marked."""
        runs: list[Run] = []
        for number, part in enumerate(word.parts):
            value = self._part_value(part, first=number == 0, assigned=False)
            if isinstance(value, Unknown):
                return value
            runs.append((value, part.quoted))
        return runs

    def automaton(self, word: Word) -> Automaton | Unknown:
        """Expand a word to the automaton of a pattern."""
        runs = self.runs(word)
        if isinstance(runs, Unknown):
            return runs
        if not self.counts_bytes(*(text for text, _ in runs)):
            return Unknown("a pattern counts characters of a locale")
        try:
            pattern = glob(
                runs,
                extended=self.world.dialect.extended_patterns,
                carets=self.world.dialect.carets,
            )
            return Automaton(pattern, self.world.spend)
        except PatternError:
            return Unknown("a pattern is not understood")

    def counts_bytes(self, *texts: str) -> bool:
        """Tell whether texts are of ASCII, or the shell counts their bytes."""
        if all(text.isascii() for text in texts) or self.world.dialect.by_bytes:
            return True
        if not self.world.dialect.is_bash:
            return False
        return all(self.parameter(name) is UNSET for name in ("LC_ALL", "LC_CTYPE", "LANG"))

    def parameter(self, name: str) -> Value:
        """Give the value of ``$name``."""
        return self._parameters.value(name)

    def number(self, expression: Expression) -> int | Unknown:
        """Evaluate an expression.

        Raises:
            ScriptEndsError: if it has no value.
        """
        self.world.spend(_EXPRESSION)
        try:
            return evaluate(expression, self)
        except NoValueError as failure:
            raise ScriptEndsError from failure

    def variable(self, name: str) -> Value:
        """Give a variable to an expression: the first element of an array."""
        self.world.spend(_EXPRESSION)
        value = self.parameter(name)
        if isinstance(value, Fields):
            if value.values:
                return value.values[0]
            return value.more or UNSET
        if value is UNSET and "u" in self.state.has:
            raise ScriptEndsError
        return value

    @property
    def counts_as_c(self) -> bool:
        """Tell whether the shell's numbers are as in C."""
        return self.world.dialect.counts_as_c

    def assign(self, name: str, value: Scalar) -> None:
        """Set a variable."""
        self.state = self.state.setting(name, value)

    def operand(self, word: Word) -> Scalar:
        """Expand a word of an expression."""
        return self.value(word)

    def may_end(self) -> None:
        """Note that the script may end here."""
        self.shell.end(self.state, Status(ok=False), aside=True)

    @property
    def separators(self) -> Scalar:
        """The characters of IFS."""
        value = self.state.variables.values.get("IFS", " \t\n")
        if value is UNSET:
            return " \t\n"
        if isinstance(value, (str, Unknown)):
            return value
        return Unknown("IFS is a list")

    def _braces(self, word: Word) -> tuple[Word, ...]:
        if not self.world.dialect.braces or "B" in self.state.has:
            return (word,)
        return alternatives(word, self.world.spend)

    def _word_fields(self, word: Word) -> Fields:
        builder = FieldBuilder(self)
        for number, part in enumerate(word.parts):
            if builder.is_closed:
                break
            self._add(part, builder, first=number == 0)
        return builder.finished()

    def _add(self, part: Part, builder: FieldBuilder, *, first: bool) -> None:
        if isinstance(part, Text):
            builder.add_text(
                self._tilde(part, assigned=False) if first else part.text,
                part.quoted,
            )
            return
        if isinstance(part, Parameter) and not part.bare:
            several = self._parameters.several(part)
            if several is not None:
                builder.add_several(several, part.quoted)
                if part.quoted and not several.values and self._stays_empty(part):
                    builder.add_text("", quoted=True)
                return
            word = self._parameters.replacing(part)
            if word is not None:
                self._add_word(word, builder, quoted=part.quoted)
                return
        value = self._part_value(part, first=False, assigned=False)
        builder.add_value(value, part.quoted)

    def _stays_empty(self, part: Parameter) -> bool:
        """Tell whether ``"${@+word}"`` is an empty word where there are no arguments.

        Bash drops it.
        """
        return isinstance(part.operation, Default) and not self.world.dialect.is_bash

    def _add_word(self, word: Word, builder: FieldBuilder, *, quoted: bool) -> None:
        """Add the word of ``${name-word}``: what is not quoted in it is split."""
        for number, part in enumerate(word.parts):
            if isinstance(part, Text) and not part.quoted and not quoted:
                text = self._tilde(part, assigned=False) if number == 0 else part.text
                builder.add_value(text, quoted=False)
            else:
                self._add(part, builder, first=False)
        if quoted and not word.parts:
            builder.add_text("", quoted=True)

    def _part_value(self, part: Part, *, first: bool, assigned: bool) -> Scalar:
        if isinstance(part, Text):
            return self._tilde(part, assigned=assigned) if first or assigned else part.text
        if isinstance(part, Parameter):
            return self._parameters.plain(part) if part.bare else self._parameters.text(part)
        if isinstance(part, Substitution):
            return self._substituted(part)
        if isinstance(part, Arithmetic):
            value = self.number(part.expression)
            return value if isinstance(value, Unknown) else str(value)
        if isinstance(part, ProcessSubstitution):
            self.state = self.shell.beside(part.body, self.state)
            return PIPE
        self.may_end()
        return _OPAQUE

    def _substituted(self, part: Substitution) -> Scalar:
        dialect = self.world.dialect
        counts = self._errexit or not dialect.is_bash
        keeps = counts and dialect.errexit_in_substitution
        keeps |= self._errexit and "inherit_errexit" in self.state.has
        before = self.state.flow.status
        self.state, output = self.shell.substitute(
            part.body, self.state, errexit=counts, keeps=keeps
        )
        self.last = self.state.flow.status
        if not dialect.is_bash:
            self.state = self.state.ended(before)  # until the command ends
        if isinstance(output, Unknown):
            return output
        return self.limited(output.rstrip("\n").replace("\0", ""))

    def _tilde(self, part: Text, *, assigned: bool) -> Scalar:
        text = part.text
        if part.quoted or "~" not in text:
            return text
        starts = text.startswith("~")
        if not starts and not (assigned and ":~" in text):
            return text
        name, slash, rest = text.partition("/")
        home = self.parameter("HOME")
        if name == "~" and isinstance(home, str) and ":~" not in text:
            return home + slash + rest
        return _HOME


def literal_word(text: str) -> Word:
    """Make a word that stands for a text."""
    return word_of((Text(text, quoted=True),))
