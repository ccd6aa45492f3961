"""Writes what follows from the policies: the aggregator, the schemas and the table of rules.

python docs/policies.py           write
python docs/policies.py --check   exit 1 if something is not as it would be written
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import BaseModel
from tabulate import tabulate

from elfgate.policy.bundle import aggregator
from elfgate.policy.config import PolicyConfig
from elfgate.policy.document import Document

POLICIES = Path(__file__).resolve().parents[1] / "policies"
_BLOCK = re.compile(r"(?m)^# METADATA\n((?:#.*\n)+)package (\S+)$")
_TABLE = re.compile(r"(?s)(<!-- rules -->\n).*(<!-- /rules -->)")


def main() -> int:
    """Write, or compare with, each file."""
    stale = [(path, text) for path, text in written() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path, _ in stale:
            print(f"{path.relative_to(POLICIES.parent)} is not up to date: run make docs")
        return 1 if stale else 0
    for path, text in stale:
        path.write_text(text)
        print(f"wrote {path.relative_to(POLICIES.parent)}")
    return 0


def written() -> Iterator[tuple[Path, str]]:
    """Each file with what is to be in it."""
    rules = {folder.name: annotation(folder) for folder in sorted((POLICIES / "rules").iterdir())}
    yield POLICIES / "elfgate" / "main" / "found.rego", aggregator(rules)
    yield POLICIES / "schema" / "input.json", schema(Document, "What elfgate's policies judge")
    yield POLICIES / "schema" / "config.json", schema(PolicyConfig, "What elfgate's policies decide by")
    readme = POLICIES / "README.md"
    text = readme.read_text()
    if not _TABLE.search(text):
        raise SystemExit(f"{readme} has no <!-- rules --> … <!-- /rules --> to write the table into")
    yield readme, _TABLE.sub(lambda match: f"{match[1]}\n{table(rules)}\n\n{match[2]}", text)


def annotation(folder: Path) -> dict[str, object]:
    """A rule's METADATA, which must be complete.

    Raises:
        SystemExit: naming the rule and what its annotation lacks.
    """
    file = folder / f"{folder.name}.rego"
    match = _BLOCK.search(file.read_text())
    if match is None or match[2] != f"elfgate.rules.{folder.name}":
        raise SystemExit(f"{file}: no METADATA above `package elfgate.rules.{folder.name}`")
    fields = yaml.safe_load("\n".join(line[2:] for line in match[1].splitlines()))
    custom = fields.get("custom", {})
    missing = [name for name in ("title", "description") if not fields.get(name)]
    missing += [f"custom.{name}" for name in ("code", "remedy") if not custom.get(name)]
    if missing or custom["code"] != folder.name:
        raise SystemExit(f"{file}: METADATA lacks {', '.join(missing) or f'custom.code: {folder.name}'}")
    if not (folder / f"{folder.name}_test.rego").exists():
        raise SystemExit(f"{file}: no {folder.name}_test.rego beside it")
    return {**fields, **custom}


def table(rules: dict[str, dict[str, object]]) -> str:
    """The rules in Markdown."""
    config = json.loads((POLICIES / "data.json").read_text())["elfgate"]["config"]
    rows = []
    for code, fields in rules.items():
        mode = str(fields.get("mode", config["rules"][code]))
        if code in config["notes"]:
            mode += f"; its notes {config['notes'][code]}"
        meaning = f"{fields['title']}. {str(fields['description']).strip()}"
        rows.append((f"`{code}`", meaning, fields["remedy"], mode))
    return tabulate(rows, ("Code", "What it means", "What to do", "Mode"), tablefmt="github")


def schema(model: type[BaseModel], title: str) -> str:
    """A model's JSON Schema, as it is published."""
    return json.dumps({**model.model_json_schema(), "title": title}, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
