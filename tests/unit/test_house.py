"""The house rules that a reader feels and no linter knows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("webhook", "lab", "benchmarks", "demo", "docs", "tests")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
SHIPPED = [path for path in MODULES if ROOT / "tests" not in path.parents]
MOST_LINES = 400  # of a module, blank ones not counted
MOST_LINES_OF_A_FUNCTION = 80
_PRONOUN = re.compile(r"(What|Whatever|Who|Whoever|Where|The same|As)\b")


def _place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def _nodes(paths: list[Path], *kinds: type[ast.AST]) -> Iterator[tuple[Path, ast.AST]]:
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kinds):
                yield path, node


def test_the_modules_are_found() -> None:
    assert len(SHIPPED) > 200


def test_no_conditional_expression_stands_inside_another() -> None:
    nested = [
        _place(path, node)
        for path, node in _nodes(SHIPPED, ast.IfExp)
        if any(isinstance(inner, ast.IfExp) for inner in ast.walk(node) if inner is not node)
    ]
    assert nested == []


def test_docstrings_begin_with_their_subject() -> None:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = [
        _place(path, node)
        for path, node in _nodes(SHIPPED, *kinds)
        if isinstance(node, kinds) and _PRONOUN.match(ast.get_docstring(node) or "")
    ]
    assert found == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_module_is_long(folder: str) -> None:
    sizes = {
        str(path.relative_to(ROOT)): sum(
            bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines()
        )
        for path in MODULES
        if ROOT / folder in path.parents
    }
    assert {path: size for path, size in sizes.items() if size > MOST_LINES} == {}


def test_no_function_is_long() -> None:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [
        _place(path, node)
        for path, node in _nodes(MODULES, *kinds)
        if isinstance(node, kinds)
        and (node.end_lineno or 0) - node.lineno + 1 > MOST_LINES_OF_A_FUNCTION
    ]
    assert found == []
