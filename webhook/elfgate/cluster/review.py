"""AdmissionReview: what the API server asks, and how it is answered.

Sources: the Kubernetes admission.k8s.io/v1 API; what a real API server does with warnings, messages
and annotations (``k8s.io/apiserver/pkg/endpoints/filters/warning.go``: newlines and control
characters drop a warning, and past 4,096 runes in total each is cut to 256).
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from elfgate.cluster.part import Part
from elfgate.cluster.template import TEMPLATES, Template, workload
from elfgate.cluster.workload import CONTAINERS, PARTS, Role, Workload, parts_of
from elfgate.errors import InputError
from elfgate.printable import printable

MAX_BYTES = 3 << 20

_MAX_WARNINGS = 4000  # of 4,096 runes, which all hooks share
_MAX_WARNING = 256
_MAX_MESSAGE = 32_000
_PLACEMENT = ("nodeName", "nodeSelector", "affinity", "tolerations", "os", "runtimeClassName")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Resource(_Model):
    """The resource under review (GroupVersionResource)."""

    group: str = ""
    resource: str


class User(_Model):
    """The user that asks."""

    username: str = ""


ANYBODY = User()


class Review(_Model):
    """An AdmissionRequest, as far as it is looked at."""

    uid: Annotated[str, Field(min_length=1, max_length=128)]
    resource: Resource
    subresource: Annotated[str, Field(alias="subResource")] = ""
    operation: Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
    namespace: str = ""
    name: str = ""
    dry_run: Annotated[bool | None, Field(alias="dryRun")] = False
    obj: Annotated[dict[str, Any] | None, Field(alias="object")] = None
    old_obj: Annotated[dict[str, Any] | None, Field(alias="oldObject")] = None
    user: Annotated[User, Field(alias="userInfo")] = ANYBODY


class _Envelope(_Model):
    api_version: Annotated[Literal["admission.k8s.io/v1"], Field(alias="apiVersion")]
    kind: Literal["AdmissionReview"]
    request: Review


def parse(body: bytes) -> Review:
    """Read an AdmissionReview.

    Raises:
        InputError: if it is longer than 3 MiB, not JSON, or not an AdmissionReview of
            admission.k8s.io/v1.
    """
    if len(body) > MAX_BYTES:
        raise InputError(f"the review is longer than {MAX_BYTES >> 20} MiB")
    try:
        return _Envelope.model_validate(orjson.loads(body)).request
    except orjson.JSONDecodeError as error:
        raise InputError(f"the review is not JSON: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InputError(
            f"not an AdmissionReview: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        ) from error


def judged(
    review: Review,
    templates: Iterable[Template] = TEMPLATES,
    looks: frozenset[str] = frozenset(),
) -> Workload | None:
    """The part of a review that is to be judged.

    Args:
        review: What is asked.
        templates: The kinds that hold pod templates, and where.
        looks: What policies look at beside starts (``policy.document.FURTHER``).

    Returns:
        The workload; None if there is nothing to judge, so that the review passes at once: deletes
        and connects, other subresources than ephemeralcontainers, objects being deleted, kinds
        without a pod template, and updates that change neither the containers nor the placement.

    Raises:
        InputError: if the object has not the shape of its kind.
    """
    if review.operation not in {"CREATE", "UPDATE"} or review.subresource not in {
        "",
        "ephemeralcontainers",
    }:
        return None
    # Only an update can concern an object that is being deleted: at CREATE the API server has
    # cleared the field.
    if review.operation == "UPDATE" and Part(review.obj).get("metadata", "deletionTimestamp"):
        return None
    before = _before(review, templates)
    parts = parts_of(workload(review.obj, templates=templates))
    # A template beyond those that are looked at stands for others, so that it counts as changed.
    asked = (
        _asked(part, before.get(part.part) if position < PARTS else None, review, looks)
        for position, part in enumerate(parts)
    )
    found = [part for part in asked if part is not None and part.containers]
    if not found:
        return None
    first, *others = found
    return replace(first, others=tuple(others)) if others else first


def _asked(
    found: Workload, before: Workload | None, review: Review, looks: frozenset[str]
) -> Workload | None:
    """The question about one template; None if an update changes nothing of it that decides."""
    if review.subresource == "ephemeralcontainers":
        found = _added_ephemeral(found, before)
    elif before is not None and _same(before, found, looks):
        return None
    return replace(
        found,
        namespace=review.namespace or found.namespace,
        name=found.name or review.name,
        before=before,
        others=(),
    )


def bound_node(review: Review) -> tuple[str, str] | None:
    """The pod and the node of a binding (``pods/binding``, and the deprecated ``bindings``).

    None for anything else.

    Raises:
        InputError: if the object has not the shape of a Binding.
    """
    if (review.resource.resource, review.subresource) not in {
        ("pods", "binding"),
        ("bindings", ""),
    }:
        return None
    binding = Part(review.obj)
    node = binding.get("target", "name").text()
    return (binding.get("metadata", "name").text() or review.name, node) if node else None


def response(
    uid: str,
    *,
    allowed: bool,
    message: str = "",
    warnings: Iterable[str] = (),
    audit: Mapping[str, str] | None = None,
    patch: Sequence[Mapping[str, object]] = (),
) -> dict[str, object]:
    """Answer a review.

    Args:
        uid: The review's.
        allowed: The verdict.
        message: Why not; over several lines.
        warnings: What the user should know, most important first.
        audit: Annotations of the audit event; keys without a slash, as the API server puts the
            hook's name before them.
        patch: Operations of a JSON Patch, for a mutating webhook.

    Returns:
        The AdmissionReview.
    """
    answer: dict[str, object] = {"uid": uid, "allowed": allowed}
    if not allowed:
        answer["status"] = {"code": 403, "reason": "Forbidden", "message": _message(message)}
    lines = warning_lines(warnings)
    if lines:
        answer["warnings"] = lines
    if audit:
        answer["auditAnnotations"] = dict(audit)
    if patch:
        answer |= {
            "patchType": "JSONPatch",
            "patch": base64.b64encode(orjson.dumps(patch)).decode(),
        }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}


def warning_lines(texts: Iterable[str]) -> list[str]:
    """Make warnings that the API server passes on unharmed.

    Each is one printable line; empty ones and duplicates are dropped. If together they pass the
    limit, long ones are cut to 256 runes, as the API server would do, and what still has no room is
    counted.
    """
    lines = list(filter(None, dict.fromkeys(printable(" ".join(text.split())) for text in texts)))
    if sum(map(len, lines)) <= _MAX_WARNINGS:
        return lines
    kept: list[str] = []
    room = _MAX_WARNINGS - len(_more(len(lines)))
    for line in lines:
        shown = line if len(line) <= _MAX_WARNING else line[: _MAX_WARNING - 1] + "…"
        room -= len(shown)
        if room < 0:
            return [*kept, _more(len(lines) - len(kept))]
        kept.append(shown)
    return kept


def _more(count: int) -> str:
    return f"… and {count} more"


def _message(text: str) -> str:
    """Newlines survive; other control characters could steer a terminal."""
    short = text if len(text) <= _MAX_MESSAGE else text[: _MAX_MESSAGE - 1] + "…"
    return "\n".join(printable(line.rstrip()) for line in short.splitlines())


def _before(review: Review, templates: Iterable[Template]) -> dict[str, Workload]:
    """The object as it was, by part; none at CREATE, or if it was of another shape."""
    if review.operation != "UPDATE" or review.old_obj is None:
        return {}
    try:
        found = workload(review.old_obj, templates=templates)
    except InputError:
        return {}  # what it was decides nothing: the new object is judged
    return {item.part: item for item in parts_of(found)}


def _differ(before: Workload, after: Workload) -> bool:
    """Tell whether an object's new pods are others in anything that policies may look at."""
    one, two = before.labels, after.labels
    return (before.pod_spec, one.pod_labels, one.pod_annotations) != (
        after.pod_spec,
        two.pod_labels,
        two.pod_annotations,
    )


def _same(before: Workload, after: Workload, looks: frozenset[str]) -> bool:
    """Tell whether an update changes nothing that decides.

    A pod that is bound stays where it is.
    """
    if len(after.containers) > CONTAINERS or any(each.skipped for each in after.containers):
        return False  # those beyond were not read
    is_bound = not after.template and bool(before.pod_spec.get("nodeName"))
    if looks and after.template and _differ(before, after):
        return False
    return before.containers == after.containers and (
        is_bound or all(before.pod_spec.get(key) == after.pod_spec.get(key) for key in _PLACEMENT)
    )


def _added_ephemeral(after: Workload, before: Workload | None) -> Workload:
    known = before.containers if before else ()
    added = (item for item in after.containers if item.role is Role.EPHEMERAL and item not in known)
    return replace(after, containers=tuple(added))
