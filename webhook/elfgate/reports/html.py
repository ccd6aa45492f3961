"""A grid as a page: one file that needs no network, whose policy lets nothing in.

Sources: Content Security Policy Level 3 (hashes of the only script and the only style); the HTML
standard, "Restrictions on the contents of script elements". Names of images are strangers': they
are data in the page, which its script writes as text.
"""

import base64
import hashlib
import html as markup
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from elfgate import __version__
from elfgate.printable import printable
from elfgate.reports.grid import Cell, Grid, Line, Reason

_FOLDER = files("elfgate.reports") / "page"
_PLACE = re.compile(r"{{(?P<name>[a-z]+)}}")
# JSON may hold these as they are; a script element must not, and old parsers break lines at the
# last two.
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def html(grid: Grid) -> str:
    """Write the page of a grid."""
    style = _file("page.css")
    script = _file("page.js")
    data = json.dumps(_data(grid), separators=(",", ":"))
    parts = {
        "policy": _policy(style, script),
        "title": markup.escape(grid.title),
        "style": style,
        "script": script,
        "data": data.translate(_ESCAPES),
    }
    page = _file("page.html")
    return _PLACE.sub(lambda match: parts[match["name"]], page)


def _file(name: str) -> str:
    path = _FOLDER / name
    return path.read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """A policy that lets this style and this script run, and nothing load or be sent."""
    directives = (
        "default-src 'none'",
        f"style-src '{_hash(style)}'",
        f"script-src '{_hash(script)}'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(directives)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    encoded = base64.b64encode(digest).decode()
    return f"sha256-{encoded}"


def _data(grid: Grid) -> Mapping[str, Any]:
    """The grid, in short: lines name their states, reasons and facets by number."""
    told: list[dict[str, int]] = [{} for _ in grid.facets]
    lines = [_line(grid, line, told) for line in grid.lines]
    return {
        "title": grid.title,
        "things": grid.things,
        "version": __version__,
        "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "columns": [printable(column) for column in grid.columns],
        "facets": [
            {"name": name, "values": list(values)}
            for name, values in zip(grid.facets, told, strict=True)
        ],
        "sorts": [{"word": sort.word, "tone": sort.tone} for sort in grid.sorts],
        "reasons": [_reason(reason) for reason in grid.reasons],
        "lines": lines,
    }


def _reason(reason: Reason) -> dict[str, str]:
    """A reason, in lines that can be printed."""
    told = {}
    for name, text in reason._asdict().items():
        lines = map(printable, text.split("\n"))
        told[name] = "\n".join(lines)
    return told


def _line(grid: Grid, line: Line, told: list[dict[str, int]]) -> list[Any]:
    facets = [
        values.setdefault(printable(value), len(values))
        for value, values in zip(line.facets, told, strict=True)
    ]
    cells = [_cell(grid, cell) for cell in line.cells]
    return [printable(line.name), printable(line.more), facets, cells]


def _cell(grid: Grid, cell: Cell | None) -> list[int]:
    """A state's number, and those of the reasons; nothing for no cell."""
    if cell is None:
        return []
    state = grid.sorts.index(cell.sort)
    return [state, *cell.reasons]
