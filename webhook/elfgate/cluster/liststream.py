"""A long list of objects in JSON, read and decoded an item at a time, as kubectl prints it.

A large cluster's objects are hundreds of megabytes of text, and several times that as Python's
objects.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from elfgate.errors import InputError

CHUNK = 4 << 20  # characters: what is shorter is no long list
MOST = 16 << 20  # of one item; etcd takes objects of 1.5 MiB

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
# kubectl writes the members of a list by name; an API server's own list has its metadata before the
# items.
_HEAD = re.compile(r"""\s*\{\s*(?:"(?:apiVersion|kind)"\s*:\s*"[^"\\]*"\s*,\s*)*"items"\s*:\s*\[""")


class ListStream:
    """The items of a list, of which the beginning has been read.

    Args:
        text: The beginning.
        read: Reads so many characters more; none at the end.
        source: What to call it in errors.
    """

    def __init__(self, text: str, read: Callable[[int], str], source: str) -> None:
        head = _HEAD.match(text)
        self.is_list = head is not None
        self._text, self._at = text, head.end() if head else 0
        self._read, self._source = read, source

    def items(self) -> Iterator[dict[str, Any]]:
        """The items, each decoded when it is asked for.

        Raises:
            InputError: if it is not JSON, or not a list.
        """
        if self._next() == "]":
            self._at += 1
            return self._end()
        while True:
            yield self._value()
            sign = self._next()
            self._at += 1
            if sign == "]":
                return self._end()
            if sign != ",":
                raise self._error(f"{sign!r} follows an item")

    def _value(self) -> dict[str, Any]:
        """The object that stands here, once all of it has been read."""
        self._next()
        while True:
            try:
                value, self._at = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if len(self._text) - self._at > MOST or not self._more():
                    raise self._error(str(error)) from error
            else:
                if not isinstance(value, dict):
                    raise self._error("an item is no object")
                return value

    def _next(self) -> str:
        """The next sign that is no space."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                raise self._error("it breaks off")

    def _more(self) -> bool:
        """Read on, and forget what was decoded."""
        text = self._read(CHUNK)
        self._text, self._at = self._text[self._at :] + text, 0
        return bool(text)

    def _end(self) -> None:
        """Read the members behind the items: the kind tells whether it was a list."""
        while len(self._text) < MOST and self._more():
            pass
        rest = self._text[self._at :].lstrip()
        try:
            tail = json.loads("{" + rest.removeprefix(","))
        except (ValueError, RecursionError) as error:
            raise self._error(str(error)) from error
        if not str(tail.get("kind", "List")).endswith("List"):
            raise self._error(f"a {tail['kind']} is no list")

    def _error(self, what: str) -> InputError:
        return InputError(f"{self._source}: not a list of objects in JSON: {what}")
