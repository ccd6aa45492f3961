"""Rules that cannot find anything under a bundle's settings: an engine need not ask them (tens of µs each in regorus).

Settings are part of a bundle and do not change while it is in force. Whatever is not certain counts as a rule that may
find something.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_BY_THE_MATRIX = "\nfindings contains finding if {\n\tcount(config.effective.support) > 0\n"


def is_idle(code: str, text: str, settings: Mapping[str, Any]) -> bool:
    """Whether a rule's findings count for nothing, at every enforcement point and in every namespace.

    Args:
        code: Its name.
        text: Its Rego.
        settings: ``data.elfgate.config``.
    """
    try:
        layers = [settings, *_laid_over(settings)]
        off = [layer.get("rules", {}).get(code) for layer in layers]
        unlisted = [layer.get("support", []) == [] for layer in layers]
    except AttributeError:  # settings of another shape, which other places refuse
        return False
    by_matrix = text.count("\nfindings ") == 1 and _BY_THE_MATRIX in text
    return (off[0] == "off" and set(off) <= {"off", None}) or (by_matrix and all(unlisted))


def _laid_over(settings: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What is laid over the settings somewhere (``lib/config``)."""
    for key in ("points", "namespaces"):
        yield from settings.get(key, {}).values()
