"""What was read of scripts' texts, remembered: also that one cannot be read, which takes as long to find out."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from elfgate.linkage.shell.words import NotUnderstoodError

_CHARACTERS = 1 << 18  # of all texts together: what is read of one takes up to 300 times its room
R = TypeVar("R")


class Readings(Generic[R]):
    """The latest readings, by text."""

    def __init__(self) -> None:
        self._readings: OrderedDict[str, R | str] = OrderedDict()
        self._characters = 0

    def of(self, text: str, read: Callable[[str], R]) -> R:
        """Read a text, or remember what came of it.

        Args:
            text: The text.
            read: Reads it; its ``NotUnderstoodError`` and ``RecursionError`` are remembered as well.

        Raises:
            NotUnderstoodError: if it cannot be read.
        """
        if text in self._readings:
            self._readings.move_to_end(text)
            reading = self._readings[text]
        else:
            reading = self._read(text, read)
        if isinstance(reading, str):
            raise NotUnderstoodError(reading)
        return reading

    def _read(self, text: str, read: Callable[[str], R]) -> R | str:
        try:
            reading: R | str = read(text)
        except (NotUnderstoodError, RecursionError) as error:
            reading = str(error)
        self._readings[text] = reading
        self._characters += len(text)
        while self._characters > _CHARACTERS:
            self._characters -= len(self._readings.popitem(last=False)[0])
        return reading
