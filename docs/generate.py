"""Writes what docs say of options and outputs from the program itself: ``make docs``.

A test fails when they drift.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from pydantic import BaseModel

from docs import codes, examples, minors
from docs.decisions_index import INDEX, index
from docs.memories_table import PAGE, page
from elfgate.cli import (
    attest_output,
    bases_output,
    mirror_output,
    needs_output,
    try_output,
    verify_output,
)
from elfgate.cli.main import VERBS, parser, verb_parser
from elfgate.results import audit, check, compare, doctor, image, rules, store
from elfgate.results.model import schema_url

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS: dict[str, type[BaseModel]] = {
    "scan": image.ScanOutput,
    "try": try_output.TryOutput,
    "verify": verify_output.VerifyOutput,
    "matrix": image.MatrixOutput,
    "check": check.CheckOutput,
    "audit": audit.AuditOutput,
    "compare": compare.CompareOutput,
    "needs": needs_output.NeedsOutput,
    "bases": bases_output.BasesOutput,
    "attest": attest_output.AttestOutput,
    "rules": rules.RulesOutput,
    "explain": rules.ExplainOutput,
    "warm": store.WarmOutput,
    "mirror": mirror_output.MirrorOutput,
    "cache": store.CacheOutput,
    "doctor": doctor.DoctorOutput,
    "breakglass": doctor.BreakglassOutput,
}


def generated() -> Iterator[tuple[Path, str]]:
    """Each file that holds something generated, and what it should hold."""
    for verb, model in SCHEMAS.items():
        schema = {"$id": schema_url(verb)} | model.model_json_schema(mode="serialization")
        yield (
            ROOT / "docs" / "schemas" / f"{verb}.json",
            json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
        )
    yield INDEX, index()
    yield PAGE, page()
    yield codes.PAGE, codes.page()
    yield examples.PAGE, examples.page()
    yield minors.PAGE, minors.page()
    cli = ROOT / "docs" / "cli.md"
    yield (
        cli,
        _with_sections(
            cli.read_text(encoding="utf-8"), {"elfgate": _help_of_the_program} | _helps()
        ),
    )


def main() -> None:
    """Write every generated file."""
    for path, text in generated():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _helps() -> dict[str, Callable[[], str]]:
    return {f"elfgate {verb}": partial(_help, verb) for verb in VERBS}


def _help_of_the_program() -> str:
    return parser().format_help()


def _help(verb: str) -> str:
    return verb_parser(verb).format_help()


def _with_sections(text: str, sections: dict[str, Callable[[], str]]) -> str:
    """Fill what stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``."""

    def fill(match: re.Match[str]) -> str:
        name = match["name"]
        return (
            f"<!-- generated: {name} -->\n```console\n$ {name} "
            f"--help\n{sections[name]()}```\n<!-- end -->"
        )

    return re.sub(
        r"<!-- generated: (?P<name>[^\n]*) -->\n.*?<!-- end -->", fill, text, flags=re.DOTALL
    )


if __name__ == "__main__":
    main()
