"""Both engines asked the same documents: the shipped cases in several namespaces, and by chance."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from elfgate.errors import InputError
from elfgate.policy import archive, cases, chance
from elfgate.policy.bundle import Bundle
from elfgate.policy.document import Document
from elfgate.policy.embedded import VERDICT, EmbeddedEngine
from elfgate.policy.engine import EngineError
from elfgate.scratch import Scratch

_SECONDS = 120
_NAMESPACES = ("shop", "prod", "")
_BY_CHANCE = 200
_QUERY = f"[verdict | some document in input; verdict := {VERDICT} with input as document]"


def agree(whole: Bundle) -> None:
    """Refuse own rules on which the engines disagree, where there is an OPA on PATH to ask.

    Raises:
        InputError: naming the first case or document on which they do.
    """
    opa = shutil.which("opa")
    if opa is None or not whole.own:
        return
    with Scratch() as scratch:
        root = scratch.path / "bundle"
        archive.write_out(whole, root)
        found = differences(opa, whole, root)
    if found:
        raise InputError(found[0], hint="`elfgate bundle test` lists all")


def differences(opa: str, whole: Bundle, root: Path) -> list[str]:
    """Say where the engines disagree, a line for each case or document.

    Args:
        opa: The OPA to ask.
        whole: The bundle.
        root: Where it is written out.
    """
    asked = list(_documents())
    documents = [document for _, document in asked]
    verdicts = _in_opa(opa, root, documents)
    engine = EmbeddedEngine(whole)
    found = {}
    for (name, document), there in zip(asked, verdicts, strict=True):
        here = _here(engine, document)
        if here != there:
            told = f"{_told(here)}, {_told(there)} in OPA"
            found[name] = f"the engines disagree on {name}: {told}"
    return list(found.values())


def _documents() -> Iterator[tuple[str, Document]]:
    for case in cases.shipped():
        for namespace in _NAMESPACES:
            request = {**case.get("request", {}), "namespace": namespace}
            moved = {**case, "request": request}
            yield f"the case {case['name']!r}", cases.of_case(moved)
    for seed in range(_BY_CHANCE):
        made = chance.full(seed) if seed % 4 else chance.document(seed)
        yield f"the document by chance {seed}", made


def _here(engine: EmbeddedEngine, document: Document) -> Any:
    """The verdict of the embedded engine, or its error."""
    asked = document.json_bytes().decode()
    try:
        said = engine.query(VERDICT, asked)
    except EngineError as error:
        return {"error": str(error)}
    return orjson.loads(said)


def _in_opa(opa: str, root: Path, documents: list[Document]) -> list[Any]:
    asked = root.parent / "asked.json"
    plain = [orjson.loads(each.json_bytes()) for each in documents]
    asked.write_text(json.dumps(plain))
    options = ("--bundle", str(root), "--input", str(asked), "--format", "raw")
    done = subprocess.run(
        [opa, "eval", *options, _QUERY],
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    said: list[Any] = []
    if done.returncode == 0:
        said = orjson.loads(done.stdout)
    if len(said) == len(documents):
        return said
    complaint = " ".join(done.stderr.split()) or "no verdict"
    return [{"error": complaint} for _ in documents]


def _told(verdict: Any) -> str:
    if "error" in verdict:
        return str(verdict["error"])
    if verdict["version"] == 0:
        return "no decision"
    codes = sorted({denial["code"] for denial in verdict["denials"]})
    if not codes:
        return "admitted"
    listed = ", ".join(codes)
    return f"denied by {listed}"
