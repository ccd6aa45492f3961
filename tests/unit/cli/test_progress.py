"""Bytes and rate, on terminals only."""

import io
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from elfgate.cli.progress import line, progress
from support.elf_file import elf_file
from support.oci import image
from support.registry import Registry
from support.tarball import program, tarball


def test_a_line_says_how_much_and_how_fast() -> None:
    assert line(12_345_678, 2.0) == "12.3 MB read, 6.2 MB/s"
    assert line(0, 0.0) == "0.0 MB read, 0.0 MB/s"


def test_what_is_no_terminal_gets_no_progress() -> None:
    with progress(io.StringIO(), wanted=True) as shown:
        assert shown is None


def test_a_terminal_shows_it_where_wanted_and_is_left_clean(tmp_path: Path) -> None:
    said = {}
    for option in ("--progress", "--explain"):
        with Registry(
            {"example/app": {"1.0": image([tarball({"app": program(elf_file("amd64"))})])}}
        ) as registry:
            parent, child = pty.openpty()
            store = str(tmp_path / option)
            command = [sys.executable, "-m", "elfgate", "scan", "--store", store, option]
            subprocess.run(
                [*command, registry.reference("example/app:1.0"), "--", "/app"],
                stderr=child,
                stdout=subprocess.DEVNULL,
                timeout=60,
                check=False,
            )
            os.close(child)
            said[option] = b""
            with suppress(OSError):  # the other end was closed with nothing to read
                said[option] = os.read(parent, 10_000)
            os.close(parent)
    assert b"MB read" in said["--progress"]
    assert said["--progress"].endswith(b"\r\x1b[K")
    assert said["--explain"] == b""
