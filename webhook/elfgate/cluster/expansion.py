"""``$(VAR)`` in a container's command, args and env, as the kubelet expands it.

Sources: Kubernetes ``third_party/forked/golang/expansion/expand.go`` (the syntax),
``makeEnvironmentVariables`` in ``pkg/kubelet/kubelet_pods.go`` (which values count, and in what
order), ``pkg/kubelet/envvars`` (service links).
"""

import re
from collections.abc import Iterable

from elfgate.cluster.part import Part

ANY_NAME = "*"

# Linux refuses longer arguments and environments: a string of 128 KiB (MAX_ARG_STRLEN), 2 MiB in
# all (a quarter of the stack's usual limit). Here they bound variables that double one another.
_LONGEST = 128 << 10
_LONGEST_IN_ALL = 2 << 20
_REFERENCES = 20_000  # of a pod; 700,000 fit into a review, and take a third of a second

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
_SERVICE_LINK = re.compile(
    r".+_(?:SERVICE_HOST|SERVICE_PORT(?:_.+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_[A-Z]+)?)?)"
)


class Room:
    """How much may still be expanded, over all containers of a pod.

    Attributes:
        left: Characters that references may still expand to.
        references: References that may still be looked at.
    """

    __slots__ = ("left", "references")

    def __init__(self) -> None:
        self.left = _LONGEST_IN_ALL
        self.references = _REFERENCES

    def takes_references_of(self, text: str) -> bool:
        """Count the references of a text; false if that is too many."""
        self.references -= text.count("$(") + text.count("$$")
        return self.references >= 0


class Environment:
    """The variables of one container that its pod tells of.

    Args:
        container: The container.
        room: Its pod's.

    Attributes:
        values: Those with a value known here, in the order they are set.
        unknown: Names of those whose value comes from elsewhere; ``*`` if any other name may have
            one (``envFrom``). Names that only an argument refers to are added as they are met.
    """

    __slots__ = ("_room", "unknown", "values")

    def __init__(self, container: Part, room: Room) -> None:
        self._room = room
        self.values: dict[str, str] = {}
        self.unknown: set[str] = {ANY_NAME} if container.get("envFrom").items() else set()
        for variable in container.get("env").items():
            self._declare(variable)

    def arguments(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Expand a command or args.

        What cannot be known stays as written, and its name is added to ``unknown``.
        """
        return self.words(texts)[0]

    def words(self, texts: Iterable[str]) -> tuple[tuple[str, ...], frozenset[int]]:
        """The expanded words, with the positions of the words that hold what cannot be known."""
        words = list(texts)
        unknown = set[int]()
        for at, text in enumerate(words):
            if "$" not in text:
                continue  # most are not, and there may be hundreds of thousands
            words[at], missing = self._expand(text)
            if missing:
                self.unknown |= missing
                unknown.add(at)
        return tuple(words), frozenset(unknown)

    def _declare(self, variable: Part) -> None:
        """``value`` outranks ``valueFrom`` unless it is empty.

        A later variable replaces an earlier one of its name.
        """
        name = variable.get("name").text()
        text = variable.get("value").text()
        expanded, missing = self._expand(text)
        self.values.pop(name, None)
        if missing or (not text and variable.get("valueFrom")):
            self.unknown.add(name)
        else:
            self.unknown.discard(name)
            self.values[name] = expanded

    def _expand(self, text: str) -> tuple[str, set[str]]:
        """The expanded text, and the names in it whose values are not known.

        These stay as written.
        """
        if "$" not in text:
            return text, set()
        if not self._room.takes_references_of(text):
            return text, {ANY_NAME}
        missing: set[str] = set()
        room = min(_LONGEST, self._room.left)

        def substitute(match: re.Match[str]) -> str:
            nonlocal room
            name = match.group(1)
            if name is None:
                return "$"
            value = self.values.get(name)
            if value is not None and len(value) <= room:
                room -= len(value)
                self._room.left -= len(value)
                return value
            if value is not None or self._comes_from_elsewhere(name):
                missing.add(name)
            return match.group()

        # Past the last ")" nothing but "$$" can match; looking for one there would take quadratic
        # time.
        end = text.rfind(")") + 1
        return _REFERENCE.sub(substitute, text[:end]) + text[end:].replace("$$", "$"), missing

    def _comes_from_elsewhere(self, name: str) -> bool:
        return (
            name in self.unknown
            or ANY_NAME in self.unknown
            or _SERVICE_LINK.fullmatch(name) is not None
        )
