"""Images on platforms as a table: a row for each finding, and for each start without one."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from elfgate.reports.table import Table

if TYPE_CHECKING:
    from elfgate.scan.scanner import Linkage

_COLUMNS = ("image", "digest", "platform", "verdict", "variant", "starts with")
_FINDING = ("effect", "code", "path", "reason", "message", "remedy")


def image_table(linkages: "Iterable[Linkage]") -> Table:
    """The table."""
    rows = [row for linkage in linkages for row in _rows(linkage)]
    return Table((*_COLUMNS, *_FINDING), rows)


def _rows(linkage: "Linkage") -> Iterator[tuple[object, ...]]:
    head = (
        linkage.image,
        linkage.digest,
        linkage.platform,
        linkage.outcome.value,
        linkage.variant,
        " ".join(linkage.prediction.argv),
    )
    for finding in linkage.prediction.findings:
        yield (*head, *(getattr(finding, name) for name in _FINDING))
    if not linkage.prediction.findings:
        yield (*head, *("" for _ in _FINDING))
