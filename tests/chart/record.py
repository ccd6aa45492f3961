"""Records the schemas of the kinds that the chart makes, as the API server of ``make e2e`` publishes them.

python tests/chart/record.py

They are its OpenAPI v3 documents (``/openapi/v3/…``), cut down to what these kinds reach and without descriptions; an
object with named properties is closed, so that a misspelt field is an error, as it is to the API server by
``fieldValidation: Strict``.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

sys.path[:0] = [str(Path(__file__).parents[1])]

from support.control_plane import ControlPlane, build  # noqa: E402 - found by the line above

SCHEMAS = Path(__file__).parent / "kubernetes.json"
KINDS = {
    "v1": ["ConfigMap", "Secret", "Service", "ServiceAccount"],
    "apps/v1": ["Deployment", "StatefulSet"],
    "batch/v1": ["CronJob", "Job"],
    "rbac.authorization.k8s.io/v1": ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    "policy/v1": ["PodDisruptionBudget"],
    "autoscaling/v2": ["HorizontalPodAutoscaler"],
    "networking.k8s.io/v1": ["NetworkPolicy"],
    "coordination.k8s.io/v1": ["Lease"],
    "flowcontrol.apiserver.k8s.io/v1": ["FlowSchema", "PriorityLevelConfiguration"],
    "admissionregistration.k8s.io/v1": [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ],
}
_REFERENCE = "#/components/schemas/"
_KEPT = frozenset(
    (
        "type",
        "properties",
        "items",
        "additionalProperties",
        "required",
        "enum",
        "oneOf",
        "allOf",
        "$ref",
        "format",
    )
)


def main() -> None:
    """Start a control plane, ask it, and write."""
    with tempfile.TemporaryDirectory() as folder, ControlPlane(build(), Path(folder)) as cluster:
        version = cluster.must("version", "-o", "json")
        with httpx.Client(
            base_url=cluster.url, verify=cluster.trust(), trust_env=False, timeout=60
        ) as client:
            documents = {group: client.get(f"/openapi/v3/{_path(group)}").json() for group in KINDS}
    definitions: dict[str, Any] = {}
    kinds = {}
    for group, names in KINDS.items():
        schemas = documents[group]["components"]["schemas"]
        for name in names:
            kinds[f"{group}/{name}"] = found = _definition(schemas, group, name)
            _reach(found, schemas, definitions)
    source = f"OpenAPI v3 of kube-apiserver {json.loads(version)['serverVersion']['gitVersion']}"
    recorded = {"source": source, "kinds": kinds, "$defs": definitions}
    SCHEMAS.write_text(json.dumps(recorded, sort_keys=True, separators=(",", ":")) + "\n")


def _path(group: str) -> str:
    return f"apis/{group}" if "/" in group else f"api/{group}"


def _definition(schemas: dict[str, Any], group: str, kind: str) -> str:
    wanted = {"group": group.rpartition("/")[0], "version": group.rpartition("/")[2], "kind": kind}
    (name,) = (
        name
        for name, each in schemas.items()
        if each.get("x-kubernetes-group-version-kind") == [wanted]
    )
    return name


def _reach(name: str, schemas: dict[str, Any], definitions: dict[str, Any]) -> None:
    if name not in definitions:
        definitions[name] = _cut(schemas[name])
        for reached in _references(schemas[name]):
            _reach(reached, schemas, definitions)


def _cut(schema: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in schema.items() if key in _KEPT}
    if "properties" in kept:
        kept["properties"] = {name: _cut(value) for name, value in kept["properties"].items()}
        kept["additionalProperties"] = False
    elif isinstance(kept.get("additionalProperties"), dict):
        kept["additionalProperties"] = _cut(kept["additionalProperties"])
    if "items" in kept:
        kept["items"] = _cut(kept["items"])
    for key in {"oneOf", "allOf"} & kept.keys():
        kept[key] = [_cut(each) for each in kept[key]]
    if "$ref" in kept:
        kept["$ref"] = kept["$ref"].replace(_REFERENCE, "#/$defs/")
    return kept


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix(_REFERENCE)
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


if __name__ == "__main__":
    main()
