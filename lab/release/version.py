"""The version that is released, held against every place that states it."""

import re
import subprocess
import tomllib
from pathlib import Path

import yaml

from lab.fetched import LabError, run

ROOT = Path(__file__).resolve().parents[2]
_FILLED_IN = (
    "SECURITY.md",
    "GOVERNANCE.md",
    ".github/CODEOWNERS",
    "pyproject.toml",
    "charts/elfgate/Chart.yaml",
)
_PLACEHOLDER = re.compile(r"\bREPLACE-BEFORE-RELEASE\b[^\n]*")


def check(version: str) -> None:
    """Refuse to release what states another version, or what a person has still to fill in.

    Raises:
        LabError: naming each file and what to write there.
    """
    chart = yaml.safe_load((ROOT / "charts" / "elfgate" / "Chart.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = {
        "pyproject.toml: version": project["version"],
        "charts/elfgate/Chart.yaml: version": chart["version"],
        "charts/elfgate/Chart.yaml: appVersion": chart["appVersion"],
    }
    wrong = [f"{place} is {found}" for place, found in stated.items() if found != version]
    if wrong:
        raise LabError(f"{version} is not the version here: {'; '.join(wrong)}")


def placeholders() -> list[str]:
    """Lines that a person fills in before a release is published, as ``FILE:LINE: TEXT``."""
    found = []
    for name in _FILLED_IN:
        path = ROOT / name
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        found += [
            f"{name}:{number}: {match[0]}"
            for number, line in enumerate(lines, 1)
            if (match := _PLACEHOLDER.search(line))
        ]
    return found


def commit() -> tuple[str, int]:
    """The commit that is released, and its time in seconds since 1970.

    Raises:
        LabError: if this is no git checkout.
    """
    digest, _, seconds = (
        run("git", "-C", ROOT, "log", "-1", "--format=%H %ct").strip().partition(" ")
    )
    return digest, int(seconds)


def is_clean() -> bool:
    """Whether the checkout holds nothing but the commit."""
    status = subprocess.run(
        ["git", "-C", ROOT, "status", "--porcelain"], check=True, capture_output=True, text=True
    )
    return not status.stdout
