"""Puts the tables of the last ``make hostile`` into docs/hostile.md."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "hostile.md"
TABLES = {"attacks": "table.md", "overload": "overload.md"}


def page(text: str, folder: Path) -> str:
    """The page with the tables that are in a folder; one that is not there leaves the old one.

    Args:
        text: The page as it is.
        folder: Where the run has written its tables.
    """
    for name, file in TABLES.items():
        if (folder / file).exists():
            table = (folder / file).read_text().strip()
            begin, end = f"<!-- measured: {name} -->\n", "<!-- end -->"
            before, _, rest = text.partition(begin)
            _, _, after = rest.partition(end)
            text = f"{before}{begin}{table}\n{end}{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(), Path(sys.argv[1])))
