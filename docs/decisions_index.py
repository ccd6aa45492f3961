"""Writes the index of decision records by room, from the records themselves: ``make docs``."""

import re
from collections import defaultdict
from pathlib import Path

DECISIONS = Path(__file__).resolve().parent / "decisions"
INDEX = DECISIONS / "README.md"

_TITLE = re.compile(r"^# (?P<title>.+)$", re.MULTILINE)
_STATUS = re.compile(r"^\*Status\.\* (?P<status>.+?) · \*Room\.\* (?P<room>.+)$", re.MULTILINE)
_HEAD = """# Decisions

One file for each decision: its status, the question, the options, the choice, and what would \
change it. A decision that
a later one replaces keeps its text and names its successor. A new record takes the next free \
number.

"""


def index() -> str:
    """Return the index as Markdown: one table for each room, in the order of the numbers.

    Raises:
        ValueError: if a record lacks its title, its status or its room.
    """
    rooms: dict[str, list[str]] = defaultdict(list)
    for path in sorted(DECISIONS.glob("[0-9]*.md")):
        text = path.read_text("utf-8")
        title, status = _TITLE.search(text), _STATUS.search(text)
        if title is None or status is None:
            raise ValueError(f"{path.name} lacks a title, or a line of its status and room")
        row = f"| {path.name[:4]} | [{title['title']}]({path.name}) | {status['status']} |"
        rooms[status["room"]].append(row)
    return _HEAD + "\n".join(_table(room, rooms[room]) for room in sorted(rooms))


def _table(room: str, rows: list[str]) -> str:
    return "\n".join([f"## {room}", "", "| | Decision | Status |", "|---|---|---|", *rows, ""])
