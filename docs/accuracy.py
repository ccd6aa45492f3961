"""Writes docs/accuracy.md from what ``make truth`` and ``make bases`` leave (RECORD=1 keeps it).

python -m docs.accuracy [SUMMARY]
"""

import json
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from elfgate.reports.table import Table

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "accuracy.md"
SUMMARY = ROOT / "tests" / "truth" / "accuracy.json"
REBASED = ROOT / "tests" / "truth" / "rebased.json"
_VERDICTS = ("right", "wrong", "unknown")
_BASES = """## Programs put upon bases

Written by `make bases RECORD=1`: real programs, a build for each architecture, upon each root that the lab has for \
it.
`elfgate bases --among` predicts whether a program starts there, and it is started.
"""
_WRONG = ("false deny", "false start", "wrong code", "unknown")
_COLUMNS = (
    "starts",
    "started",
    "did not",
    "right",
    "false deny",
    "false start",
    "wrong code",
    "unknown",
)
_BEGINNING = """# How often predictions are right

Written by `make truth RECORD=1` from starts that it really makes, in the lab that
[tests/truth](../tests/truth/README.md) describes: elfgate {elfgate}, {date}, {machine}. Each \
program is
started in a root file system, under qemu where its architecture is another, and held against what \
elfgate
predicts from the files alone. **{total} starts, of which {right} were predicted right, {unknown} \
are unknown,
{denied} would have been refused though they start.**

- *right*: it starts as predicted, or fails with the code that was predicted (a death without \
words has no code
  that could be wrong).
- *false deny*: it starts, and was predicted to fail. The first promise is that there is none.
- *false start*: it fails, and was predicted to start.
- *wrong code*: it fails as predicted, and for another reason.
- *unknown*: no claim is made; policy decides.
"""


def page(summary: Mapping[str, Any], rebased: Mapping[str, Mapping[str, Any]]) -> str:
    """The page that a summary makes, and the figures of programs put upon bases."""
    kinds: Mapping[str, Mapping[str, int]] = summary["kinds"]
    total = _sum(kinds.values())
    beginning = _BEGINNING.format(
        elfgate=summary["elfgate"],
        date=summary["date"],
        machine=summary["machine"],
        total=_count(total),
        right=f"{total.get('agrees', 0):,}",
        unknown=f"{total.get('unknown', 0):,}",
        denied=f"{total.get('false deny', 0):,}",
    )
    parts = [
        beginning,
        f"## By kind\n\n{_table('kind', kinds)}",
        f"## By architecture\n\n{_table('architecture', summary['architectures'])}",
        f"## By reason\n\n{_reasons(summary['failures'])}",
        f"## What is known to be wrong\n\n{_known(summary['known'])}",
    ]
    if rebased:
        parts.append(f"{_BASES}\n{_rebased(rebased)}")
    if summary["left_out"]:
        told = "".join(f"- {each}\n" for each in summary["left_out"])
        parts.append(f"## What this run left out\n\n{told}")
    return "\n".join(parts)


def _table(name: str, rows: Mapping[str, Mapping[str, int]]) -> str:
    cells = [(key, *_cells(row)) for key, row in rows.items()]
    cells.append(("all", *_cells(_sum(rows.values()))))
    return Table((name, *_COLUMNS), cells).markdown()


def _cells(row: Mapping[str, int]) -> tuple[str, ...]:
    right = f"{row.get('agrees', 0):,} ({_share(row.get('agrees', 0), _all(row))})"
    counts = (f"{row.get(word, 0):,}" for word in ("started", "did not start"))
    wrong = (f"{row.get(word, 0):,}" for word in _WRONG)
    return (_count(row), *counts, right, *wrong)


def _reasons(failures: Mapping[str, Mapping[str, int]]) -> str:
    """How often a failure whose words name its reason was predicted with that reason."""
    cells = [
        (code, f"{row['all']:,}", f"{row['named']:,}", _share(row["named"], row["all"]))
        for code, row in failures.items()
    ]
    return Table(("code", "failures", "predicted with it", "share"), cells).markdown()


def _known(rows: Iterable[Mapping[str, Any]]) -> str:
    cells = [(row["cells"], row["agreement"], row["count"], row["reason"]) for row in rows]
    if not cells:
        return "Nothing.\n"
    return Table(("starts", "which is a", "number", "reason"), cells).markdown()


def _rebased(rows: Mapping[str, Mapping[str, Any]]) -> str:
    columns = (
        "architecture",
        "on",
        "programs",
        "bases",
        "starts",
        "started",
        *_VERDICTS,
    )
    cells = [
        (
            name,
            f"{row['date']}, {row['machine']}",
            len(row["programs"]),
            len(row["bases"]),
            row["starts"],
            row["started"],
            *(row[verdict] for verdict in _VERDICTS),
        )
        for name, row in rows.items()
    ]
    return Table(columns, cells).markdown()


def _sum(rows: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for row in rows:
        for word, number in row.items():
            total[word] = total.get(word, 0) + number
    return total


def _all(row: Mapping[str, int]) -> int:
    return sum(row.get(word, 0) for word in ("agrees", *_WRONG))


def _count(row: Mapping[str, int]) -> str:
    return f"{_all(row):,}"


def _share(part: int, whole: int) -> str:
    """A share in per cent, rounded down, so that 100 % is all."""
    return f"{int(1000 * part / whole) / 10:g} %" if whole else "-"


def main() -> None:
    """Keep the summary that is named, and write the page."""
    if len(sys.argv) > 1:
        shutil.copyfile(sys.argv[1], SUMMARY)
    PAGE.write_text(page(_read(SUMMARY), _read(REBASED)), encoding="utf-8")


def _read(path: Path) -> Mapping[str, Any]:
    """A record; empty where there is none yet."""
    read: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return read


if __name__ == "__main__":
    main()
