"""The lab's cache: several threads, and several runs, may make the same thing at a time."""

from pathlib import Path

import pytest

from lab.fetched import put


def test_a_folder_that_another_thread_has_put_in_its_place_stays(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    for number in ("1", "2"):
        made = tmp_path / number
        made.mkdir()
        (made / number).touch()
        put(made, kept)
    assert [path.name for path in kept.iterdir()] == ["1"]


def test_what_cannot_be_moved_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        put(tmp_path / "none", tmp_path / "kept")
