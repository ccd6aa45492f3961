"""Parts of a review that can decide its verdict.

No others are judged, and an answer is remembered by them.
"""

import hashlib
import marshal
from typing import Any, TypeAlias

import orjson

from elfgate.cluster.given import CDI
from elfgate.cluster.openings import QUEUE_LABEL
from elfgate.cluster.review import ANYBODY, Review
from elfgate.cluster.streams import TRIGGERS
from elfgate.cluster.template import PERSISTENT
from elfgate.cluster.told import LAST_APPLIED, TOKEN, is_token, mapping, objects, text

_METADATA = ("name", "namespace", "deletionTimestamp", "ownerReferences")
_CHOSEN = {"labels": (QUEUE_LABEL,), "annotations": (CDI, TRIGGERS)}
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_MADE_UP = 5  # characters: ``k8s.io/apiserver/pkg/storage/names``

Decisive: TypeAlias = tuple[str, dict[str, Any] | None, dict[str, Any] | None]


def decisive_parts(review: Review, looks: frozenset[str] = frozenset()) -> Decisive:
    """The part of a review that can decide a verdict.

    The same for all who ask the same, whoever, however often and when.

    Status, field managers, timestamps and the user are gone, and labels, annotations and volumes
    unless policies look at them. A name that the API server made up (``generateName`` and five
    characters) is cut to what its object's owner chose, so that the pods of one owner are alike.

    Args:
        review: As it came.
        looks: What policies look at.

    Returns:
        The name, the object, and the object before.
    """
    obj, old_obj = _decisive(review.obj, looks), _decisive(review.old_obj, looks)
    metadata = obj.get("metadata") if obj else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name or review.name, obj, old_obj


def decisive(review: Review, parts: Decisive | None = None) -> Review:
    """The review with no more than its decisive parts."""
    name, obj, old_obj = parts or decisive_parts(review)
    return review.model_copy(update={"name": name, "obj": obj, "old_obj": old_obj, "user": ANYBODY})


def _decisive(obj: dict[str, Any] | None, looks: frozenset[str]) -> dict[str, Any] | None:
    metadata = obj.get("metadata") if obj else None
    if obj is None or not isinstance(metadata, dict):
        return obj
    kept = {key: metadata[key] for key in _METADATA if key in metadata}
    kept |= {key: some for key in _CHOSEN if (some := _chosen(metadata, key, looks))}
    name, chosen = metadata.get("name"), metadata.get("generateName")
    if isinstance(name, str) and isinstance(chosen, str) and name[:-_MADE_UP] == chosen != "":
        kept["name"] = chosen
    kept_obj = {key: value for key, value in obj.items() if key != "status"} | {"metadata": kept}
    if obj.get("kind") != "Pod":
        return kept_obj
    return _without_token(kept_obj) if "volumes" in looks else _without_volumes(kept_obj)


def _chosen(metadata: dict[str, Any], key: str, looks: frozenset[str]) -> dict[str, Any]:
    """The labels or annotations that decide something."""
    texts = metadata.get(key)
    if not isinstance(texts, dict):
        return {}
    if key in looks:
        return {name: text for name, text in texts.items() if name != LAST_APPLIED}
    return {name: text for name, text in texts.items() if name.startswith(_CHOSEN[key])}


def _without_volumes(pod: dict[str, Any]) -> dict[str, Any]:
    """The pod without its volumes' names and most of what they hold: of that, little is looked at.

    The service account's has a name made up for each pod (``plugin/pkg/admission/serviceaccount``).
    """
    spec = pod.get("spec")
    if not isinstance(spec, dict):
        return pod
    kept = {key: value for key, value in spec.items() if key != "volumes"}
    if volumes := _decisive_volumes(spec.get("volumes")):
        kept["volumes"] = volumes
    for key in _CONTAINERS:
        if isinstance(kept.get(key), list):
            kept[key] = [_unnamed_mounts(container) for container in kept[key]]
    return pod | {"spec": kept}


def _without_token(pod: dict[str, Any]) -> dict[str, Any]:
    """The pod with another name for the service account's volume."""
    spec = pod.get("spec")
    volumes = spec.get("volumes") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(volumes, list):
        return pod
    tokens = {text(item.get("name")) for item in objects(volumes) if is_token(item)}
    kept = spec | {"volumes": [_renamed(item, tokens) for item in volumes]}
    for key in _CONTAINERS:
        if isinstance(kept.get(key), list):
            kept[key] = [_mounting(container, tokens) for container in kept[key]]
    return pod | {"spec": kept}


def _mounting(container: Any, tokens: set[str]) -> Any:
    mounts = container.get("volumeMounts") if isinstance(container, dict) else None
    if not isinstance(mounts, list):
        return container
    return container | {"volumeMounts": [_renamed(mount, tokens) for mount in mounts]}


def _renamed(item: Any, tokens: set[str]) -> Any:
    named = text(mapping(item).get("name")) in tokens
    return item | {"name": TOKEN} if named else item


def _decisive_volumes(volumes: Any) -> Any:
    """Persistent volumes, whose groups a process gets, and images; others are only mounted."""
    if not isinstance(volumes, list):
        return volumes
    kept = [_decisive_volume(volume) for volume in volumes if isinstance(volume, dict)]
    return [volume for number, volume in enumerate(kept) if volume and volume not in kept[:number]]


def _decisive_volume(volume: dict[str, Any]) -> dict[str, Any]:
    if volume.get("image"):
        return {"image": volume["image"]}
    return {kind: {} for kind in PERSISTENT if volume.get(kind)}


def _unnamed_mounts(container: Any) -> Any:
    mounts = container.get("volumeMounts") if isinstance(container, dict) else None
    if not isinstance(mounts, list):
        return container
    return container | {"volumeMounts": [_unnamed(mount) for mount in mounts]}


def _unnamed(mount: Any) -> Any:
    return (
        {key: value for key, value in mount.items() if key != "name"}
        if isinstance(mount, dict)
        else mount
    )


def digest(review: Review, parts: Decisive | None = None, *, named: bool = True) -> bytes:
    """Hash what can change the verdict on a review.

    Args:
        review: Decisive itself, if no parts are given.
        parts: Its decisive parts.
        named: Whether what the object is called can.
    """
    told = (review.resource.group, review.resource.resource, review.subresource, review.operation)
    parts = parts or (review.name, review.obj, review.old_obj)
    if not named:
        parts = ("", _nameless(parts[1]), _nameless(parts[2]))
    asked = (*told, review.namespace, review.dry_run, *parts)
    try:
        written = orjson.dumps(asked)
    except orjson.JSONEncodeError:  # nested deeper than it writes, though not than it reads
        written = marshal.dumps(asked, 2)
    return hashlib.sha256(written).digest()


def _nameless(obj: dict[str, Any] | None) -> dict[str, Any] | None:
    metadata = obj.get("metadata") if obj else None
    if obj is None or not isinstance(metadata, dict):
        return obj
    return obj | {"metadata": {key: metadata[key] for key in metadata if key != "name"}}
