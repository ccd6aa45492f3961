"""The weight of a value, in bytes of this process's memory."""

import dataclasses
import enum
import sys
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

OVERHEAD = 120  # of an entry itself: its node in the ordered map, its tuple, its expiry

_LEAVES = (bool, int, float, str, bytes, type(None), enum.Enum, type)


def weight(value: object) -> int:
    """Bytes that a value and all that it holds take; what it holds twice counts once.

    Looks into containers, dataclasses and objects with a ``__dict__`` or slots. What cannot be
    looked into counts for itself alone. Members of enums and classes count nothing, as they are
    there anyway.
    """
    total, seen, left = 0, set[int](), [value]
    while left:
        item = left.pop()
        if id(item) in seen or isinstance(item, enum.Enum | type):
            continue
        seen.add(id(item))
        total += sys.getsizeof(item)
        if not isinstance(item, _LEAVES):
            left += _parts(item)
    return total


def _parts(item: object) -> Iterator[object]:
    if isinstance(item, Mapping):
        yield from item.keys()
        yield from item.values()
    elif isinstance(item, list | tuple | AbstractSet):
        yield from item
    elif dataclasses.is_dataclass(item):
        yield from (getattr(item, field.name, None) for field in dataclasses.fields(item))
    else:
        yield from getattr(item, "__dict__", {}).values()
        yield from _slots(item)


def _slots(item: object) -> Iterator[object]:
    for kind in type(item).__mro__:
        names = vars(kind).get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if not name.startswith("__"):
                yield getattr(item, name, None)
