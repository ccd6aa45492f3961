"""Both engines asked the same documents: those of the shipped cases, in several namespaces."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from elfgate.policy import cases
from elfgate.policy.bundle import Bundle
from elfgate.policy.document import Document
from elfgate.policy.embedded import VERDICT, EmbeddedEngine
from elfgate.policy.engine import EngineError

_SECONDS = 120
_NAMESPACES = ("shop", "prod", "")
_QUERY = f"[verdict | some document in input; verdict := {VERDICT} with input as document]"


def differences(opa: str, whole: Bundle, root: Path) -> list[str]:
    """Say where the engines disagree, a line for each case.

    Args:
        opa: The OPA to ask.
        whole: The bundle.
        root: Where it is written out.
    """
    asked = list(_documents())
    there = _in_opa(opa, root, [document for _, document in asked])
    engine = EmbeddedEngine(whole)
    found = {}
    for (name, document), verdict in zip(asked, there, strict=True):
        here = _here(engine, document)
        if here != verdict:
            found[name] = (
                f"the engines disagree on the case {name!r}: {_told(here)}, {_told(verdict)} in OPA"
            )
    return list(found.values())


def _documents() -> Iterator[tuple[str, Document]]:
    for case in cases.shipped():
        for namespace in _NAMESPACES:
            request = {**case.get("request", {}), "namespace": namespace}
            yield case["name"], cases.of_case({**case, "request": request})


def _here(engine: EmbeddedEngine, document: Document) -> Any:
    try:
        return orjson.loads(engine.query(VERDICT, document.json_bytes().decode()))
    except EngineError as error:
        return {"error": str(error)}


def _in_opa(opa: str, root: Path, documents: list[Document]) -> list[Any]:
    asked = root.parent / "asked.json"
    asked.write_text(json.dumps([orjson.loads(each.json_bytes()) for each in documents]))
    command = [opa, "eval", "--bundle", str(root), "--input", str(asked), "--format", "raw", _QUERY]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    said = orjson.loads(done.stdout) if done.returncode == 0 else []
    complaint = " ".join(done.stderr.split()) or "no verdict"
    missing = len(documents) - len(said)
    return said if not missing else [{"error": complaint} for _ in documents]


def _told(verdict: Any) -> str:
    if "error" in verdict:
        return str(verdict["error"])
    if verdict["version"] == 0:
        return "no decision"
    codes = sorted({denial["code"] for denial in verdict["denials"]})
    return f"denied by {', '.join(codes)}" if codes else "admitted"
