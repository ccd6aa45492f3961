"""A folder for a while, whose run may be killed."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from elfgate.scratch import Scratch

_KILLED = """
import os, signal
from elfgate.scratch import Scratch
scratch = Scratch()
(scratch.path / "layer").write_text("x")
print(scratch.path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def aged(folder: Path, *, seconds: int) -> Path:
    then = time.time() - seconds
    os.utime(folder, (then, then))
    return folder


def killed() -> Path:
    """The folder of a run that was killed."""
    ran = subprocess.run(
        [sys.executable, "-c", _KILLED], stdout=subprocess.PIPE, text=True, check=False
    )
    return Path(ran.stdout.strip())


def test_a_folder_is_gone_with_its_run(place: Path) -> None:
    with Scratch() as scratch:
        (scratch.path / "file").write_text("x")
    assert list(place.iterdir()) == []


def test_the_next_run_removes_the_folder_of_one_that_was_killed() -> None:
    left = aged(killed(), seconds=120)
    assert (left / "layer").exists()
    with Scratch():
        assert not left.exists()


def test_the_folder_of_a_run_that_goes_on_stays() -> None:
    with Scratch() as slow:
        aged(slow.path, seconds=3600)
        with Scratch():
            assert slow.path.exists()


def test_a_folder_that_has_just_been_made_stays_as_its_run_may_not_have_locked_it_yet() -> None:
    left = killed()
    with Scratch():
        assert left.exists()


def test_a_link_of_somebody_else_leads_to_nothing_that_is_removed(place: Path) -> None:
    (place / "precious").mkdir()
    (place / "elfgate-scratch-link").symlink_to(place / "precious")
    os.utime(place / "elfgate-scratch-link", (0, 0), follow_symlinks=False)
    with Scratch():
        assert (place / "precious").exists()
