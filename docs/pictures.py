"""Takes the pictures that the site shows: pages of elfgate's own in a real Chromium (``make pictures``).

They are made anew, and kept nowhere: ``make site`` shows those that are in build/pictures.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "build" / "pictures"
PLATFORMS = "linux/amd64,linux/arm64,linux/ppc64le,linux/s390x"
NAMES = ("chromium", "chromium-browser", "google-chrome")
SIZE = {"width": 1100, "height": 720}
sys.path.insert(0, str(ROOT / "tests"))

from support import founding  # noqa: E402 - it lies with the tests


def main() -> int:
    """Write each page, and take its picture."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        print(f"no {' or '.join(NAMES)} on PATH", file=sys.stderr)
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        pages = written(Path(folder))
        taken(program, pages)
    return 0


def written(folder: Path) -> dict[str, Path]:
    """The pages of a matrix and of an audit, by the name of their picture."""
    images = founding.write(folder / "images")
    objects = folder / "objects.json"
    objects.write_text(json.dumps({"kind": "List", "items": [*map(_deployment, images)]}))
    taking = [word for name, where in images.items() for word in ("--image", f"{name}={where}")]
    asked = {
        "matrix": ["matrix", *images],
        "audit": ["audit", "-f", str(objects), "--for", PLATFORMS],
    }
    pages = {name: folder / f"{name}.html" for name in asked}
    for name, words in asked.items():
        store = ["--store", str(folder / "facts.db")]
        _run(*words, *taking, *store, "-o", f"html={pages[name]}")
    return pages


def taken(program: str, pages: dict[str, Path]) -> None:
    """Take a picture of each page, with its first reason open."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - where there is a browser

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, file in pages.items():
            page = browser.new_page(viewport=SIZE)
            page.goto(file.as_uri())
            page.locator("#found button.state").first.click()
            page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
            print(PICTURES / f"{name}.png")
        browser.close()


def _deployment(image: str) -> dict[str, object]:
    name = image.rpartition(":")[2]
    pod = {"spec": {"containers": [{"name": "server", "image": image}]}}
    metadata = {"name": f"server-{name}", "namespace": "shop", "labels": {"team": "checkout"}}
    spec = {"replicas": 2, "selector": {}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def _run(*words: str) -> None:
    """Run elfgate, which ends with 1 as something fails."""
    said = subprocess.run(
        [sys.executable, "-m", "elfgate", *words], stdout=subprocess.DEVNULL, check=False
    )
    if said.returncode not in {0, 1}:
        raise SystemExit(said.returncode)


if __name__ == "__main__":
    sys.exit(main())
