"""Parts of a review that can decide its verdict.

No others are judged, and an answer is remembered by them.
"""

import hashlib
import marshal
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import orjson

from elfgate.cluster.given import CDI
from elfgate.cluster.openings import QUEUE_LABEL
from elfgate.cluster.owners import ROLLOUT_LABEL
from elfgate.cluster.review import ANYBODY, Review
from elfgate.cluster.status import PLACED, placed
from elfgate.cluster.streams import TRIGGERS
from elfgate.cluster.ties import PERSISTENT
from elfgate.cluster.told import LAST_APPLIED, TOKEN, is_token, mapping, objects, text

_METADATA = ("name", "namespace", "deletionTimestamp", "ownerReferences")
_CHOSEN = {
    "labels": (QUEUE_LABEL, ROLLOUT_LABEL),
    "annotations": (CDI, TRIGGERS),
}
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_MANY = 1000  # labels, annotations, volumes, or mounts: nobody has more, and more are kept whole
_MADE_UP = 5  # characters: ``k8s.io/apiserver/pkg/storage/names``

_Object: TypeAlias = dict[str, Any]
Decisive: TypeAlias = tuple[str, _Object | None, _Object | None]


def decisive_parts(review: Review, looks: frozenset[str] = frozenset()) -> Decisive:
    """The part of a review that can decide a verdict.

    The same for all who ask the same, whoever, however often and when.

    Field managers, timestamps and the user are gone, and the status but for how many nodes have a
    DaemonSet's pods; labels, annotations and volumes are, unless policies look at them. A name that
    the API server made up (``generateName`` and five characters) is cut to what its object's owner
    chose, so that the pods of one owner are alike.

    Args:
        review: As it came.
        looks: What policies look at.

    Returns:
        The name, the object, and the object before.
    """
    obj = _decisive(review.obj, looks)
    old_obj = _decisive(review.old_obj, looks)
    metadata = _metadata(obj) or {}
    name = metadata.get("name") or review.name
    return name, obj, old_obj


def decisive(review: Review, parts: Decisive | None = None) -> Review:
    """The review with no more than its decisive parts."""
    name, obj, old_obj = parts or decisive_parts(review)
    update = {
        "name": name,
        "obj": obj,
        "old_obj": old_obj,
        "user": ANYBODY,
    }
    return review.model_copy(update=update)


def _metadata(obj: _Object | None) -> _Object | None:
    """The metadata of an object; None without any."""
    metadata = obj.get("metadata") if obj else None
    return metadata if isinstance(metadata, dict) else None


def _decisive(obj: _Object | None, looks: frozenset[str]) -> _Object | None:
    metadata = _metadata(obj)
    if obj is None or metadata is None:
        return obj
    kept = _without(obj, "status")
    count = placed(obj)
    if count is not None:
        kept["status"] = {PLACED: count}
    kept["metadata"] = _decisive_metadata(metadata, looks)
    if obj.get("kind") != "Pod":
        return kept
    if "volumes" in looks:
        return _without_token(kept)
    return _without_volumes(kept)


def _decisive_metadata(metadata: _Object, looks: frozenset[str]) -> _Object:
    kept = {key: metadata[key] for key in _METADATA if key in metadata}
    for key in _CHOSEN:
        chosen = _chosen(metadata, key, looks)
        if chosen:
            kept[key] = chosen
    stem = _stem(metadata)
    if stem:
        kept["name"] = stem
    return kept


def _stem(metadata: _Object) -> str:
    """The part of a made-up name that its object's owner chose; empty for another name."""
    name = metadata.get("name")
    chosen = metadata.get("generateName")
    if not isinstance(name, str) or not isinstance(chosen, str):
        return ""
    return chosen if name[:-_MADE_UP] == chosen else ""


def _chosen(metadata: _Object, key: str, looks: frozenset[str]) -> _Object:
    """The labels or annotations that decide something."""
    texts = metadata.get(key)
    if not isinstance(texts, dict):
        return {}
    if len(texts) > _MANY:
        return texts
    if key in looks:
        return _without(texts, LAST_APPLIED)
    beginnings = _CHOSEN[key]
    return {name: text for name, text in texts.items() if name.startswith(beginnings)}


def _without(mapping: _Object, left_out: str) -> _Object:
    return {key: value for key, value in mapping.items() if key != left_out}


def _without_volumes(pod: _Object) -> _Object:
    """The pod without its volumes' names and most of what they hold: of that, little is looked at.

    The service account's has a name made up for each pod (``plugin/pkg/admission/serviceaccount``).
    """
    spec = pod.get("spec")
    if not isinstance(spec, dict):
        return pod
    kept = _without(spec, "volumes")
    volumes = _decisive_volumes(spec.get("volumes"))
    if volumes:
        kept["volumes"] = volumes
    _change_mounts(kept, _unnamed)
    return pod | {"spec": kept}


def _without_token(pod: _Object) -> _Object:
    """The pod with another name for the service account's volume."""
    spec = pod.get("spec")
    if not isinstance(spec, dict):
        return pod
    volumes = spec.get("volumes")
    if not isinstance(volumes, list) or len(volumes) > _MANY:
        return pod
    tokens = {text(item.get("name")) for item in objects(volumes) if is_token(item)}
    renamed = partial(_renamed, tokens=tokens)
    kept = spec | {"volumes": [renamed(item) for item in volumes]}
    _change_mounts(kept, renamed)
    return pod | {"spec": kept}


def _renamed(item: Any, tokens: set[str]) -> Any:
    name = mapping(item).get("name")
    if text(name) not in tokens:
        return item
    return item | {"name": TOKEN}


def _change_mounts(spec: _Object, changed: Callable[[Any], Any]) -> None:
    """Change the mounts of all containers of a pod's spec, which nobody else has."""
    for key in _CONTAINERS:
        containers = spec.get(key)
        if isinstance(containers, list) and len(containers) <= _MANY:
            spec[key] = [_with_mounts(container, changed) for container in containers]


def _with_mounts(container: Any, changed: Callable[[Any], Any]) -> Any:
    if not isinstance(container, dict):
        return container
    mounts = container.get("volumeMounts")
    if not isinstance(mounts, list) or len(mounts) > _MANY:
        return container
    return container | {"volumeMounts": [changed(mount) for mount in mounts]}


def _decisive_volumes(volumes: Any) -> Any:
    """Persistent volumes, whose groups a process gets, and images; others are only mounted."""
    if not isinstance(volumes, list) or len(volumes) > _MANY:
        return volumes
    kept: dict[object, _Object] = {}
    for volume in objects(volumes):
        decisive_volume = _decisive_volume(volume)
        if decisive_volume:
            kept.setdefault(_told(decisive_volume), decisive_volume)
    return list(kept.values())


def _told(volume: _Object) -> object:
    """Tells volumes apart, of which there may be tens of thousands.

    Nothing that is too deep to be written is read either.
    """
    try:
        return repr(volume)
    except RecursionError:
        return id(volume)


def _decisive_volume(volume: Mapping[str, Any]) -> _Object:
    if volume.get("image"):
        return {"image": volume["image"]}
    return {kind: {} for kind in PERSISTENT if volume.get(kind) is not None}


def _unnamed(mount: Any) -> Any:
    return _without(mount, "name") if isinstance(mount, dict) else mount


def digest(review: Review, parts: Decisive | None = None, *, named: bool = True) -> bytes:
    """Hash what can change the verdict on a review.

    Args:
        review: Decisive itself, if no parts are given.
        parts: Its decisive parts.
        named: Whether what the object is called can.
    """
    name, obj, old_obj = parts or (review.name, review.obj, review.old_obj)
    if not named:
        name = ""
        obj = _nameless(obj)
        old_obj = _nameless(old_obj)
    asked = (
        review.resource.group,
        review.resource.resource,
        review.subresource,
        review.operation,
        review.namespace,
        review.dry_run,
        name,
        obj,
        old_obj,
    )
    try:
        written = orjson.dumps(asked)
    except orjson.JSONEncodeError:  # nested deeper than it writes, though not than it reads
        written = marshal.dumps(asked, 2)
    return hashlib.sha256(written).digest()


def _nameless(obj: _Object | None) -> _Object | None:
    metadata = _metadata(obj)
    if obj is None or metadata is None:
        return obj
    return obj | {"metadata": _without(metadata, "name")}
