"""Builds the fields of one word: its parts are joined, split, and matched to files.

Source: POSIX.1-2017, Shell Command Language, 2.6.5 and 2.6.6.
"""

from typing import TYPE_CHECKING

from elfgate.linkage.shell.pathnames import matching
from elfgate.linkage.shell.patterns import Run, has_pattern
from elfgate.linkage.shell.splitting import BLANKS, split
from elfgate.linkage.values import MOST_FIELDS, Fields, Scalar, Unknown

if TYPE_CHECKING:
    from elfgate.linkage.shell.expand import Expansion

_CHARACTERS, _SEPARATED = (
    32,
    3,
)  # of a value that a unit splits at blanks, or at others
_BRACES = Unknown("braces in a value may stand for several words")
_SPLIT = Unknown("how arguments are split is not known")
_VANISHED = Unknown("whether an empty word stays is not known")
_TOO_MANY = Unknown("a list is too long")


class FieldBuilder:
    """The fields of one word, while its parts come in."""

    def __init__(self, expansion: "Expansion") -> None:
        self._expansion = expansion
        self._done: list[Scalar] = []
        self._runs: list[Run] = []
        self._unknown: Unknown | None = None
        self._present = False
        self._closing: Unknown | None = None
        self._vanished = False

    @property
    def is_closed(self) -> bool:
        """Nothing is known of what follows."""
        return self._closing is not None

    def add_text(self, text: Scalar, quoted: bool) -> None:  # noqa: FBT001
        """Add a text that is not split."""
        self._present = True
        if isinstance(text, Unknown):
            self._unknown = self._unknown or text
        else:
            self._runs.append((text, quoted))

    def add_value(self, value: Scalar, quoted: bool) -> None:  # noqa: FBT001
        """Add an expansion's value."""
        if quoted or (isinstance(value, Unknown) and value.number):
            self.add_text(value, quoted=True)
        elif isinstance(value, Unknown):
            self._closing = value
        elif self._opens_braces(value):
            self._closing = _BRACES
        else:
            self._add_split(value)

    def _opens_braces(self, value: str) -> bool:
        """Tell whether mksh takes braces in a value for several words."""
        is_mksh = self._expansion.world.dialect.name in {"ksh", "other"}
        return is_mksh and "{" in value and "}" in value

    def add_several(self, fields: Fields, quoted: bool) -> None:  # noqa: FBT001
        """Add a list: its first joins what stands before it, its last what follows."""
        self._expansion.world.spend(len(fields.values))
        if not quoted and self._splits_otherwise(fields):
            self._closing = _SPLIT
            return
        self._vanished |= quoted and not fields.values
        for number, value in enumerate(fields.values):
            if number:
                self._flush()
            self.add_value(value, quoted)
            if self.is_closed:
                return
        self._closing = fields.more

    def finished(self) -> Fields:
        """Give the fields."""
        if self._closing is None and self._vanished and self._is_empty():
            self._closing = _VANISHED if self._present else None
        elif self._closing is None:
            self._flush()
        return Fields(tuple(self._done), self._closing)

    def _is_empty(self) -> bool:
        """Tell whether bash may drop a word.

        A list in its quotes came to nothing, as all else of it.
        """
        is_bash = self._expansion.world.dialect.is_bash
        return is_bash and self._unknown is None and not any(text for text, _ in self._runs)

    def _splits_otherwise(self, fields: Fields) -> bool:
        """Tell whether a shell joins a list and splits it again.

        Other empty fields come of that.
        """
        separators, dialect = (
            self._expansion.separators,
            self._expansion.world.dialect,
        )
        if separators == BLANKS or not isinstance(separators, str):
            return False
        known = [value for value in fields.values if isinstance(value, str)]
        others = set(separators) - set(BLANKS)
        if dialect.is_bash:
            return any(not value or not others.isdisjoint(value[0] + value[-1]) for value in known)
        return any(not others.isdisjoint(value) for value in known)

    def _add_split(self, value: str) -> None:
        separators = self._expansion.separators
        if isinstance(separators, Unknown):
            self._closing = separators if value else None
            return
        cost = _CHARACTERS if separators == BLANKS else _SEPARATED
        self._expansion.world.spend(len(value) // cost)
        pieces, before, behind = split(value, separators)
        self._expansion.world.spend(len(pieces))
        if before:
            self._flush()
        for number, piece in enumerate(pieces):
            if number:
                self._flush()
            self._present = True
            self._runs.append((piece, False))
        if behind and pieces:
            self._flush()

    def _flush(self) -> None:
        """End a field."""
        if not self._present:
            return
        runs, unknown = self._runs, self._unknown
        self._runs, self._unknown, self._present = [], None, False
        if len(self._done) > MOST_FIELDS:
            self._closing = _TOO_MANY
        elif unknown is not None:
            self._done.append(Unknown(unknown.because) if runs else unknown)
        elif has_pattern(runs) and "f" not in self._expansion.state.has:
            files = matching(runs, self._expansion.state, self._expansion.world)
            self._done += files.values
            self._closing = files.more
        else:
            text = runs[0][0] if len(runs) == 1 else "".join(text for text, _ in runs)
            self._done.append(self._expansion.limited(text))
