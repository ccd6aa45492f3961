"""How dense code is: rooms of elfgate beside packages that its field reads.

    python benchmarks/density.py [FOLDER OR PACKAGE…]
    python benchmarks/density.py --before REVISION

A folder is given by its path, a package by its name. With a revision, each room stands beside what
it was then. Lines are those that are not blank, tokens
those that are no comments and no layout; a decision is a branch, a loop, an ``except``, a
comprehension's ``if``, or one more operand of ``and`` and ``or``.
"""

import ast
import io
import statistics
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

PROJECT = Path(__file__).parents[1]
ROOT = PROJECT / "webhook" / "elfgate"
ROOMS = (ROOT, ROOT / "linkage", ROOT / "linkage" / "shell")
SUBJECTS = (ROOT / "linkage", ROOT / "linkage" / "shell", ROOT, "httpx", "uvicorn")
WIDE = 100  # columns
MANY = 6  # parameters
LAYOUT = {
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.match_case)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class Density:
    """Counts over all modules of a subject."""

    modules: list[int] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)
    decisions: list[int] = field(default_factory=list)
    tokens: int = 0
    wide: int = 0
    comments: int = 0
    ternaries: int = 0
    comprehensions: int = 0
    parameters: int = 0
    documented: int = 0
    public: int = 0

    @property
    def lines(self) -> int:
        return sum(self.modules)


def files(subject: Path | str) -> Iterator[Path]:
    """The modules of a folder or a package."""
    folder = subject if isinstance(subject, Path) else Path(subject)
    if not folder.is_dir():
        spec = find_spec(str(subject))
        if spec is None or spec.origin is None:
            raise SystemExit(f"{subject} is neither a folder nor an installed package")
        folder = Path(spec.origin).parent
    return folder.rglob("*.py")


def decisions(function: ast.AST) -> int:
    """Count what a reader has to decide within a function."""
    nodes = list(ast.walk(function))
    branches = sum(isinstance(node, BRANCHES) for node in nodes)
    operands = sum(len(node.values) - 1 for node in nodes if isinstance(node, ast.BoolOp))
    filters = sum(len(node.ifs) for node in nodes if isinstance(node, ast.comprehension))
    return branches + operands + filters


def count_function(
    node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str], into: Density
) -> None:
    """Count one function."""
    own = lines[node.lineno - 1 : node.end_lineno]
    into.functions.append(sum(bool(line.strip()) for line in own))
    into.decisions.append(decisions(node))
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    into.parameters += len(every) > MANY


def count(path: Path, into: Density) -> None:
    """Count one module."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    full = [line for line in lines if line.strip()]
    into.modules.append(len(full))
    into.wide += sum(len(line) > WIDE for line in full)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        into.comments += token.type == tokenize.COMMENT
        into.tokens += token.type not in LAYOUT | {tokenize.COMMENT}
    for node in ast.walk(ast.parse(text)):
        into.ternaries += isinstance(node, ast.IfExp)
        into.comprehensions += isinstance(node, COMPREHENSIONS)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            count_function(node, lines, into)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            is_public = not node.name.startswith("_")
            into.public += is_public
            into.documented += is_public and ast.get_docstring(node) is not None


def spread(values: list[int]) -> str:
    """Median, ninth decile and largest."""
    ordered = sorted(values) or [0]
    tenth = ordered[len(ordered) * 9 // 10]
    return f"{statistics.median(ordered):.0f} / {tenth} / {ordered[-1]}"


ROWS: dict[str, Callable[[Density], str]] = {
    "modules; lines": lambda d: f"{len(d.modules)}; {d.lines:,}",
    "lines of a module: median / p90 / max": lambda d: spread(d.modules),
    "functions": lambda d: f"{len(d.functions):,}",
    "lines of a function: median / p90 / max": lambda d: spread(d.functions),
    "decisions of a function: median / p90 / max": lambda d: spread(d.decisions),
    f"functions with more than {MANY} parameters": lambda d: str(d.parameters),
    "public docstrings": lambda d: f"{d.documented:,} of {d.public:,}",
    "tokens a line": lambda d: f"{d.tokens / d.lines:.1f}",
    f"lines over {WIDE} columns": lambda d: f"{100 * d.wide / d.lines:.1f} %",
    "comments per 100 lines": lambda d: f"{100 * d.comments / d.lines:.1f}",
    "ternaries / comprehensions per 1,000 lines": lambda d: (
        f"{1000 * d.ternaries / d.lines:.0f} / {1000 * d.comprehensions / d.lines:.0f}"
    ),
}


def main(subjects: list[Path | str]) -> None:
    """Print the table, a column a subject."""
    show({Path(subject).name: counted(subject) for subject in subjects})


def beside(revision: str) -> None:
    """Print the rooms of a revision, each followed by what it is today."""
    columns: dict[str, Density] = {}
    with tempfile.TemporaryDirectory() as folder:
        archive = ["git", "-C", str(PROJECT), "archive", revision, "webhook/elfgate"]
        packed = subprocess.run(archive, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], check=True, input=packed)
        for room in ROOMS:
            columns[f"{room.name} then"] = counted(folder / room.relative_to(PROJECT))
            columns[room.name] = counted(room)
    show(columns)


def counted(subject: Path | str) -> Density:
    """Count all modules of a subject."""
    into = Density()
    for path in files(subject):
        count(path, into)
    return into


def show(columns: Mapping[str, Density]) -> None:
    """Print a table of Markdown."""
    names, densities = list(columns), list(columns.values())
    print("| |", " | ".join(names), "|")
    print("|---" * (len(names) + 1) + "|")
    for name, told in ROWS.items():
        print(f"| {name} |", " | ".join(told(each) for each in densities), "|")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--before"]:
        beside(sys.argv[2])
    else:
        main([*sys.argv[1:]] or [*SUBJECTS])
