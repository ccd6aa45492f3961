"""Settings laid over one another: a bundle's own, the owner's, and those of points and namespaces."""

from collections.abc import Iterable, Mapping
from typing import Any

from elfgate.policy.config import PolicyConfig
from elfgate.policy.names import SELECTS


def configured(settings: Mapping[str, Any], config: PolicyConfig | None) -> dict[str, Any]:
    """Lay settings over a bundle's own, key by key.

    Exemptions and support rows hold beside the bundle's own.
    """
    given = config.overlay() if config else {}
    laid = overlay(settings, given)
    for rows in ("exemptions", "support"):
        laid[rows] = [*settings.get(rows, []), *_list(given.get(rows))]
    return laid


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one tree of settings over another.

    Objects are merged, anything else is replaced (as ``object.union``).
    """
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = (
            overlay(under, value)
            if isinstance(under, Mapping) and isinstance(value, Mapping)
            else value
        )
    return merged


def is_off(code: str, settings: Mapping[str, Any]) -> bool:
    """Whether a rule's mode is ``off`` in the settings and wherever something is laid over them."""
    modes = [layer.get("rules", {}).get(code) for layer in layers(settings)]
    return modes[0] == "off" and set(modes) <= {"off", None}


def selects(namespaces: Iterable[str]) -> bool:
    """Whether some of the settings' `namespaces` are labels of theirs."""
    return any(SELECTS in key for key in namespaces)


def layers(settings: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The settings, and what is laid over them somewhere (``lib/config``)."""
    over = (settings.get(key, {}).values() for key in ("points", "namespaces"))
    return [settings, *(layer for layers in over for layer in layers)]
