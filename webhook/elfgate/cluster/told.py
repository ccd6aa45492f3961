"""Parts of an object that say nothing of what starts in it or where, for rules of the user's own.

Nothing of it decides a prediction. So what has another shape than Kubernetes' is passed over: the
API server refuses it where it knows the kind.
"""

from collections.abc import Mapping
from typing import Any

from elfgate.cluster.part import Part

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""An annotation that repeats the object."""
TOKEN = "kube-api-access"  # noqa: S105 - a volume's name
"""The beginning of the made-up name that a pod's volume with the service account's token has."""


def texts(obj: Part, key: str) -> dict[str, str]:
    """Labels or annotations of an object."""
    metadata = mapping(mapping(obj.value).get("metadata"))
    return {
        name: text
        for name, text in mapping(metadata.get(key)).items()
        if isinstance(text, str) and name != LAST_APPLIED
    }


def mapping(value: object) -> Mapping[str, Any]:
    """An object; an empty one if it is none."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Mapping[str, Any]]:
    """The objects in a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def strings(value: object) -> list[str]:
    """The strings in a list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def text(value: object) -> str:
    """A string; an empty one if it is none."""
    return value if isinstance(value, str) else ""


def is_token(volume: Mapping[str, Any]) -> bool:
    """Whether a volume is the one with the service account's token."""
    return "projected" in volume and text(volume.get("name")).startswith(TOKEN)
