"""The places of nodes in a YAML document, by their marks."""

from typing import NamedTuple

import yaml

_NAMED = ("name", "image")  # of each container


class ImagePlace(NamedTuple):
    """The place where a container names its image.

    Attributes:
        container: Its name.
        image: As it is written.
        line: From 1.
        column: From 1, in code points.
    """

    container: str
    image: str
    line: int
    column: int


def image_places(root: yaml.Node) -> tuple[ImagePlace, ...]:
    """Each mapping that has a name and an image; what aliases repeat is told once."""
    found = {}
    waiting = [root]
    seen = set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        waiting += [part for part in children_of(node) if type(part) is not yaml.ScalarNode]
        place = _place(node) if isinstance(node, yaml.MappingNode) else None
        if place is not None:
            found[place.line, place.column] = place
    return tuple(found[at] for at in sorted(found))


def _place(node: yaml.MappingNode) -> ImagePlace | None:
    scalars = {
        key.value: value
        for key, value in node.value
        if key.value in _NAMED and isinstance(value, yaml.ScalarNode)
    }
    if len(scalars) < len(_NAMED):
        return None
    image = scalars["image"]
    mark = image.start_mark
    return ImagePlace(
        container=scalars["name"].value,
        image=image.value,
        line=mark.line + 1,
        column=mark.column + 1,
    )


def children_of(node: yaml.Node) -> list[yaml.Node]:
    """The nodes below a node: a mapping's keys and values, a sequence's elements."""
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return elements_of(node)


def items_of(root: yaml.Node) -> list[yaml.Node]:
    """The elements of the list ``items``."""
    pairs = root.value if isinstance(root, yaml.MappingNode) else ()
    found = (value for key, value in pairs if key.value == "items")
    return elements_of(next(found, None))


def elements_of(node: yaml.Node | None) -> list[yaml.Node]:
    """The elements of a sequence; none of anything else."""
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    return []
