"""A document without what no policy in force looks at.

The verdict on it is told in the words of the whole document.

Policies look at some of a document only to tell things apart or to say what they are called. Such
names are replaced by
their position, so that the verdict on one pod is right for another that is alike but for its names:

- containers' names by U+E000 and four digits, images by U+E001, alternatives by U+E002;
- the object's name, repositories, tags, digests and variants by nothing.

Each only if no rule in force looks at it (``policy.sight``). What is seen only if looked at
(``policy.reach``) is left out first.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from elfgate.policy.annotation import USUAL
from elfgate.policy.document import ContainerEntry, Document, LinkageEntry
from elfgate.policy.reach import plain
from elfgate.policy.sight import Sight
from elfgate.policy.verdict import KINDS, Verdict, Violation

_CONTAINER, _IMAGE, _ALTERNATIVE = "\ue000", "\ue001", "\ue002"
_MARKS = tuple(mark.encode() for mark in (_CONTAINER, _IMAGE, _ALTERNATIVE))
_MARK = re.compile("[\ue000-\ue002][0-9]{4}")
_MOST = 10_000
_NO_VARIANT = {"id": "unknown", "version": "", "libc": ""}


@dataclass(slots=True)
class _Names:
    """Names of one sort, by position."""

    mark: str
    positions: dict[str, str] = field(default_factory=dict)

    def masked(self, name: str) -> str:
        return self.positions.setdefault(name, f"{self.mark}{len(self.positions):04d}")


@dataclass(frozen=True, slots=True)
class Masked:
    """The view that policies have of a document.

    Attributes:
        json: The document that they are asked about.
        names: What stands behind each mark in it.
        whole: The document itself, if they see all of it.
    """

    json: bytes
    names: dict[str, str]
    whole: Document | None = None

    def document(self) -> Document:
        """The document that policies are asked about."""
        return self.whole or Document.model_validate_json(self.json)

    def unmasked(self, verdict: Verdict) -> Verdict:
        """A verdict on that document, in the names of the whole one."""
        said = {kind: found for kind in KINDS if (found := getattr(verdict, kind))}
        if not self.names or not said:
            return verdict
        return verdict.model_copy(
            update={kind: self._unmasked(found) for kind, found in said.items()}
        )

    def _unmasked(self, violations: Sequence[Violation]) -> list[Violation]:
        return [self._named(violation) for violation in violations]

    def _named(self, violation: Violation) -> Violation:
        return violation.model_copy(
            update={
                "container": self._text(violation.container),
                "headline": self._text(violation.headline),
                "lines": [self._text(line) for line in violation.lines],
                "remedy": self._text(violation.remedy),
            }
        )

    def _text(self, text: str) -> str:
        return _MARK.sub(lambda mark: self.names.get(mark[0], mark[0]), text)


def masked(document: Document, sight: Sight) -> Masked:
    """Mask a document of all that policies do not look at.

    A document in which a mark occurs already is left as it is: paths and messages come from images.
    """
    document = document.seen(sight.looks_at)
    whole = document.json_bytes()
    if sight.looks_at >= USUAL or _is_large(document) or any(mark in whole for mark in _MARKS):
        return Masked(whole, {}, document)
    containers, images, alternatives = _Names(_CONTAINER), _Names(_IMAGE), _Names(_ALTERNATIVE)
    name = _keep if "container_names" in sight else containers.masked
    hides_images, hides_variants = "image_names" not in sight, "variants" not in sight
    # In this order, so that a container's number is its place in the pod.
    shown_containers = [
        _container(entry, name, images if hides_images else None) for entry in document.containers
    ]
    shown_linkages = [
        _linkage(entry, name, alternatives if hides_images else None, hides_variants)
        for entry in document.linkages
    ]
    request = plain(document.request)
    if "pod_names" not in sight:
        request = request | {"name": "", "owners": []}
    shown = vars(document) | {
        "request": request,
        "containers": shown_containers,
        "linkages": shown_linkages,
    }
    behind = {
        mark: text
        for names in (containers, images, alternatives)
        for text, mark in names.positions.items()
    }
    return Masked(orjson.dumps(shown, default=plain), behind)


def _keep(name: str) -> str:
    return name


def _is_large(document: Document) -> bool:
    return len(document.containers) + 2 * len(document.linkages) > _MOST


def _container(
    entry: ContainerEntry, name: Callable[[str], str], images: _Names | None
) -> dict[str, Any]:
    shown = plain(entry) | {"name": name(entry.name)}
    if images is not None:
        shown |= {"image": images.masked(entry.image), "repository": "", "tag": "", "digest": ""}
    return shown


def _linkage(
    entry: LinkageEntry,
    name: Callable[[str], str],
    alternatives: _Names | None,
    hides_variants: bool,  # noqa: FBT001 - private
) -> dict[str, Any]:
    shown = plain(entry) | {"container": name(entry.container)}
    if hides_variants:
        shown |= {"variant": _NO_VARIANT, "needs_glibc": []}
    if alternatives is not None and entry.alternatives:
        shown["alternatives"] = [alternatives.masked(image) for image in entry.alternatives]
    return shown
