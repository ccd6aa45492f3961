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
        following: Parses the next command; None at the end.
    """

    __slots__ = ("_commands", "_costs", "_following", "text")

    def __init__(self, text: str, following: Callable[[Spend], Node | None]) -> None:
        self.text = text
        self._following = following
        self._commands: list[Node | None] = []
        self._costs: list[int] = []

    def command(self, number: int, pay: Callable[[Hashable, int], None]) -> Node | None:
        """Give the command of that number, counted from 0; None behind the last one.

        Args:
            number: At most one more than the last one that was asked for.
            pay: Counts work that is done once: told its key, and its units.
        """
        if number < len(self._commands):
            pay((self.text, number), self._costs[number])
            return self._commands[number]
        if self._commands and self._commands[-1] is None:
            return None
        meter = _Meter(lambda units: pay(object(), units))
        node = self._following(meter.spend)
        meter.settle()
        self._commands.append(node)
        self._costs.append(meter.units)
        return node


class _Meter:
    """Adds up what is spent, and passes it on, several tokens at a time."""

    __slots__ = ("_owed", "_spend", "units")

    def __init__(self, spend: Spend) -> None:
        self._spend = spend
        self._owed = 0
        self.units = 0

    def spend(self, units: int) -> None:
        self.units += units
        self._owed += units
        if self._owed >= _OWED:
            self.settle()

    def settle(self) -> None:
        """Pass on what is still owed."""
        owed, self._owed = self._owed, 0
        self._spend(owed)


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
