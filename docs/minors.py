"""The table of Kubernetes versions that were really run, from what ``make minors`` leaves.

python -m docs.minors FOLDER    record the runs in a folder of JUnit files
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

_ROOT = Path(__file__).resolve().parents[1]
RUNS = _ROOT / "tests" / "e2e" / "minors.json"
_CLUSTER = RUNS.parent / "cluster" / "kubernetes"
PAGE = _ROOT / "docs" / "install.md"
_HEAD = ("| Kubernetes | Helm | Day | Tests |", "|---|---|---|---|")
_BEGIN, _END = "<!-- kubernetes -->\n", "<!-- /kubernetes -->"


def page() -> str:
    """The page with today's table."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    return f"{before}{_BEGIN}{_table()}{_END}{rest.partition(_END)[2]}"


def record(folder: Path) -> None:
    """Keep the runs of a folder, each in place of an older one of its minor.

    Args:
        folder: Holds a JUnit file a minor, as ``1.36.xml``.
    """
    runs = json.loads(RUNS.read_text(encoding="utf-8"))
    runs |= {path.stem: _run(path) for path in folder.glob("*.xml")}
    text = json.dumps(runs, indent=1, sort_keys=True)
    RUNS.write_text(f"{text}\n", encoding="utf-8")


def _run(path: Path) -> dict[str, str | int]:
    """A run: its versions, its day, and how many tests passed.

    Raises:
        SystemExit: if a test failed.
    """
    (suite,) = ET.parse(path).getroot()  # noqa: S314 - pytest has just written it
    counts = {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    if counts["failures"] or counts["errors"]:
        raise SystemExit(f"{path}: a run with a failure is not recorded")
    told = {each.attrib["name"]: each.attrib["value"] for each in suite.iter("property")}
    passed = counts["tests"] - counts["skipped"]
    when = {"day": suite.attrib["timestamp"][:10]}
    return told | when | {"passed": passed, "skipped": counts["skipped"]}


def _table() -> str:
    runs = json.loads(RUNS.read_text(encoding="utf-8"))
    newest = sorted(runs.values(), key=_number, reverse=True)
    lines = [*_HEAD, *map(_row, newest), ""] if newest else []
    pinned = {path.name for path in _CLUSTER.iterdir()}
    if unrecorded := sorted(pinned - runs.keys()):
        lines += [f"Not recorded yet: {', '.join(unrecorded)}.", ""]
    return "\n".join(lines)


def _number(run: Mapping[str, str]) -> list[int]:
    return [int(part) for part in run["kubernetes"].split(".")]


def _row(run: Mapping[str, str | int]) -> str:
    tests = f"{run['passed']} passed, {run['skipped']} skipped"
    return f"| {run['kubernetes']} | {run['helm']} | {run['day']} | {tests} |"


def main() -> None:
    """Record, and write the page."""
    record(Path(sys.argv[1]))
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
