"""The line of a terminal that tells what is read and what is waited for."""

import io
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from elfgate.cli.progress import Progress, rate
from support.elf_file import elf_file
from support.oci import image
from support.registry import Answer, Registry
from support.tarball import program, tarball


class Terminal(io.StringIO):
    """A terminal, as far as a program can tell."""

    def isatty(self) -> bool:
        return True


def test_a_rate_says_how_much_of_what_and_how_fast() -> None:
    assert rate(12_345_678, 20_000_000, 2.0) == "12.3 of 20.0 MB read, 6.2 MB/s"
    assert rate(0, 0, 0.0) == "0.0 of 0.0 MB read, 0.0 MB/s"


def test_nothing_is_told_of_what_is_not_waited_for() -> None:
    shown = Progress(Terminal())
    assert shown.line() == ""
    shown.expect("layer 1 of app", 10)
    assert shown.line().startswith("0.0 of 0.0 MB read")
    assert shown.line().endswith(": layer 1 of app")
    shown.add(10)
    assert shown.line() == ""


def test_things_are_counted_beside_the_bytes_that_are_read_for_them() -> None:
    shown = Progress(io.StringIO())
    shown.count(10_000, "workloads")
    shown.done(1_234, "example/app:2")
    assert shown.line() == "1,234 of 10,000 workloads: example/app:2"
    shown.expect("layer 1 of example/app", 2_000_000)
    assert shown.line().startswith("1,234 of 10,000 workloads, 0.0 of 2.0 MB read, ")
    assert shown.line().endswith(": layer 1 of example/app")


@pytest.mark.parametrize(
    ("stream", "wanted"), [(io.StringIO(), True), (Terminal(), False)], ids=["pipe", "not wanted"]
)
def test_what_is_no_terminal_or_not_wanted_gets_none(stream: io.StringIO, wanted: bool) -> None:
    with Progress(stream, wanted=wanted) as shown:
        shown.expect("layer", 1)
        time.sleep(0.8)
    assert stream.getvalue() == ""


def test_what_is_soon_done_is_not_shown() -> None:
    stream = Terminal()
    with Progress(stream) as shown:
        shown.expect("layer", 1)
    assert stream.getvalue() == ""


def test_the_line_is_cut_at_the_terminals_width_and_taken_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    stream = Terminal()
    with Progress(stream) as shown:
        shown.expect("a layer of a name that is long", 1)
        _until(lambda: "MB" in stream.getvalue())
    assert stream.getvalue().startswith("0.0 of 0.0 MB read,\r\x1b[K")
    assert stream.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(("options", "is_shown"), [([], True), (["--no-progress"], False)])
def test_a_slow_registry_is_told_of_on_a_terminal(
    tmp_path: Path, options: list[str], is_shown: bool
) -> None:
    app = image([tarball({"app": program(elf_file("amd64"))})])
    layer = app.children[-1]
    with Registry({"example/app": {"1.0": app}}) as registry:
        late = Answer(200, {"Content-Length": str(len(layer.data))}, _late(layer.data))
        registry.answer(f"/v2/example/app/blobs/{layer.digest}", late)
        parent, child = pty.openpty()
        command = [sys.executable, "-m", "elfgate", "scan", "--store", str(tmp_path / "facts.db")]
        subprocess.run(
            [*command, *options, registry.reference("example/app:1.0"), "--", "/app"],
            stderr=child,
            stdout=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        os.close(child)
        said = b""
        with suppress(OSError):  # the other end was closed with nothing to read
            said = os.read(parent, 10_000)
        os.close(parent)
    assert (b"MB read" in said) is is_shown
    assert said.endswith(b"\r\x1b[K") is is_shown


def _late(data: bytes) -> Iterator[bytes]:
    time.sleep(1.5)
    yield data


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
