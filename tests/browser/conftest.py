"""A real Chromium without a window; its tests are skipped where there is none."""

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from support.browser import Opened

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    needed = "needs playwright and axe-playwright-python (requirements/browser.txt)"
    playwright = pytest.importorskip("playwright.sync_api", reason=needed)
    pytest.importorskip("axe_playwright_python", reason=needed)
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip(f"needs {' or '.join(_NAMES)} on PATH (Debian's package chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def opened(request: pytest.FixtureRequest, chromium: Any, tmp_path: "Path") -> Iterator[Opened]:
    context = chromium.new_context(color_scheme=request.param)
    yield Opened(context.new_page(), tmp_path)
    context.close()
