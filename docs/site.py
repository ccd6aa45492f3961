"""Builds the docs as a site, searchable without a network: ``make site``.

Pages are taken as they stand in the repository, at the same places, so that their links hold in both.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "build" / "site" / "pages"
HTML = ROOT / "build" / "site" / "html"
PICTURES = ROOT / "build" / "pictures"

_TAKEN = (
    "*.md",
    "charts/elfgate/ci",
    "charts/elfgate/examples",
    "docs",
    "policies/schema",
    "LICENSE",
)
_PICTURE = re.compile(r"<!-- picture: (\w+\.png): ([^>]*?) -->")
_LEFT = (".py", ".pyc")
_FETCHED = re.compile(
    r"""<(?:script|img|iframe)[^>]*\ssrc=["']?(?:https?:)?//|<link[^>]*\srel=["']?stylesheet["']?"""
    r"""[^>]*\shref=["']?(?:https?:)?//""",
    re.IGNORECASE,
)


def main() -> int:
    """Build the site; the exit code is MkDocs', or 1 if a page would fetch something."""
    lay_out()
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet"], cwd=ROOT, check=False
    )
    if built.returncode:
        return built.returncode
    fetching = list(fetched())
    if fetching:
        print(f"these pages fetch from elsewhere: {', '.join(fetching)}", file=sys.stderr)
        return 1
    print(HTML / "index.html")
    return 0


def lay_out() -> None:
    """Copy the pages, and what they link to, to where MkDocs takes them from."""
    shutil.rmtree(PAGES, ignore_errors=True)
    for name in _listed():
        target = PAGES / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    for page in (PAGES / "docs").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        page.write_text(pictured(text, page.parent / "pictures"), encoding="utf-8")


def pictured(text: str, folder: Path) -> str:
    """A page with the pictures that there are (docs/pictures.py), which are copied to a folder."""

    def shown(mark: re.Match[str]) -> str:
        name, told = mark.groups()
        if not (PICTURES / name).is_file():
            return mark[0]
        folder.mkdir(exist_ok=True)
        shutil.copyfile(PICTURES / name, folder / name)
        return f"![{told}](pictures/{name})"

    return _PICTURE.sub(shown, text)


def _listed() -> list[str]:
    """The files that the repository has, and that are new in it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *_TAKEN]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = (name for name in told.split("\0") if name and not name.endswith(_LEFT))
    return [name for name in names if (ROOT / name).is_file()]


def fetched() -> Iterator[str]:
    """The pages that would fetch a script, a picture or a style sheet from elsewhere."""
    for page in sorted(HTML.rglob("*.html")):
        if _FETCHED.search(page.read_text(encoding="utf-8")):
            yield str(page.relative_to(HTML))


if __name__ == "__main__":
    sys.exit(main())
