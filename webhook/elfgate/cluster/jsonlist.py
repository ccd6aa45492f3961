"""A long JSON list of objects, decoded one item at a time: its text is all that is in memory of it at once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from json import JSONDecoder
from typing import Any

_DECODER = JSONDecoder()
_SPACE = re.compile(r"\s*")


@dataclass(slots=True)
class JsonList:
    """An object with ``items``, of which the items are still text.

    Attributes:
        text: All of it.
        first: Where the first item is, or the bracket that ends the items.
        head: The object's other members.
    """

    text: str
    first: int
    head: dict[str, Any] = field(default_factory=dict)

    def items(self) -> Iterator[Any]:
        """The items, each decoded when it is asked for."""
        return (value for value, _ in _elements(self.text, self.first))


def json_list(text: str) -> JsonList | None:
    """Read all of a list but its items, which are only looked over.

    Returns:
        The list; None if the text is not one object that has a list of items.
    """
    found, at = JsonList(text, -1), _skip(text, 0)
    if text[at : at + 1] != "{":
        return None
    try:
        end = _members(found, _skip(text, at + 1))
    except (ValueError, TypeError, IndexError, RecursionError):
        return None
    return found if found.first >= 0 and _skip(text, end) == len(text) else None


def _members(found: JsonList, at: int) -> int:
    """Read members until the object ends; the place behind it."""
    text = found.text
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _after(text, at, ":")
        if key == "items" and text[at] == "[":
            found.first = _skip(text, at + 1)
            at = _end_of_elements(text, found.first)
        else:
            found.head[_string(key)], at = _DECODER.raw_decode(text, at)
        at = _next(text, at, "}")
    return at + 1


def _elements(text: str, at: int) -> Iterator[tuple[Any, int]]:
    """Each element from a place on, with the place behind it and its comma."""
    while text[at] != "]":
        value, at = _DECODER.raw_decode(text, at)
        at = _next(text, at, "]")
        yield value, at


def _end_of_elements(text: str, at: int) -> int:
    end = at
    for _, behind in _elements(text, at):
        end = behind
    return end + 1


def _next(text: str, at: int, end: str) -> int:
    """The place of the next element behind a comma, or of the sign that ends all of them."""
    at = _skip(text, at)
    if text[at] == end:
        return at
    at = _after(text, at, ",")
    if text[at] == end:
        raise ValueError(f"nothing follows the comma before character {at}")
    return at


def _after(text: str, at: int, sign: str) -> int:
    """The place of what follows a sign that has to stand here."""
    at = _skip(text, at)
    if text[at] != sign:
        raise ValueError(f"no {sign} at character {at}")
    return _skip(text, at + 1)


def _string(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"{key!r} is no member's name")
    return key


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
