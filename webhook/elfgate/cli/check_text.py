"""The results of ``elfgate check`` for people: a text, and a table."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from elfgate.cli.text import violation_lines
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
        name = "/".join(part for part in (result.namespace, result.name) if part)
        lines.append(f"{result.source}: {result.kind} {name}: {_word(result)}")
        lines += violation_lines(result.denials, result.warnings, result.would_deny)
    counts: Counter[str] = Counter(map(_word, output.results))
    counts["unknown"] = sum(result.unknown for result in output.results)
    summary = ", ".join(f"{counts[word]} {word}" for word in _WORDS if counts[word])
    held = sum(bool(result.would_deny) for result in output.results)
    summary += f" ({held} would be denied)" if held else ""
    lines += [f"{position}: skipped: not a Kubernetes object" for position in output.no_objects]
    lines += [f"{exemption} spares nothing of this" for exemption in output.unused]
    return "\n".join((*lines, f"{summary or 'no workloads found'}{_passed_over(output)}", ""))


def _word(result: "ResultOutput") -> str:
    return "exempt" if result.exempt else result.verdict


def _passed_over(output: "CheckOutput") -> str:
    """Name what holds no pod template, each kind once."""
    if not output.passed_over:
        return ""
    kinds = ", ".join(f"{count} {kind}" for kind, count in output.kinds_passed_over.items())
    told = f" ({kinds})" if kinds else ""
    return f"; {output.passed_over} skipped, without a pod template{told}"


def check_table(output: "CheckOutput") -> Table:
    """A row for each denial and each warning, and for each object without one."""
    rows = [row for result in output.results for row in _rows(result)]
    return Table((*_OBJECT, "line", "platforms", *_VIOLATION), rows)


def _rows(result: "ResultOutput") -> Iterator[tuple[object, ...]]:
    head = tuple(getattr(result, name) for name in _OBJECT)
    told = (*result.denials, *result.warnings)
    for each in told:
        line = each.place.line if each.place else None
        rest = (getattr(each, name) for name in _VIOLATION)
        yield (*head, line, " ".join(each.platforms), *rest)
    if not told:
        yield (*head, None, "", *("" for _ in _VIOLATION))
