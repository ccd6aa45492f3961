"""The site of the docs: each page has its place in it, and each place a page. `make site` builds it strictly."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from docs.site import fetched, pictured

ROOT = Path(__file__).parents[2]


def places(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
        return
    for each in nav.values() if isinstance(nav, dict) else nav:
        yield from places(each)


def test_each_page_has_its_place_and_each_place_a_page() -> None:
    told = list(places(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    assert [place for place in told if not (ROOT / place).is_file()] == []
    pages = {str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")}
    assert pages - set(told) == set()


def test_a_page_that_would_fetch_something_is_found(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("docs.site.HTML", tmp_path)
    (tmp_path / "own.html").write_text('<script src="a.js"></script><a href="https://x/">x</a>')
    (tmp_path / "script.html").write_text('<script async src="https://cdn.example/a.js"></script>')
    (tmp_path / "style.html").write_text('<link rel="stylesheet" href="//cdn.example/a.css">')
    assert list(fetched()) == ["script.html", "style.html"]


def test_a_page_shows_the_pictures_that_there_are(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("docs.site.PICTURES", tmp_path)
    (tmp_path / "audit.png").write_bytes(b"picture")
    text = "<!-- picture: audit.png: The page --> <!-- picture: none.png: Nothing -->"
    shown = pictured(text, tmp_path / "shown")
    assert shown == "![The page](pictures/audit.png) <!-- picture: none.png: Nothing -->"
    assert (tmp_path / "shown" / "audit.png").read_bytes() == b"picture"


def test_every_picture_that_a_page_asks_for_is_taken() -> None:
    asked = {
        name
        for page in (ROOT / "docs").glob("*.md")
        for name in re.findall(r"<!-- picture: (\w+)\.png: ", page.read_text())
    }
    taken = (ROOT / "docs" / "pictures.py").read_text()
    assert asked == {"audit", "matrix"}
    assert all(f'"{name}": [' in taken for name in asked)
