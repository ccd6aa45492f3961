"""Records the schemas of the kinds that the chart makes, of each Kubernetes that it is held against.

python tests/chart/record.py 1.36

They are the OpenAPI v3 documents (``/openapi/v3/…``) of the API server that ``make e2e`` starts; of
other minors those that Kubernetes publishes in its source (``api/openapi-spec/v3``), with the lists
of values that ``support.kubernetes_values`` reads from its types.

They are cut down to what these kinds reach and have no descriptions; an object with named
properties is closed, so that a misspelt field is an error, as it is to the API server by
``fieldValidation: Strict``.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

sys.path[:0] = [str(Path(__file__).parents[1])]

from support import kubernetes_values  # noqa: E402 - found by the line above
from support.control_plane import ControlPlane, build  # noqa: E402 - found by the line above

SCHEMAS = Path(__file__).parent / "kubernetes"
PUBLISHED = {"1.29": "v1.29.6", "1.35": "v1.35.4", "1.37": "v1.37.2"}
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


def main(minor: str) -> None:
    """Write the file of a minor."""
    version, documents = _published(PUBLISHED[minor]) if minor in PUBLISHED else _asked(minor)
    recorded = {"source": f"OpenAPI v3 of Kubernetes {version}"} | _cut_down(documents)
    if minor in PUBLISHED:
        kubernetes_values.add(
            recorded["$defs"], kubernetes_values.download(f"k8s.io/api@v0{version[2:]}")
        )
    text = json.dumps(recorded, sort_keys=True, separators=(",", ":"))
    SCHEMAS.joinpath(f"{minor}.json").write_text(f"{text}\n")


def _asked(minor: str) -> tuple[str, dict[str, Any]]:
    """The version and the documents of a control plane that is started for it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ControlPlane(build(minor), Path(folder)) as cluster,
        httpx.Client(base_url=cluster.url, verify=cluster.trust(), trust_env=False) as client,
    ):
        version = client.get("/version").json()["gitVersion"]
        groups = {group: f"/openapi/v3/{_path(group)}" for group in KINDS}
        documents = {group: client.get(path, timeout=60) for group, path in groups.items()}
        return version, {group: answer.json() for group, answer in documents.items()}


def _published(version: str) -> tuple[str, dict[str, Any]]:
    """The version and the documents of its source, from the Go module proxy."""
    folder = (
        kubernetes_values.download(f"k8s.io/kubernetes@{version}") / "api" / "openapi-spec" / "v3"
    )
    files = {group: f"{_path(group).replace('/', '__')}_openapi.json" for group in KINDS}
    return version, {
        group: json.loads((folder / name).read_text()) for group, name in files.items()
    }


def _path(group: str) -> str:
    return f"apis/{group}" if "/" in group else f"api/{group}"


def _cut_down(documents: Mapping[str, Any]) -> dict[str, Any]:
    """The kinds' schemas, and what they reach."""
    definitions: dict[str, Any] = {}
    kinds = {}
    for group, names in KINDS.items():
        schemas = documents[group]["components"]["schemas"]
        for name in names:
            kinds[f"{group}/{name}"] = found = _definition(schemas, group, name)
            _reach(found, schemas, definitions)
    return {"kinds": kinds, "$defs": definitions}


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
    main(*sys.argv[1:])
