"""The page: one file that needs nothing else, whatever strangers call their images."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from elfgate.reports.html import html
from support.grids import HOSTILE, grid


class Page(HTMLParser):
    """The elements of a page, and the texts of its styles and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = f"{tag} {dict(attrs).get('type') or ''}".strip()

    def handle_data(self, data: str) -> None:
        self.texts[self._open] = self.texts.get(self._open, "") + data

    def handle_endtag(self, tag: str) -> None:
        del tag  # they are not nested
        self._open = ""

    @property
    def data(self) -> Any:
        return json.loads(self.texts["script application/json"])


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(html(grid(20)))


def test_it_has_one_style_and_one_script_and_its_policy_lets_only_these_be(page: Page) -> None:
    tags = [tag for tag, _ in page.elements]
    assert (tags.count("style"), tags.count("script")) == (1, 2)
    policy = next(
        attributes["content"]
        for tag, attributes in page.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    hashes = {
        base64.b64encode(hashlib.sha256(page.texts[part].encode()).digest()).decode()
        for part in ("style", "script")
    }
    assert set(re.findall(r"'sha256-([^']+)'", policy or "")) == hashes
    assert "default-src 'none'" in (policy or "")
    assert "unsafe" not in (policy or "")


def test_nothing_of_it_is_elsewhere(page: Page) -> None:
    loading = {"src", "srcset", "action", "data", "poster", "background"}
    for tag, attributes in page.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base"}
        assert not loading & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
        assert str(attributes.get("href", "#")).startswith("#")
    assert not re.search(r"@import|url\(|https?:", page.texts["style"])
    script = page.texts["script"]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|fetch", script)


def test_hostile_names_are_data(page: Page) -> None:
    assert HOSTILE in [line[0] for line in page.data["lines"]]
    assert HOSTILE not in html(grid(1))


def test_its_data_points_at_what_it_holds(page: Page) -> None:
    data = page.data
    for _, _, facets, cells in data["lines"]:
        assert len(facets) == len(data["facets"])
        assert all(
            value < len(data["facets"][facet]["values"]) for facet, value in enumerate(facets)
        )
        assert len(cells) == len(data["columns"])
        for cell in filter(None, cells):
            assert cell[0] < len(data["sorts"])
            assert all(reason < len(data["reasons"]) for reason in cell[1:])


def test_ten_thousand_rows_are_less_than_three_megabytes() -> None:
    assert len(html(grid(10_000)).encode()) < 3_000_000
