"""``elfgate scan`` says the same of an image, whether it looks into it itself or not."""

import subprocess
import sys
from pathlib import Path

import pytest

from support import founding


@pytest.mark.parametrize("arguments", [("--explain",), ("--all", "-o", "json")])
def test_scan_says_the_same_in_processes_of_its_own(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    founding.write(tmp_path / "images")

    def said(isolation: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "elfgate", "scan", f"oci:{tmp_path}/images:2-alpine"]
        command += ["--isolation", isolation, "--store", str(tmp_path / isolation), *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        return ran.returncode, ran.stdout, ran.stderr

    here = said("none")
    assert here[0] == 1
    assert "ppc64le" in here[1]
    assert said("preferred") == here
    assert said("required") == here
