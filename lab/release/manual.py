"""The man page and the completions of shells, made of the program's own parsers."""

import sys
from pathlib import Path

from elfgate.cli.whole import completion
from lab.fetched import run
from lab.release.version import ROOT

MAN_PAGE = "elfgate.1"
COMPLETIONS = {"bash": "elfgate.bash", "fish": "elfgate.fish", "zsh": "_elfgate"}

_PARSER = "elfgate.cli.whole"
_ABOUT = "tells whether container images can start where they may land"


def write(folder: Path, *, version: str, seconds: int) -> None:
    """Write the files into a folder.

    Args:
        folder: The folder.
        version: The version that the page names.
        seconds: The time that the page is dated.

    Raises:
        LabError: if one cannot be made.
    """
    for shell, name in COMPLETIONS.items():
        (folder / name).write_text(completion(shell), encoding="utf-8")
    page = {
        "module": _PARSER,
        "function": "whole",
        "project-name": "elfgate",
        "version": version,
        "description": _ABOUT,
        "manual-title": "User Commands",
        "output": folder.resolve() / MAN_PAGE,
    }
    options = [part for name, value in page.items() for part in (f"--{name}", str(value))]
    env = {"SOURCE_DATE_EPOCH": str(seconds)}
    tool = Path(sys.executable).with_name("argparse-manpage")
    run(tool, *options, cwd=ROOT, env=env | {"PYTHONPATH": str(ROOT)})
