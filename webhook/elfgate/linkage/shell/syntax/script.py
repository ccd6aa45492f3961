"""Scripts: their complete commands, each parsed when it is first reached, and remembered.

Shells read a script command by command, so that a text beyond what is run does not matter.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable

from elfgate.linkage.shell.syntax.dialect import Dialect
from elfgate.linkage.shell.syntax.nodes import Node, Spend

_CHARACTERS = 1 << 18  # of all texts together: nodes take up to 300 times their text's room
_OWED = 100  # units that are passed on at a time
_OVERHEAD = 256  # characters that a text's own objects count for


class Script:
    """A script.

    Args:
        text: All of it.
        dialect: How it is read.
        following: Parses the next command; None at the end.
    """

    __slots__ = ("_commands", "_costs", "_following", "_key", "text")

    def __init__(
        self, text: str, dialect: Dialect, following: Callable[[Spend], Node | None]
    ) -> None:
        self.text = text
        self._key = text, dialect.name
        self._following = following
        self._commands: list[Node | None] = []
        self._costs: list[list[int]] = []

    def command(self, number: int, pay: Callable[[Hashable, int], None]) -> Node | None:
        """Give the command of that number, counted from 0; None behind the last one.

        Args:
            number: At most one more than the last one that was asked for.
            pay: Counts work that is done once: told its key, and its units. A command that is
                remembered costs what parsing it costs, in the same portions.
        """

        def owe(portion: int, units: int) -> None:
            pay((self._key, number, portion), units)

        if number < len(self._commands):
            for portion, units in enumerate(self._costs[number]):
                owe(portion, units)
            return self._commands[number]
        if self._commands and self._commands[-1] is None:
            return None
        meter = _Meter(owe)
        node = self._following(meter.spend)
        meter.settle()
        self._commands.append(node)
        self._costs.append(meter.portions)
        return node


class _Meter:
    """Adds up what is spent, and passes it on, several tokens at a time."""

    __slots__ = ("_owe", "_owed", "portions")

    def __init__(self, owe: Callable[[int, int], None]) -> None:
        self._owe = owe
        self._owed = 0
        self.portions: list[int] = []

    def spend(self, units: int) -> None:
        self._owed += units
        if self._owed >= _OWED:
            self.settle()

    def settle(self) -> None:
        """Pass on what is still owed."""
        owed, self._owed = self._owed, 0
        self._owe(len(self.portions), owed)
        self.portions.append(owed)


class Scripts:
    """The scripts that were met last, by text and dialect: bounded by the length of all texts."""

    def __init__(self) -> None:
        self._scripts: OrderedDict[tuple[str, str], Script] = OrderedDict()
        self._characters = 0

    def of(self, text: str, dialect: Dialect, parse: Callable[[str, Dialect], Script]) -> Script:
        """Give the script of a text, parsed as far as it was reached before."""
        key = (text, dialect.name)
        if key in self._scripts:
            self._scripts.move_to_end(key)
            return self._scripts[key]
        script = parse(text, dialect)
        if len(text) > _CHARACTERS:
            return script
        self._scripts[key] = script
        self._characters += len(text) + _OVERHEAD
        while self._characters > _CHARACTERS:
            (oldest, _), _ = self._scripts.popitem(last=False)
            self._characters -= len(oldest) + _OVERHEAD
        return script
