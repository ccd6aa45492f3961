"""The values that Kubernetes' types allow, from their source: the module ``k8s.io/api``.

The published OpenAPI documents have no lists of values; an API server makes them of the same marks
(``+enum``) in the types' comments. Source: kube-openapi, ``pkg/generators/enum.go``.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elfgate"

_TYPE = re.compile(r"(?P<comment>(?://.*\n)+)type (?P<name>\w+) string\n")
_VALUE = re.compile(r"^\s+\w+\s+(?P<type>\w+)\s*=\s*\"(?P<value>[^\"]*)\"", re.MULTILINE)
_STRUCT = re.compile(r"^type (?P<name>\w+) struct \{\n(?P<body>.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\t\w+\s+(?P<type>\S+)\s+`json:\"(?P<name>\w+)", re.MULTILINE)
_INLINE = re.compile(r"^\t(?P<type>\w+)\s+`json:\",inline\"", re.MULTILINE)
_IMPORTED = re.compile(r"^\s*(?P<alias>\w+)\s+\"k8s\.io/api/(?P<path>[\w/]+)\"", re.MULTILINE)


@dataclass(slots=True)
class Package:
    """A package of types.

    Attributes:
        values: The values of each type that has a list of them.
        structs: The fields of each struct, with their types.
        inline: The structs whose fields are a struct's own, too.
        imported: Other packages by the names that they have here.
    """

    values: dict[str, list[str]] = field(default_factory=dict)
    structs: dict[str, dict[str, str]] = field(default_factory=dict)
    inline: dict[str, list[str]] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)


def download(module: str) -> Path:
    """The folder of a Go module, such as ``k8s.io/api@v0.36.3``, from the module proxy."""
    environment = {"GOMODCACHE": str(CACHE / "go" / "mod"), "GOTOOLCHAIN": "local"} | os.environ
    command = ["go", "mod", "download", "-json", module]
    said = subprocess.run(command, capture_output=True, check=True, env=environment, cwd="/")
    return Path(json.loads(said.stdout)["Dir"])


def add(definitions: Mapping[str, Any], source: Path) -> None:
    """Add the lists of values to definitions of an OpenAPI document.

    Args:
        definitions: By name, such as ``io.k8s.api.core.v1.Container``.
        source: The folder of ``k8s.io/api``.
    """
    packages = {name: _package(source / name) for name in _paths(definitions)}
    packages |= {"core/v1": _package(source / "core/v1")}
    for name, schema in definitions.items():
        if not name.startswith("io.k8s.api."):
            continue
        path, _, kind = name.removeprefix("io.k8s.api.").rpartition(".")
        package = packages[path.replace(".", "/")]
        for member, written in _fields(package, kind):
            values = _values(packages, package, written)
            if values and member in schema.get("properties", {}):
                _string(schema["properties"][member])["enum"] = values


def _paths(definitions: Mapping[str, Any]) -> set[str]:
    named = (name for name in definitions if name.startswith("io.k8s.api."))
    return {name.removeprefix("io.k8s.api.").rpartition(".")[0].replace(".", "/") for name in named}


def _package(folder: Path) -> Package:
    text = (folder / "types.go").read_text("utf-8")
    marked = {
        match["name"]
        for match in _TYPE.finditer(text)
        if re.search(r"^// \+enum$", match["comment"], re.MULTILINE)
    }
    found = Package(imported={match["alias"]: match["path"] for match in _IMPORTED.finditer(text)})
    for match in _VALUE.finditer(text):
        if match["type"] in marked:
            found.values.setdefault(match["type"], []).append(match["value"])
    for struct in _STRUCT.finditer(text):
        fields = _FIELD.finditer(struct["body"])
        found.structs[struct["name"]] = {match["name"]: match["type"] for match in fields}
        inline = _INLINE.finditer(struct["body"])
        found.inline[struct["name"]] = [match["type"] for match in inline]
    return found


def _fields(package: Package, kind: str) -> Iterator[tuple[str, str]]:
    """The fields of a struct and their types, with those of the structs that are inline."""
    yield from package.structs.get(kind, {}).items()
    for inner in package.inline.get(kind, ()):
        yield from _fields(package, inner)


def _values(packages: Mapping[str, Package], package: Package, written: str) -> list[str]:
    """The values of a field's type; none if it has no list of them."""
    name = re.sub(r"^(\*|\[\]|map\[\w+\])+", "", written)
    alias, _, name = name.rpartition(".")
    if alias:
        package = packages.get(package.imported.get(alias, ""), Package())
    return sorted(set(package.values.get(name, ())))


def _string(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of the string itself, in a list or a mapping of them."""
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            return _string(schema[key])
    return schema
