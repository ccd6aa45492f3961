"""A policy module's METADATA, above its package (OPA docs, "Annotations").

Beside OPA's ``title`` and ``description``, ``custom`` may have:

- ``code``, ``remedy``, ``mode``: a rule's name, the way out, and its mode in words.
- ``asks: prediction``: the rule only takes the prediction's findings of its code.
- ``needs``: a setting without which the module has nothing to do (``support``, ``exemptions``).
- ``looks_at``: what of a document may change what the module decides (``LOOKS``).
- ``says``: what it only puts into words.

``.ci/annotations.rego`` holds elfgate's own modules to these. What says nothing may look at
everything.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from elfgate.errors import InputError
from elfgate.policy.document import FURTHER

USUAL = frozenset({"image_names", "pod_names", "namespaces", "variants", "container_names"})
"""The parts of a document that a rule of the user's own looks at unless it says otherwise."""
LOOKS = USUAL | FURTHER

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
    def needs(self) -> str:
        """The setting without which the module has nothing to do; empty if there is none."""
        return str(self.custom.get("needs", ""))

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
