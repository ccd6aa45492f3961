"""A page in a browser, with all that the browser complains about."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elfgate.reports.grid import Grid
from elfgate.reports.html import html

_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass
class Opened:
    """A browser's page.

    Attributes:
        page: Playwright's.
        folder: Where files for it are.
        said: Messages of its console, errors and dialogs; there are to be none.
        asked: What it asked the network for; nothing but itself.
    """

    page: Any
    folder: Path
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.on("request", lambda request: self.asked.append(request.url))

    def show(self, grid: Grid) -> None:
        """Open the page of a grid."""
        file = self.folder / "page.html"
        file.write_text(html(grid), encoding="utf-8")
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("#found tbody tr")

    def violations(self) -> list[str]:
        """What axe finds against WCAG A and AA, and good practice."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page, options={"runOnly": _WCAG}).response["violations"]
        return [
            f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"][:3]
        ]

    def rows(self) -> list[str]:
        """The names in the table, of what is drawn."""
        names = self.page.locator("#found tbody th .name").all_inner_texts()
        return [str(name) for name in names]

    def _dismiss(self, dialog: Any) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()
