"""The parts of a document that the policies in force look at.

A rule looks at what its METADATA says (``policy.annotation``). What no rule in force looks at is
kept from the policies (``policy.mask``), so that one verdict is right for every document that
differs in nothing else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elfgate.policy.aggregator import AGGREGATOR, aggregated
from elfgate.policy.annotation import LOOKS, USUAL, Annotation, annotation
from elfgate.policy.bundle import Bundle
from elfgate.policy.files import unchanged
from elfgate.policy.layers import is_off, layers, selects
from elfgate.policy.packages import RULES

_NOTHING = frozenset[str]()
_EXEMPTIONS = "data.elfgate.lib.exemptions"
_IMAGE_LABELS = frozenset({"image_labels"})  # elfgate's own modules ask only whether they are known
_LABELS = _IMAGE_LABELS | {"namespace_labels"}
_NAMED_BY = {"pod_names": "workload", "image_names": "image"}


@dataclass(frozen=True, slots=True)
class Sight:
    """The parts of a document (of ``policy.annotation.LOOKS``) that can change a verdict."""

    looks_at: frozenset[str]

    def __contains__(self, what: str) -> bool:
        return what in self.looks_at


EVERYTHING = Sight(LOOKS)


def sight(bundle: Bundle) -> Sight:
    """Collect what the rules in force of a bundle look at.

    A module that came with elfgate and was changed since counts as one that looks at everything, as
    its METADATA may not have been changed with it. A rule of the user's own looks at what its
    METADATA says.
    """
    try:
        return _sight(bundle, bundle.data["elfgate"]["config"])
    except AttributeError:  # settings of another shape, which other places refuse
        return EVERYTHING


def _sight(bundle: Bundle, settings: Mapping[str, Any]) -> Sight:
    said = {
        _folder(path): found for path, text in bundle.modules.items() if (found := annotation(text))
    }
    looks: set[str] = set()
    for path, text in bundle.modules.items():
        if path == AGGREGATOR:
            known = _is_ours(bundle, text, settings)
            looks |= _NOTHING if known else LOOKS
        elif path.startswith("own/"):
            said_here = annotation(text)
            looks |= _looks(said_here, settings) if said_here else USUAL
        elif unchanged(path, text):
            looks |= _looks(said.get(_folder(path)), settings) - _unneeded(settings)
        else:
            looks |= LOOKS
    return Sight(frozenset(looks))


def _folder(path: str) -> str:
    """A package's METADATA stands in one of its modules, and they share a folder."""
    return path.rpartition("/")[0]


def _is_ours(bundle: Bundle, text: str, settings: Mapping[str, Any]) -> bool:
    return text in {aggregated(bundle.modules, at, bundle.own) for at in (settings, None)}


def _looks(said: Annotation | None, settings: Mapping[str, Any]) -> frozenset[str]:
    if said is None:
        return LOOKS
    if not _in_force(said, settings):
        return _NOTHING
    if f"data.{said.package}" == _EXEMPTIONS:
        return said.looks_at - set(_of_any_name(settings))
    return said.looks_at


def _unneeded(settings: Mapping[str, Any]) -> frozenset[str]:
    """Name the looks of elfgate's own modules that no setting goes by."""
    return _IMAGE_LABELS if selects(settings.get("namespaces", ())) else _LABELS


def _in_force(said: Annotation, settings: Mapping[str, Any]) -> bool:
    code = said.package.removeprefix(f"{RULES}.")
    if code != said.package and is_off(code, settings):
        return False
    if not said.needs:
        return True
    return any(layer.get(need) for layer in layers(settings) for need in said.needs)


def _of_any_name(settings: Mapping[str, Any]) -> Iterator[str]:
    """Find the kinds of names that exemptions need not look at, as each is for any of them.

    Those that a namespace may grant can be for any name.
    """
    if settings.get("exempting_namespaces"):
        return
    for look, field in _NAMED_BY.items():
        if all(exemption.get(field) == "*" for exemption in settings.get("exemptions", ())):
            yield look
