"""The parser held against another one: ``shfmt``, of mvdan.cc/sh, built from the Go module proxy.

Compared is what a script is made of: its commands by name and number of words, the parameters that they
name, and the compound commands, each with how often it is there. The scripts are those of all cases, and
random ones (``TRUTH_SEED``).
"""

import json
import os
import random
import secrets
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from elfgate.linkage.shell.syntax import nodes, word_nodes
from elfgate.linkage.shell.syntax.dialect import BASH, DASH, Dialect
from elfgate.linkage.shell.syntax.parser import parse
from truth.scripts import script

pytestmark = pytest.mark.truth

_ROOT = Path(__file__).parents[2]
_CASES = Path(__file__).parent / "cases"
_LANGUAGES = ((BASH, "bash"), (DASH, "posix"))
_KINDS = {
    nodes.Case: "CaseClause",
    nodes.For: "ForClause",
    nodes.ForArithmetic: "ForClause",
    nodes.Loop: "WhileClause",
    nodes.Group: "Block",
    nodes.Subshell: "Subshell",
    nodes.Function: "FuncDecl",
    nodes.DoubleBracket: "TestClause",
    nodes.DoubleParenthesis: "ArithmCmd",
    word_nodes.Substitution: "CmdSubst",
    word_nodes.Arithmetic: "ArithmExp",
    word_nodes.ProcessSubstitution: "ProcSubst",
}
_COUNTED = frozenset(_KINDS.values()) | {"IfClause"}
_UNREAD = 0.02  # share of the scripts that are not understood whole

Parts = Counter[tuple[str, ...]]


def _of_ours(text: str, dialect: Dialect) -> Parts | None:
    """The parts of a script as it is parsed here; None if it is not understood whole."""
    parsed, found, number = parse(text, dialect), Parts(), 0
    while (node := parsed.command(number, _free)) is not None:
        number += 1
        for each in _within(node):
            if isinstance(each, (nodes.Opaque, word_nodes.OpaquePart, word_nodes.BadOperation)):
                return None
            found.update(_parts(each))
    return found


def _free(key: object, units: int) -> None:
    del key, units


def _within(node: object) -> Iterator[object]:
    """A node and all below it."""
    if isinstance(node, (tuple, list)):
        for each in node:
            yield from _within(each)
    elif is_dataclass(node):
        yield node
        for field in fields(node):
            if field.name not in {"expanded", "literals"}:
                yield from _within(getattr(node, field.name))


def _parts(node: object) -> Iterator[tuple[str, ...]]:
    if isinstance(node, nodes.Simple) and node.words:
        first = node.words[0]
        name = first.literal if isinstance(first, word_nodes.Word) and first.plain else None
        yield ("command", name or "", str(len(node.words)))
    elif isinstance(node, word_nodes.Parameter):
        yield ("parameter", node.name)
    elif isinstance(node, nodes.If):
        yield from [("IfClause",)] * len(node.branches)
    elif type(node) in _KINDS:
        yield (_KINDS[type(node)],)


def _of_theirs(shfmt: str, text: str, language: str) -> Parts | None:
    """The parts of a script as ``shfmt`` parses it; None if it refuses it."""
    done = subprocess.run(
        [shfmt, "--to-json", "-ln", language],
        input=text.encode("latin-1", "replace"),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        return None
    found = Parts()
    for each in _below(json.loads(done.stdout)):
        found.update(_their_parts(each))
    return found


def _below(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, list):
        for each in tree:
            yield from _below(each)
    elif isinstance(tree, dict):
        yield tree
        for key, each in tree.items():
            if key == "Else" and each:
                each.setdefault("Type", "IfClause")
            yield from _below(each)


def _their_parts(node: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    kind = node.get("Type", "")
    if kind == "CallExpr" and node.get("Args"):
        yield ("command", _literal(node["Args"][0]), str(len(node["Args"])))
    elif kind == "DeclClause":
        yield ("command", node["Variant"]["Value"], str(1 + len(node.get("Args", ()))))
    elif kind == "LetClause":
        yield ("command", "let", str(1 + len(node["Exprs"])))
    elif kind == "ParamExp":
        yield ("parameter", node["Param"]["Value"])
    elif kind in _COUNTED:
        yield (kind,)


def _literal(word: dict[str, Any]) -> str:
    """A word's text, if it is a plain one."""
    parts = word["Parts"]
    if len(parts) != 1 or parts[0]["Type"] != "Lit":
        return ""
    return str(parts[0]["Value"])


@pytest.fixture(scope="module")
def shfmt() -> str:
    done = subprocess.run(
        [str(_ROOT / ".ci" / "shfmt")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _scripts(seed: str) -> Iterator[str]:
    for path in sorted(_CASES.glob("*.yaml")):
        for row in yaml.safe_load(path.read_text()):
            for file in row.get("files", {}).values():
                text = file.get("text", "") if isinstance(file, dict) else ""
                if text.startswith("#!") and "sh" in text.partition("\n")[0] and "\r" not in text:
                    yield text  # shfmt drops carriage returns, which shells keep
    for number in range(int(os.environ.get("SCRIPTS", "1000"))):
        yield script(random.Random(f"{seed}/{number}"), bash=True)  # noqa: S311 - no secret


@pytest.mark.parametrize(("dialect", "language"), _LANGUAGES)
def test_a_script_is_made_of_what_another_parser_finds(
    shfmt: str, dialect: Dialect, language: str
) -> None:
    seed = os.environ.get("TRUTH_SEED", str(secrets.randbelow(1 << 32)))
    differing, unread, count = list[str](), 0, 0
    for text in dict.fromkeys(_scripts(seed)):
        theirs = _of_theirs(shfmt, text, language)
        ours = _of_ours(text, dialect)
        count += theirs is not None
        if theirs is None:
            continue
        if ours is None:
            unread += 1
        elif ours != theirs:
            differing.append(f"{text}\nours: {ours - theirs}\ntheirs: {theirs - ours}")
    assert not differing, "\n\n".join([f"seed {seed}: {len(differing)} of {count}", *differing[:5]])
    assert count > 300
    assert unread <= _UNREAD * count, f"seed {seed}: {unread} of {count} are not understood"
