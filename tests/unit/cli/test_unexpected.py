"""An error that nobody expected: a line with its place, and a code of its own."""

import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from elfgate.cli.main import VERBS, main, verb_parser
from elfgate.errors import UnknownReason, UnreadableError


def broken(verb: str, error: BaseException) -> SimpleNamespace:
    """A verb with a bug, which takes the arguments of the real one."""

    def configure(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("words", nargs="*")

    def run(_options: argparse.Namespace) -> int:
        raise error

    texts = {"USAGE": verb, "DESCRIPTION": "", "EPILOG": ""}
    return SimpleNamespace(configure=configure, run=run, **texts)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("division by\nzero"),
        RecursionError(),
        MemoryError(),
        OSError(5, "Input/output error"),
    ],
    ids=repr,
)
def test_a_bug_ends_a_verb_with_one_line_and_a_code_of_its_own(
    verb: str,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, f"elfgate.cli.{verb}", broken(verb, error))
    assert main([verb, "x"]) == 70
    told = capsys.readouterr().err
    start = f"elfgate {verb}: unexpected error, which is a bug: {type(error).__name__}"
    assert told.startswith(start)
    assert told.count("\n") == 1
    assert "Traceback" not in told
    assert told.endswith("(please report it: CONTRIBUTING.md, Report an unexpected error)\n")


def test_the_line_names_the_place_in_our_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_options: argparse.Namespace) -> int:
        verb_parser("nothing")  # imports a module that is not there
        raise AssertionError

    verb = broken("rules", ValueError())
    verb.run = run
    monkeypatch.setitem(sys.modules, "elfgate.cli.rules", verb)
    assert main(["rules"]) == 70
    assert " at cli/main.py:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(36, "File name too long", "x" * 300), f"{'x' * 300}: File name too long"),
        (PermissionError(13, "Permission denied", "a\nb"), "a\\nb: Permission denied"),
        (OSError(28, "No space left on device"), "cannot write: No space left on device"),
    ],
    ids=["a name", "a name that prints as two lines", "a full disk"],
)
def test_what_the_operating_system_refuses_is_no_bug(
    error: OSError, said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "elfgate.cli.rules", broken("rules", error))
    with Path("/dev/null").open("w") as nowhere:
        monkeypatch.setattr(sys, "stdout", nowhere)
        assert main(["rules"]) == 2
    assert capfd.readouterr().err == f"elfgate rules: {said}\n"


def test_an_image_whose_name_is_that_of_a_file_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app.tar").touch()
    monkeypatch.chdir(tmp_path)
    reason = UnknownReason.REGISTRY_UNREACHABLE
    error = UnreadableError("the registry cannot be reached", reason=reason)
    monkeypatch.setitem(sys.modules, "elfgate.cli.scan", broken("scan", error))
    said = []
    for word in ("app.tar", "app"):
        assert main(["scan", word]) == 2
        said.append(capsys.readouterr().err)
    told = "elfgate scan: the registry cannot be reached"
    hint = ": for the file app.tar here, write docker-archive:app.tar or oci-archive:app.tar"
    assert said == [f"{told}{hint}\n", f"{told}\n"]
