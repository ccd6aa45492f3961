"""YAML documents of unknown origin, with their lines.

They are bounded in depth and in what their aliases expand to.

Source: Kubernetes reads manifests as ``sigs.k8s.io/yaml`` does, whose plain scalars differ from
PyYAML's defaults: dates, ``=`` and sexagesimal numbers (``22:22``) are strings.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import yaml

from elfgate.cluster.yamlplaces import ImagePlace, children_of, image_places, items_of
from elfgate.errors import InputError

if TYPE_CHECKING:
    from yaml import SafeLoader as FastestLoader
else:
    FastestLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# libyaml's composer calls itself for each level and crashes the process some 20,000 levels down.
_MAX_DEPTH = 500
_MAX_VALUES = 5_000_000  # in one document, aliases followed

# A level takes an opening bracket, or at least one of these characters more at the start of a line,
# and compact forms ("- - -") two of them: without so many there is no such depth, and no need to
# look closer.
_DEEP_BLOCK = re.compile(rf"[ \t?:-]{{{_MAX_DEPTH // 2}}}")
_ALIAS = re.compile(
    r"(?<![^\s\[\]{},:?-])\*[0-9A-Za-z_-]"
)  # not "* * * * *", nor "*.example.com" in quotes

# go-yaml ends a plain scalar at a colon before white space only; libyaml minds one before "," and
# "]" too.
_COLON = "found unexpected ':'"
_ENDS_IN_COLON = re.compile(
    r"(?<![^\s\[{,])([^\s\[\]{},\"'#&*!|>%@`:][^\s\[\]{},\"'#]*:)(?=[,\]}])"
)
_MOST_TRIES = 20  # each reads the text anew

_STRINGS_IN_KUBERNETES = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"}
_INT = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*|\.(?:inf|Inf|INF))$"
    r"|\.(?:nan|NaN|NAN)$"
)
_STR, _MAP, _SEQ = (f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))
_TEMPLATE = "render the template first (helm template, kustomize build)"
_SHORT = 64  # what is longer is seldom said twice, and would be kept in vain
_NUMBERS = {"tag:yaml.org,2002:int": _INT, "tag:yaml.org,2002:float": _FLOAT}


class _Loader(FastestLoader):
    """Resolves plain scalars as Kubernetes does."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own interface
        first: [
            (tag, _NUMBERS.get(tag, pattern))
            for tag, pattern in rules
            if tag not in _STRINGS_IN_KUBERNETES
        ]
        for first, rules in FastestLoader.yaml_implicit_resolvers.items()
    }

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """The tag of a node without one.

        PyYAML's own method without what only its other users need.
        """
        if kind is not yaml.ScalarNode:
            return _MAP if kind is yaml.MappingNode else _SEQ
        if not implicit[0]:
            return _STR
        return _plain_tag(value) if len(value) < _SHORT else _plain_tag.__wrapped__(value)


def _untagged(loader: Any, _suffix: str, node: yaml.Node) -> Any:
    """A value with a tag of its own is the value, as it is to go-yaml."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("!", _untagged)

_SCALARS = {
    tag: _Loader.yaml_constructors[tag]
    for tag in (_STR, *(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null")))
}


@lru_cache(4096)
def _plain_tag(value: str) -> str:
    """The tag of a plain scalar; manifests repeat few of them many times."""
    rules: list[tuple[str, re.Pattern[str]]] = _Loader.yaml_implicit_resolvers.get(value[:1], [])
    return next((tag for tag, pattern in rules if pattern.match(value)), _STR)


@dataclass(frozen=True, slots=True)
class Document:
    """One document.

    Attributes:
        position: Where it is, such as ``deploy.yaml:12``.
        value: What it holds.
        items: The positions of the elements of its list ``items``; empty if they are not known.
        images: Where its containers name their images, in the order of lines.
    """

    position: str
    value: Any
    items: tuple[str, ...] = ()
    images: tuple[ImagePlace, ...] = ()

    def item_position(self, index: int) -> str:
        """The place of an element of its list ``items``."""
        return self.items[index] if self.items else f"{self.position}: items[{index}]"


def documents(text: bytes, source: str) -> Iterator[Document]:
    """Read the documents of a YAML text.

    Raises:
        InputError: if it is not UTF-8, not YAML, nested too deeply, or its aliases expand to too
            much.
    """
    try:
        decoded = text.decode("utf-8-sig")
        _refuse_depth(decoded)
        yield from _read(decoded, source)
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: not UTF-8 at byte {error.start}") from error
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark  # the C parser's has the same attributes
        where = f"{source}:{mark.line + 1}" if mark else source
        hint = _TEMPLATE if b"{{" in text else ""
        raise InputError(f"{where}: invalid YAML: {error.problem}", hint=hint) from error
    except (yaml.YAMLError, ValueError, _TooMuchError) as error:
        raise InputError(f"{source}: unusable YAML: {_one_line(error)}") from error


def _read(text: str, source: str) -> Iterator[Document]:
    """Read documents; where libyaml takes a colon for what it is not, once more from there.

    Kubernetes takes that colon otherwise.
    """
    given, tries = 0, 0
    while True:
        try:
            for document in islice(_load(text, source), given, None):
                given += 1
                yield document
        except yaml.MarkedYAMLError as error:
            tries += 1
            line = cast("Any", error.problem_mark)
            if error.problem != _COLON or line is None or tries > _MOST_TRIES:
                raise
            text = _quoted(text, line.line)
        else:
            return


def _quoted(text: str, number: int) -> str:
    """Quote the scalars of a line that end in a colon, as in ``[fe80::, x]``.

    To libyaml that is an error.
    """
    lines = text.split("\n")
    mended = _ENDS_IN_COLON.sub(r'"\1"', lines[number])
    if mended == lines[number]:
        raise _TooMuchError(f"line {number + 1}: {_COLON}")
    lines[number] = mended
    return "\n".join(lines)


class _TooMuchError(Exception):
    """A document that costs too much to read."""


def _load(text: str, source: str) -> Iterator[Document]:
    loader = _Loader(text)
    has_aliases = _ALIAS.search(text) is not None
    try:
        while loader.check_node():
            node = cast("yaml.Node", loader.get_node())  # there is one: check_node says so
            if has_aliases:
                _refuse_expansion(node)
            items = tuple(_position(source, item) for item in items_of(node))
            value = loader.construct_document(node) if has_aliases else _value(loader, node)
            yield Document(_position(source, node), value, items, image_places(node))
    finally:
        loader.dispose()


def _value(loader: _Loader, node: yaml.Node) -> Any:
    """The value of a node without aliases in it.

    Ordinary manifests take no detour by generators.
    """
    kind, tag = type(node), node.tag
    if kind is yaml.ScalarNode and tag in _SCALARS:
        return node.value if tag == _STR else _SCALARS[tag](loader, node)
    if kind is yaml.SequenceNode and tag == _SEQ:
        elements: list[Any] = []
        for item in node.value:  # a comprehension would double the depth of the stack
            elements.append(_value(loader, item))  # noqa: PERF401 - as above
        return elements
    if kind is yaml.MappingNode and tag == _MAP:
        members: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag != _STR or type(key) is not yaml.ScalarNode:
                return loader.construct_object(node, deep=True)
            members[sys.intern(key.value)] = _value(loader, value)
        return members
    return loader.construct_object(node, deep=True)


def _refuse_depth(text: str) -> None:
    brackets = max(
        part.count("[") + part.count("{") for part in text.split("\n---")
    )  # no bracket spans documents
    if brackets < _MAX_DEPTH and not _DEEP_BLOCK.search(text):
        return
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(
            event, yaml.CollectionEndEvent
        )
        if depth > _MAX_DEPTH:
            raise _TooMuchError(f"nested more than {_MAX_DEPTH} levels deep")


def _refuse_expansion(root: yaml.Node) -> None:
    """Count what the document would hold if each alias were a copy, without making the copies."""
    sizes: dict[int, int] = {}
    entered: set[int] = set()
    path = [root]
    while path:
        node = path[-1]
        children = children_of(node)
        if id(node) not in entered:
            entered.add(id(node))
            if any(id(child) in entered and id(child) not in sizes for child in children):
                raise _TooMuchError("an alias refers to something that it is a part of")
            path += [child for child in children if id(child) not in sizes]
            continue
        path.pop()
        sizes[id(node)] = 1 + sum(sizes[id(child)] for child in children)
        if sizes[id(node)] > _MAX_VALUES:
            raise _TooMuchError(f"its aliases expand to more than {_MAX_VALUES} values")


def _position(source: str, node: yaml.Node) -> str:
    return f"{source}:{node.start_mark.line + 1}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
