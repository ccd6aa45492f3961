"""Values that rules of the user's own take from the settings.

A rule names them in its METADATA with the values that hold unless others are given::

    # custom:
    #   parameters: {registries: [registry.example], most: 10}

It reads them as ``data.elfgate.config.parameters.NAME.registries``. A given value must be of its
default's type.
"""

from collections.abc import Mapping
from typing import Any

from elfgate.errors import InputError
from elfgate.policy.annotation import annotation

_PREFIX = "elfgate.rules."


def parameters(
    modules: Mapping[str, str], given: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The values of each rule that has parameters.

    Args:
        modules: Rego sources by path.
        given: The settings' values, by rule.

    Raises:
        InputError: if a value is of no parameter, or of another type than its default.
    """
    taken = declared(modules)
    for rule, values in given.items():
        _check(rule, values, taken.get(rule, {}))
    return {rule: {**defaults, **given.get(rule, {})} for rule, defaults in taken.items()}


def declared(modules: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The parameters that each rule's METADATA names, with their defaults."""
    found = {}
    for source in modules.values():
        said = annotation(source)
        defaults = said.custom.get("parameters") if said else None
        if said and isinstance(defaults, dict):
            found[said.package.removeprefix(_PREFIX)] = defaults
    return found


def _check(rule: str, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name not in defaults:
            there = ", ".join(sorted(map(str, defaults))) or "none"
            raise InputError(f"the rule {rule} has no parameter {name}; it has {there}")
        if not _is_like(value, defaults[name]):
            raise InputError(
                f"the parameter {name} of the rule {rule} is not like its default, "
                f"{defaults[name]!r}"
            )


def _is_like(value: object, default: object) -> bool:
    if isinstance(value, list) and isinstance(default, list) and default:
        return all(_is_like(item, default[0]) for item in value)
    return _called(value) == _called(default)


def _called(value: object) -> str:
    for types, name in _NAMES:
        if isinstance(value, types):
            return name
    return "nothing"


_NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "a text"),
    (list, "a list"),
    (dict, "an object"),
)
