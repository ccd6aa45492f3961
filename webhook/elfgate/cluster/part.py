"""Reading an object of unknown shape.

A part that knows where it stands, so that an error can say so.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import cast

from elfgate.errors import InputError


class Part:
    """A value inside an object, with the way to it.

    Absent and null are the same, as they are to Kubernetes.

    Args:
        value: What stands there; None if nothing does.
        parent: The part that it was taken from; None for the root.
        step: Its name or index there; for the root, what to call it (empty if it needs no name).
    """

    __slots__ = ("parent", "step", "value")

    def __init__(self, value: object, parent: "Part | None" = None, step: str | int = "") -> None:
        self.value = value
        self.parent = parent
        self.step = step

    def __bool__(self) -> bool:
        return self.value is not None

    @property
    def path(self) -> str:
        """The part's place, such as ``spec.containers[0].image``.

        Put together only when an error needs it.
        """
        before = self.parent.path if self.parent else ""
        if isinstance(self.step, int):
            return f"{before}[{self.step}]"
        return f"{before}.{self.step}" if before else self.step

    def get(self, *keys: str) -> "Part":
        """The member at the end of ``keys``; absent if one of them is.

        Raises:
            InputError: if something on the way is not an object.
        """
        part = self
        for key in keys:
            # Every review goes through hundreds of these, of which most are absent.
            value = part.value
            if value is None:
                return _ABSENT
            members = value if type(value) is dict else part.mapping()
            found = members.get(key)
            if found is None:
                return _ABSENT
            part = Part(found, part, key)
        return part

    def mapping(self) -> Mapping[str, object]:
        """The members; none if absent.

        Raises:
            InputError: if it is not an object.
        """
        return cast("Mapping[str, object]", self._typed(dict, "an object")) if self else {}

    def texts(self) -> dict[str, str]:
        """The members of an object of strings, such as labels; null values count as empty.

        Raises:
            InputError: if it is not an object of strings.
        """
        return {
            self._key(key): Part(value, self, key).text() for key, value in self.mapping().items()
        }

    def items(self, most: int | None = None) -> list["Part"]:
        """The elements, or the first ``most`` of them; none if absent.

        Raises:
            InputError: if it is not a list.
        """
        return list(islice(self.each(), most))

    def each(self) -> Iterator["Part"]:
        """The elements, each made when it is asked for: there may be tens of thousands.

        Raises:
            InputError: if it is not a list.
        """
        elements = self._typed(list, "a list") if self.value is not None else ()
        for index, element in enumerate(cast("Iterable[object]", elements)):
            yield Part(element, self, index)

    def count(self) -> int:
        """How many elements there are.

        Raises:
            InputError: if it is not a list.
        """
        return len(cast("list[object]", self._typed(list, "a list"))) if self else 0

    def having(self, key: str) -> list["Part"]:
        """The elements that have a member of that name, which is not empty; none if absent.

        An element of another shape is among them: whoever reads it will say so.

        Raises:
            InputError: if it is not a list.
        """
        if self.value is None:
            return []
        elements = cast("list[object]", self._typed(list, "a list"))
        return [
            Part(element, self, index)
            for index, element in enumerate(elements)
            if type(element) is not dict or element.get(key)
        ]

    def strings(self) -> tuple[str, ...]:
        """The elements of a list of strings; none if absent.

        Raises:
            InputError: if it is not a list of strings.
        """
        value = self.value
        if type(value) is list and all(type(each) is str for each in value):
            return tuple(value)  # there may be hundreds of thousands
        return tuple(item.text() for item in self.items())

    def text(self) -> str:
        """The string; empty if absent.

        Raises:
            InputError: if it is not a string.
        """
        value = self.value
        if type(value) is str:
            return value
        return "" if value is None else cast("str", self._typed(str, "a string"))

    def integer(self) -> int | None:
        """The integer; None if absent.

        Raises:
            InputError: if it is not an integer.
        """
        return cast("int", self._typed(int, "an integer")) if self.value is not None else None

    def flag(self) -> bool:
        """The boolean; false if absent.

        Raises:
            InputError: if it is not a boolean.
        """
        return self.value is not None and cast("bool", self._typed(bool, "true or false"))

    def _key(self, key: object) -> str:
        if not isinstance(key, str):
            raise InputError(f"{self._called} has the key {key!r}, which is not a string")
        return key

    def _typed(self, wanted: type, called: str) -> object:
        # An exact match, as bool is an int to Python and not to JSON.
        if type(self.value) is not wanted:
            raise InputError(f"{self._called} is not {called}")
        return self.value

    @property
    def _called(self) -> str:
        return self.path or "the document"


_ABSENT = Part(None)  # nothing is ever wrong with it, so that nobody asks where it stands
