"""Python's wheel and sdist, always the same bytes for the same commit.

Source: reproducible-builds.org, SOURCE_DATE_EPOCH.
"""

import sys
from pathlib import Path

from lab.fetched import run
from lab.release.version import ROOT


def build(folder: Path, *, seconds: int) -> tuple[Path, Path]:
    """Build the sdist, and the wheel from it, and check both as a package index would.

    Args:
        folder: The folder that the files are written to.
        seconds: The commit's time, which every member of the archives is dated.

    Returns:
        The wheel and the sdist.

    Raises:
        LabError: if the build fails, or an index would refuse what it made.
    """
    command = ("-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    run(sys.executable, *command, env={"SOURCE_DATE_EPOCH": str(seconds)})
    [wheel], [sdist] = folder.glob("elfgate-*.whl"), folder.glob("elfgate-*.tar.gz")
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)
    return wheel, sdist
