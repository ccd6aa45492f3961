"""The text that people read: tables, reasons and walks, in plain text that needs no terminal."""

from collections.abc import Iterable, Sequence

from tabulate import tabulate

from elfgate.linkage.report import Effect, Finding, Outcome, Surveyed
from elfgate.matrix import Matrix
from elfgate.reports.table import Table, escaped
from elfgate.results.store import CacheOutput
from elfgate.scan.scanner import Linkage

WORDS = {
    Outcome.STARTS: "starts",
    Outcome.CANNOT_START: "cannot start",
    Outcome.UNKNOWN: "unknown",
}


def plain(table: Table) -> str:
    """Set a table in columns, as people read it in a terminal."""
    return tabulate(
        table.rows,
        headers=table.columns,
        tablefmt="plain",
        disable_numparse=True,
    )


def scan_table(linkages: Sequence[Linkage]) -> str:
    """One row a platform, and what was found under the table."""
    rows = [
        (
            str(linkage.platform),
            WORDS[linkage.outcome],
            str(linkage.variant),
            " ".join(linkage.prediction.argv),
        )
        for linkage in linkages
    ]
    table = tabulate(
        rows,
        headers=("platform", "verdict", "image", "starts with"),
        tablefmt="plain",
        disable_numparse=True,
    )
    reasons = [
        line
        for linkage in linkages
        if linkage.prediction.findings
        for line in (f"{linkage.platform}:", *_indented(linkage.prediction.findings))
    ]
    reasons += [
        line
        for linkage in linkages
        if linkage.others
        for line in (f"{linkage.platform}, besides what it starts with:", *_others(linkage.others))
    ]
    return "\n".join((table, *(("", *reasons) if reasons else ()), ""))


def matrix_table(matrix: Matrix, *, markdown: bool = False) -> str:
    """One row an image, one column a platform.

    Under a cell that does not start stands why, in full below the table.
    """
    notes: dict[tuple[str, ...], int] = {}
    line_break = "<br>" if markdown else "\n"
    written = escaped if markdown else str  # images and their files have any name
    rows = [
        [written(row[0].image), *(_cell(linkage, notes, line_break) for linkage in row)]
        for row in matrix.rows
    ]
    headers = ["image", *(str(platform).removeprefix("linux/") for platform in matrix.platforms)]
    table = tabulate(
        rows, headers=headers, tablefmt="github" if markdown else "simple", disable_numparse=True
    )
    if markdown:
        paragraphs = [
            f"[{number}] {line_break.join(map(escaped, lines))}" for lines, number in notes.items()
        ]
        return "\n\n".join((table, *paragraphs)) + "\n"
    footnotes = [
        f"[{number}] {line}" if first else f"    {line}"
        for lines, number in notes.items()
        for first, line in _firsts(lines)
    ]
    return "\n".join((table, *(("", *footnotes) if footnotes else ()), ""))


def walk(linkages: Iterable[Linkage]) -> str:
    """Every look-up, in order, as ``LD_DEBUG=libs`` would show it."""
    lines = []
    for linkage in linkages:
        lines.append(f"\n{linkage.platform}:")
        lines += [
            f"  {step.actor:8}{step.text}  ->  {step.result}" for step in linkage.prediction.walk
        ]
    return "\n".join((*lines, ""))


def cache_text(output: CacheOutput, action: str) -> str:
    """The work done, and the store's contents afterwards."""
    rows: list[tuple[str, object]] = [("store", output.store), ("layers", output.layers)]
    rows += [
        ("documents", output.documents),
        ("tags", output.tags),
        ("size", f"{output.bytes / 1e6:.1f} MB"),
    ]
    done = {
        "prune": f"pruned {output.pruned} facts",
        "export": f"exported {output.facts_carried} facts and {output.tags_carried} tags",
        "import": f"imported {output.facts_carried} facts and {output.tags_carried} tags, "
        f"skipped {output.passed_over} of another version",
    }.get(action)
    return "\n".join(
        (*((done, "") if done else ()), tabulate(rows, tablefmt="plain", disable_numparse=True), "")
    )


def _cell(linkage: Linkage, notes: dict[tuple[str, ...], int], line_break: str) -> str:
    deciding = _deciding(linkage.prediction.findings)
    if linkage.outcome is Outcome.STARTS or not deciding:
        return WORDS[linkage.outcome]
    reason = deciding[0]
    number = notes.setdefault(
        tuple(line for line in (reason.message, reason.remedy) if line), len(notes) + 1
    )
    return f"{WORDS[linkage.outcome]}{line_break}{reason.reason or reason.code} [{number}]"


def _deciding(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that a verdict rests on: failures if there are any, else unknowns."""
    failing = [finding for finding in findings if finding.effect is Effect.FAILS]
    return failing or [finding for finding in findings if finding.effect is Effect.UNKNOWN]


def _others(others: Sequence[Surveyed]) -> list[str]:
    return [
        f"  {'' if other.path in finding.message else f'{other.path}: '}{finding.message}  "
        f"[{finding.code}]"
        for other in others
        for finding in other.findings
    ]


def _indented(findings: Sequence[Finding]) -> list[str]:
    lines = []
    for finding in findings:
        lines.append(f"  {finding.message}  [{finding.code}]")
        if finding.remedy:
            lines.append(f"    {finding.remedy}")
    return lines


def _firsts(lines: Sequence[str]) -> list[tuple[bool, str]]:
    return [(position == 0, line) for position, line in enumerate(lines)]
