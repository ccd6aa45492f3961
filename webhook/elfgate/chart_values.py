"""The values of the Helm chart, as far as verdicts follow from them.

They have the form of ``elfgate serve``'s settings.

The chart's templates write the same settings (``charts/elfgate/templates/_settings.tpl``); a test
holds both together.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elfgate.errors import InputError
from elfgate.settings_file import document

_NODES = {
    "injectedLibraries": "injected_libraries",
    "extraArchitectures": "extra_architectures",
    "passingTaints": "passing_taints",
    "ordinaryRuntimes": "ordinary_runtimes",
    "snapshotter": "snapshotter",
}


def of_file(path: Path) -> dict[str, Any]:
    """The settings that a file of values comes to.

    Raises:
        InputError: if it is no mapping in YAML, or has rules of its own, which are files elsewhere.
    """
    values = document(path) or {}
    if not isinstance(values, Mapping):
        raise InputError(f"{path}: no mapping of values")
    if values.get("ownRules"):
        raise InputError(
            f"{path}: ownRules: rules are not read from values",
            hint="write each into a file of a folder, and name the folder with --rules",
        )
    return settings(values)


def settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of values.

    Policies, nodes and exempt namespaces, and what ``settings`` lays over them.
    """
    nodes = _mapping(values, "nodes")
    made = {
        "policies": _mapping(values, "policies"),
        "nodes": {name: nodes[value] for value, name in _NODES.items() if nodes.get(value)},
        "admission": {"exempt_namespaces": values.get("exemptNamespaces", [])},
    }
    return _laid(made, _mapping(values, "settings"))


def _mapping(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = values.get(key) or {}
    if not isinstance(found, Mapping):
        raise InputError(f"{key}: must be a mapping")
    return dict(found)


def _laid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one tree over another, as Helm's ``mergeOverwrite``."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            merged[key] = _laid(under, value)
        else:
            merged[key] = value
    return merged
