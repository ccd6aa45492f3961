"""A policy module's METADATA, above its package (OPA docs, "Annotations").

Beside OPA's ``title`` and ``description``, ``custom`` may have:

- ``code``, ``remedy``, ``mode``: a rule's name, the way out, and its mode in words.
- ``asks: prediction``: the rule only takes the prediction's findings of its code.
- ``needs``: the settings without all of which the module has nothing to do (``support``).
- ``looks_at``: what of a document may change what the module decides (``LOOKS``).
- ``says``: what it only puts into words.

``.ci/annotations.rego`` holds elfgate's own modules to these. What says nothing may look at
everything.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from elfgate.errors import InputError
from elfgate.likely import likely
from elfgate.policy.document import FURTHER

USUAL = frozenset({"image_names", "pod_names", "namespaces", "variants", "container_names"})
"""The parts of a document that a rule of the user's own looks at unless it says otherwise."""
LOOKS = USUAL | FURTHER

_CUSTOM = frozenset(("asks", "code", "looks_at", "mode", "needs", "parameters", "remedy", "says"))
_BLOCK = re.compile(r"^# METADATA\n((?:#.*\n)+)package (\S+)$", re.MULTILINE)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Annotation:
    """A module's METADATA.

    Attributes:
        package: The module's package.
        fields: The METADATA as it is written.
    """

    package: str
    fields: Mapping[str, Any]

    @property
    def custom(self) -> Mapping[str, Any]:
        """The fields that are elfgate's own."""
        custom = self.fields.get("custom", {})
        return custom if isinstance(custom, Mapping) else {}

    @property
    def asks(self) -> str:
        """``prediction`` if the module only takes the prediction's findings."""
        return str(self.custom.get("asks", ""))

    @property
    def needs(self) -> tuple[str, ...]:
        """The settings, of which one is enough for the module to have something to do."""
        needs = self.custom.get("needs", ())
        return (needs,) if isinstance(needs, str) else tuple(map(str, needs))

    @property
    def looks_at(self) -> frozenset[str]:
        """The parts of a document (of ``LOOKS``) that can change the module's decision.

        The usual ones if it names none, and all if it names one that is unheard of.
        """
        looks = self.custom.get("looks_at")
        if looks is None:
            return USUAL
        if not isinstance(looks, list) or not LOOKS.issuperset(map(str, looks)):
            return LOOKS
        return frozenset(map(str, looks))


def misplaced(text: str) -> Iterator[tuple[int, str]]:
    """The METADATA of a module that is written in vain, by line.

    Fields of the user's own may stand anywhere; those that are elfgate's under ``custom``.
    """
    said = annotation(text)
    if said is None:
        yield from _unbound(text)
        return
    for name in sorted(set(map(str, said.fields)) & _CUSTOM):
        yield _line(text, name), f"the METADATA has {name} beside custom, and not under it"
    for name in sorted(set(map(str, said.custom)) - _CUSTOM):
        if close := likely(name, _CUSTOM):
            yield _line(text, name), f'the METADATA has {name}, did you mean "{close}"?'
    looks = said.custom.get("looks_at", [])
    if not isinstance(looks, list):
        yield _line(text, "looks_at"), "looks_at is a list: write looks_at: [labels]"
        return
    for word in sorted(set(map(str, looks)) - LOOKS):
        yield (
            _line(text, "looks_at"),
            f"looks_at has {word}; write one of {', '.join(sorted(LOOKS))}",
        )
    if not isinstance(said.custom.get("parameters", {}), dict):
        yield _line(text, "parameters"), "parameters have defaults: write parameters: {most: 10}"


def _line(text: str, word: str) -> int:
    before, _, block = text.partition("# METADATA")
    return before.count("\n") + block.partition(word)[0].count("\n") + 1


def _unbound(text: str) -> Iterator[tuple[int, str]]:
    before, marked, after = text.partition("# METADATA\n")
    if marked and re.search(r"^package ", after, re.MULTILINE):
        line = before.count("\n") + 1
        yield line, "the METADATA does not count: the line after it has to be the package's"


@lru_cache(256)
def annotation(text: str) -> Annotation | None:
    """The METADATA of a module's source; None if it has none.

    Raises:
        InputError: if the METADATA is not valid YAML.
    """
    match = _BLOCK.search(text)
    if match is None:
        return None
    block = "\n".join(line[2:] for line in match[1].splitlines())
    try:
        # A safe loader, the C one where there is one.
        fields = yaml.load(block, Loader=_LOADER)  # noqa: S506
    except yaml.YAMLError:
        raise InputError(f"the METADATA of {match[2]} is not valid YAML") from None
    return Annotation(match[2], fields if isinstance(fields, dict) else {})
