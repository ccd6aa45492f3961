"""A store that is no store keeps no verb from its work."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]


@pytest.mark.parametrize(
    "words", [["scan", "oci:layout:2"], ["warm", "oci:layout:2"], ["cache", "info"]]
)
def test_a_damaged_store_is_moved_aside_by_every_verb(
    elfgate: Run, words: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "damaged.db"
    path.write_text("This is no database, and rather long for none.\n" * 9)
    ran = elfgate(*words, "--store", str(path))
    assert ran.returncode < 2
    (warning,) = ran.stderr.splitlines()
    assert "the file is moved aside, to" in warning
    assert elfgate(*words, "--store", str(path)).stderr == ""
