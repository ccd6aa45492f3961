"""The results of ``elfgate check`` for people: a text, and a table."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from elfgate.reports.table import Table

if TYPE_CHECKING:
    from elfgate.results.check import CheckOutput, ResultOutput

_WORDS = ("denied", "warned", "admitted", "exempt", "unknown")
_OBJECT = ("source", "namespace", "kind", "name", "verdict")
_VIOLATION = ("code", "container", "image", "digest", "headline", "remedy")


def check_text(output: "CheckOutput") -> str:
    """Each object with its findings, and the figures last."""
    lines = []
    for result in output.results:
        lines.append(_headline(result))
        lines += _violations(result)
    for position in output.no_objects:
        lines.append(f"{position}: skipped: not a Kubernetes object")
    for exemption in output.unused:
        lines.append(f"{exemption} spares nothing of this")
    summary = _summary(output) or "no workloads found"
    lines.append(f"{summary}{_skipped(output)}")
    return "\n".join(lines) + "\n"


def _violations(result: "ResultOutput") -> list[str]:
    """Denials, warnings, and denials that are held back, each over several lines."""
    lines = []
    told = (
        ("denied", result.denials),
        ("warning", result.warnings),
        ("would be denied", result.would_deny),
    )
    for word, violations in told:
        for violation in violations:
            lines.append(f"  {word}: {violation.headline}")
            said = (*violation.lines, violation.remedy, violation.help)
            lines += [f"    {line}" for line in said if line]
    return lines


def _headline(result: "ResultOutput") -> str:
    parts = (result.namespace, result.name)
    name = "/".join(filter(None, parts))
    word = _word(result)
    return f"{result.source}: {result.kind} {name}: {word}"


def _summary(output: "CheckOutput") -> str:
    """The number of objects of each verdict; empty if there is no object."""
    counts: Counter[str] = Counter()
    held = 0
    for result in output.results:
        counts[_word(result)] += 1
        counts["unknown"] += result.unknown
        held += bool(result.would_deny)
    told = [f"{counts[word]} {word}" for word in _WORDS if counts[word]]
    summary = ", ".join(told)
    return f"{summary} ({held} would be denied)" if held else summary


def _word(result: "ResultOutput") -> str:
    return "exempt" if result.exempt else result.verdict


def _skipped(output: "CheckOutput") -> str:
    """Name what holds no pod template, each kind once."""
    if not output.passed_over:
        return ""
    skipped = f"; {output.passed_over} skipped, without a pod template"
    kinds = output.kinds_passed_over.items()
    told = ", ".join(f"{count} {kind}" for kind, count in kinds)
    if told:
        return f"{skipped} ({told})"
    return skipped


def check_table(output: "CheckOutput") -> Table:
    """A row for each denial and each warning, and for each object without one."""
    columns = (
        *_OBJECT,
        "line",
        "platforms",
        *_VIOLATION,
    )
    rows: list[tuple[object, ...]] = []
    for result in output.results:
        rows += _rows(result)
    return Table(columns, rows)


def _rows(result: "ResultOutput") -> Iterator[tuple[object, ...]]:
    head = tuple(getattr(result, name) for name in _OBJECT)
    told = (*result.denials, *result.warnings)
    for each in told:
        line = each.place.line if each.place else None
        platforms = " ".join(each.platforms)
        rest = [getattr(each, name) for name in _VIOLATION]
        yield (*head, line, platforms, *rest)
    if not told:
        nothing = [""] * len(_VIOLATION)
        yield (*head, None, "", *nothing)
