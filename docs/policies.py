"""Writes what follows from the policies: the aggregator, the schemas and the table of rules.

python docs/policies.py           write
python docs/policies.py --check   exit 1 if something is not as it would be written
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from tabulate import tabulate

from elfgate.policy import metadata
from elfgate.policy.aggregator import aggregated
from elfgate.policy.bundle import load
from elfgate.policy.config import PolicyConfig
from elfgate.policy.document import Document
from elfgate.policy.metadata import Rule

POLICIES = Path(__file__).resolve().parents[1] / "policies"
_TABLE = re.compile(r"(?s)(<!-- rules -->\n).*(<!-- /rules -->)")


def main() -> int:
    """Write, or compare with, each file."""
    stale = [
        (path, text) for path, text in written() if not path.exists() or path.read_text() != text
    ]
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
    rules = [complete(rule) for rule in metadata.rules(load(POLICIES))]
    codes = sorted(folder.name for folder in (POLICIES / "rules").iterdir())
    if codes != [rule.code for rule in rules]:
        raise SystemExit(f"no METADATA: {', '.join(set(codes) - {rule.code for rule in rules})}")
    yield (
        POLICIES / "elfgate" / "main" / "found.rego",
        aggregated(load(POLICIES).modules, None),
    )
    yield POLICIES / "schema" / "input.json", schema(Document, "What elfgate's policies judge")
    yield (
        POLICIES / "schema" / "config.json",
        schema(PolicyConfig, "What elfgate's policies decide by"),
    )
    readme = POLICIES / "README.md"
    text = readme.read_text()
    if not _TABLE.search(text):
        raise SystemExit(
            f"{readme} has no <!-- rules --> … <!-- /rules --> to write the table into"
        )
    yield readme, _TABLE.sub(lambda match: f"{match[1]}\n{table(rules)}\n\n{match[2]}", text)


def complete(rule: Rule) -> Rule:
    """A rule whose METADATA is complete and that has its test beside it.

    Raises:
        SystemExit: naming the rule and what it lacks.
    """
    folder = POLICIES / "rules" / rule.code
    missing = [name for name in ("title", "description", "remedy") if not getattr(rule, name)]
    if missing:
        raise SystemExit(f"{folder}: METADATA lacks {', '.join(missing)}")
    if not (folder / f"{rule.code}_test.rego").exists():
        raise SystemExit(f"{folder}: no {rule.code}_test.rego beside its rule")
    return rule


def table(rules: list[Rule]) -> str:
    """The rules in Markdown."""
    rows = [
        (f"`{rule.code}`", f"{rule.title}. {rule.description}", rule.remedy, rule.mode)
        for rule in rules
    ]
    return tabulate(rows, ("Code", "What it means", "What to do", "Mode"), tablefmt="github")


def schema(model: type[BaseModel], title: str) -> str:
    """A model's JSON Schema, as it is published."""
    written = {**model.model_json_schema(), "title": title}
    if model is Document:
        _demand_whole(written)
    return json.dumps(written, indent=2) + "\n"


def _demand_whole(document: dict[str, Any]) -> None:
    """Require what every document has: all but what is seen only where a rule looks at it."""
    for part in (document, *document["$defs"].values()):
        fields = part["properties"].items()
        part["required"] = [name for name, field in fields if "looks_at" not in field]


if __name__ == "__main__":
    sys.exit(main())
