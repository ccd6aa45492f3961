"""How many elements of an object's lists are read, so that reading it never takes long.

A review of 3 MiB may hold 300,000 arguments. Each is cheap, and a value is made of each: all of
them would keep everybody else waiting for a tenth of a second. What people write has some hundreds.
Lists are measured before anything is made of what is in them.
"""

from elfgate.cluster.part import Part

ELEMENTS = 10_000  # of all of an object's pod templates
BEYOND = f"{ELEMENTS:,} elements of lists"

_PLACE = 25  # that a place for a pod template counts as, whatever is there: looking takes as long
_CONTAINER = 10  # that a container counts as, whatever is in it: placement looks at every one

_CHARACTERS = 64  # of a container's name and image that count as one: messages repeat both

_Way = tuple[str, ...]
_OF_CONTAINER: tuple[_Way, ...] = (
    ("env",),
    ("envFrom",),
    ("command",),
    ("args",),
    ("volumeMounts",),
    ("volumeDevices",),
    ("resources", "claims"),
    ("resources", "limits"),
    ("resources", "requests"),
    ("securityContext", "capabilities", "add"),
    ("securityContext", "capabilities", "drop"),
    ("livenessProbe", "exec", "command"),
    ("readinessProbe", "exec", "command"),
    ("startupProbe", "exec", "command"),
    ("lifecycle", "postStart", "exec", "command"),
    ("lifecycle", "preStop", "exec", "command"),
)
_OF_TEMPLATE: tuple[_Way, ...] = (
    ("metadata", "annotations"),
    ("metadata", "labels"),
    ("metadata", "ownerReferences"),
    ("spec", "imagePullSecrets"),
    ("spec", "nodeSelector"),
    ("spec", "resourceClaims"),
    ("spec", "schedulingGates"),
    ("spec", "securityContext", "supplementalGroups"),
    ("spec", "tolerations"),
    ("spec", "volumes"),
)
_CONTAINERS: tuple[_Way, ...] = (
    ("spec", "initContainers"),
    ("spec", "containers"),
    ("spec", "ephemeralContainers"),
)
_NESTED: tuple[_Way, ...] = (("spec", "affinity"),)


class Elements:
    """The elements that may yet be read of one object. It is used up."""

    def __init__(self) -> None:
        self._left = ELEMENTS

    def hold_template(self, root: Part, template: Part) -> bool:
        """Count a template, its containers, and their surroundings; false if that is too much.

        Args:
            root: The object.
            template: Its pod template, or itself.
        """
        beside = _PLACE + sum(_length(template.value, way) for way in _OF_TEMPLATE)
        beside += sum(_size(_at(template.value, way), self._left) for way in _NESTED)
        beside += _CONTAINER * sum(_length(template.value, way) for way in _CONTAINERS)
        if root.value is not template.value:
            beside += sum(_length(root.value, way) for way in _OF_TEMPLATE[:3])
        return self._takes(beside)

    def hold_container(self, container: Part) -> bool:
        """Count a container's lists and names; false if they are too much."""
        lists = sum(_length(container.value, way) for way in _OF_CONTAINER)
        return self._takes(lists + _characters(container.value) // _CHARACTERS)

    def _takes(self, count: int) -> bool:
        self._left -= count
        return self._left >= 0


def _length(value: object, way: _Way) -> int:
    """The elements at the end of a way; none where it leads to anything but a list or an object."""
    found = _at(value, way)
    return len(found) if isinstance(found, list | dict) else 0


def _characters(container: object) -> int:
    named = (_at(container, ("name",)), _at(container, ("image",)))
    return sum(len(text) for text in named if isinstance(text, str))


def _at(value: object, way: _Way) -> object:
    for key in way:
        if type(value) is not dict:
            return None
        value = value.get(key)
        if value is None:
            return None
    return value


def _size(value: object, most: int) -> int:
    """The elements of a value at all heights; some number beyond ``most`` if they are more."""
    count, waiting = 0, [value]
    while waiting and count <= most:
        each = waiting.pop()
        if isinstance(each, dict):
            each = list(each.values())
        if isinstance(each, list):
            count += len(each)
            waiting += each[: most + 1]
    return count
