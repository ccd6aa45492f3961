"""CustomResourceDefinitions of reports, as far as reports of one namespace go.

Sources: the types of openreports.io/v1alpha1 (Report) and of wgpolicyk8s.io/v1alpha2 (PolicyReport). What a schema
does not name, an API server prunes.
"""

from typing import Any

Schema = dict[str, Any]

OPENREPORTS, POLICYREPORT = "reports.openreports.io", "policyreports.wgpolicyk8s.io"
_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer"}
_WORDS = ["pass", "fail", "warn", "error", "skip"]


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


_REFERENCE = _object(apiVersion=_TEXT, kind=_TEXT, name=_TEXT, namespace=_TEXT, uid=_TEXT)
_RESULT = _object(
    source=_TEXT,
    policy=_TEXT,
    rule=_TEXT,
    category=_TEXT,
    severity={"type": "string", "enum": ["critical", "high", "low", "medium", "info"]},
    timestamp={**_object(seconds=_COUNT, nanos=_COUNT), "required": ["seconds", "nanos"]},
    result={"type": "string", "enum": _WORDS},
    scored={"type": "boolean"},
    resources={"type": "array", "items": _REFERENCE},
    message=_TEXT,
    properties={"type": "object", "additionalProperties": _TEXT},
) | {"required": ["policy"]}
_LIMITS = _object(
    maxResults=_COUNT,
    statusFilter={"type": "array", "items": {"type": "string", "enum": _WORDS}},
)


def _definition(name: str, version: str, kind: str, **own: Schema) -> Schema:
    plural, _, group = name.partition(".")
    schema = _object(
        apiVersion=_TEXT,
        kind=_TEXT,
        metadata={"type": "object"},
        scope=_REFERENCE,
        configuration={**_object(limits=_LIMITS), "required": ["limits"]},
        summary=_object(**dict.fromkeys(_WORDS, _COUNT)),
        results={"type": "array", "items": _RESULT},
        **own,
    )
    served = {"name": version, "served": True, "storage": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": name,
            "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [{**served, "schema": {"openAPIV3Schema": schema}}],
        },
    }


DEFINITIONS = {
    OPENREPORTS: _definition(OPENREPORTS, "v1alpha1", "Report", source=_TEXT),
    POLICYREPORT: _definition(POLICYREPORT, "v1alpha2", "PolicyReport"),
}
