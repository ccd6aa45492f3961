"""Writes the chart's generated files.

Its JSON Schema, the table of its README, and its copy of the policies.

The policies are copies, not a link: tools that take the chart from Git (Flux, Rancher, helm-git)
leave links out.

A value's description is the comment above it. A line of it that begins with ``@`` is for the
schema:

    @enum: Ignore, Fail         one of these texts
    @minimum: 1                 a number's bound; @maximum too
    @pattern: ^a+$              a text's form
    @each: ^a+$                 the form of each text in a list or a mapping
    @keys: ^a+$                 the form of a mapping's keys
    @needed: yes                it may be empty, and must not be null
    @schema: FILE or JSON       the schema itself, or the file of the project that holds it

    python docs/chart.py        write; a test fails when they drift
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "charts" / "elfgate"
_KEY = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z]+):(?P<rest>.*)")
_TYPES = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}


@dataclass
class Value:
    """A value of the chart.

    Attributes:
        path: Its keys, from the outermost on.
        default: What it is unless it is set.
        section: The heading that it stands below.
        description: Its comment.
        marks: What its comment says to the schema.
    """

    path: tuple[str, ...]
    default: Any
    section: str
    description: str
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def closed(self) -> bool:
        """Whether it is a mapping whose keys are values themselves."""
        return isinstance(self.default, dict) and not self.description

    @property
    def needed(self) -> bool:
        """Whether null, by which Helm takes a value away, is an error.

        A failure policy that is left out, for one, is ``Fail`` to the API server.
        """
        return self.closed or "needed" in self.marks or not isinstance(self.default, list | dict)


def main() -> None:
    """Write every generated file, and remove copies of policies that are gone."""
    for path, text in generated():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in strays():
        path.unlink()


def strays() -> list[Path]:
    """Files in the chart's policies that are no copy of a policy."""
    copies = {path for path, _ in _policies()}
    present = (path for path in (CHART / "policies").rglob("*") if path.is_file())
    return sorted(path for path in present if path not in copies)


def _policies() -> Iterator[tuple[Path, str]]:
    """The chart's copy of each policy file that an installation needs.

    No tests, schemas or docs.
    """
    source = ROOT / "policies"
    rego = (path for path in source.rglob("*.rego") if not path.name.endswith("_test.rego"))
    for path in sorted([source / ".manifest", source / "data.json", *rego]):
        yield CHART / "policies" / path.relative_to(source), path.read_text(encoding="utf-8")


def generated() -> Iterator[tuple[Path, str]]:
    """Each generated file of the chart, and its content."""
    yield from _policies()
    yield CHART / "Chart.yaml", _with_icon((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    found = values((CHART / "values.yaml").read_text(encoding="utf-8"))
    yield (
        CHART / "values.schema.json",
        json.dumps(schema(found), indent=2, ensure_ascii=False) + "\n",
    )
    readme = CHART / "README.md"
    text = readme.read_text(encoding="utf-8")
    table = "\n".join(_table(found))
    yield (
        readme,
        re.sub(
            r"(?s)(<!-- values -->\n).*(<!-- /values -->)", lambda m: f"{m[1]}{table}\n{m[2]}", text
        ),
    )


def _with_icon(text: str) -> str:
    """Chart.yaml with the icon in it, as data."""
    drawn = base64.b64encode((ROOT / "docs" / "icon.svg").read_bytes()).decode()
    return re.sub(r"(?m)^icon: .*$", f"icon: data:image/svg+xml;base64,{drawn}", text)


def values(text: str) -> list[Value]:
    """Read the values and their comments, in the order in which they stand.

    Raises:
        SystemExit: if a value has no comment.
    """
    document, found = yaml.safe_load(text), []
    above: list[str] = []
    path: list[str] = []
    section, inside = "", -1
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            above.append(stripped)
        elif not stripped:
            section, above = _heading(section, above), []
        elif (match := _KEY.fullmatch(line)) and (
            inside < 0 or len(match["indent"]) // 2 <= inside
        ):
            depth = len(match["indent"]) // 2
            path[depth:] = [match["key"]]
            value = _value(tuple(path), document, section, above)
            inside = -1 if value.closed else depth
            found.append(value)
            above = []
    bare = [
        ".".join(value.path)
        for value in found
        if not value.description and not isinstance(value.default, dict)
    ]
    if bare:
        raise SystemExit(f"values.yaml has no comment on {', '.join(bare)}")
    return found


def schema(found: Iterable[Value]) -> dict[str, Any]:
    """The JSON Schema of the values: a misspelt one is an error."""
    root: dict[str, Any] = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart elfgate",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "global": {"type": "object", "description": "Helm's own, where this is a subchart."}
        },
    }
    for value in found:
        inside = root
        for key in value.path[:-1]:
            inside = inside["properties"][key]
        inside["properties"][value.path[-1]] = _closed() if value.closed else _schema(value)
        if value.needed:
            inside.setdefault("required", []).append(value.path[-1])
    return root


def _closed() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": {}}


def _schema(value: Value) -> dict[str, Any]:
    marks = value.marks
    if "schema" in marks:
        return {"description": value.description} | _given(marks["schema"])
    made: dict[str, Any] = {"description": value.description, "type": _TYPES[type(value.default)]}
    if "enum" in marks:
        made["enum"] = marks["enum"].split(", ")
    made |= {bound: int(marks[bound]) for bound in ("minimum", "maximum") if bound in marks}
    if "pattern" in marks:
        made["pattern"] = marks["pattern"]
    if "each" in marks:
        made |= _texts(made["type"], marks["each"], marks.get("keys"))
    return made


def _texts(kind: str, each: str, keys: str | None) -> dict[str, Any]:
    """The schema of the texts in a list or a mapping.

    A mapping's keys are told by ``patternProperties``: of ``propertyNames`` Helm names the wrong
    value in its errors.
    """
    text = {"type": "string", "pattern": each}
    if kind == "array":
        return {"items": text}
    if keys is None:
        return {"additionalProperties": text}
    return {"additionalProperties": False, "patternProperties": {keys: text}}


def _given(mark: str) -> dict[str, Any]:
    """A schema that is written out, or one of the project's own.

    The latter is put in whole, as Helm follows no references.
    """
    if mark.startswith("{"):
        return dict(json.loads(mark))
    whole = json.loads((ROOT / mark).read_text(encoding="utf-8"))
    return dict(_inlined(whole, whole.get("$defs", {})))


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    """A schema without references, as Helm takes it: with ``off`` as YAML 1.1 reads it."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
    kept = {
        key: _inlined(item, definitions)
        for key, item in node.items()
        if key not in {"$defs", "$schema", "title"}
    }
    if "off" in kept.get("enum", ()):
        kept = {key: item for key, item in kept.items() if key != "type"} | {
            "enum": [*kept["enum"], False]
        }
    return kept


def _heading(section: str, above: list[str]) -> str:
    headings = [line.removeprefix("## ") for line in above if line.startswith("## ")]
    return headings[-1] if headings else section


def _value(path: tuple[str, ...], document: Any, section: str, above: list[str]) -> Value:
    for key in path:
        document = document[key]
    lines = [line.removeprefix("#").strip() for line in above]
    marks = dict(line[1:].split(": ", 1) for line in lines if line.startswith("@"))
    return Value(
        path, document, section, " ".join(line for line in lines if not line.startswith("@")), marks
    )


def _table(found: Iterable[Value]) -> Iterator[str]:
    section = ""
    for value in found:
        if value.closed:
            continue
        if value.section != section:
            section = value.section
            yield f"\n### {section}\n\n| Value | Default | |\n|---|---|---|"
        default = json.dumps(value.default, ensure_ascii=False).replace("|", "\\|")
        choices = (
            f" One of `{value.marks['enum'].replace(', ', '`, `')}`."
            if "enum" in value.marks
            else ""
        )
        description = value.description.replace("|", "\\|")
        yield f"| `{'.'.join(value.path)}` | `{default}` | {description}{choices} |"


if __name__ == "__main__":
    main()
