"""Real programs for tests that start them, compiled once a session."""

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from elfgate.errors import ElfgateError
from elfgate.trial.sandbox import Sandbox
from lab import sandbox

TOOL = (Path(__file__).parent / "programs" / "tool.c").read_text()
"""What ``programs/tool.c`` does is what its first word says."""
_GO = (
    'package main\n\nimport "os"\n\nfunc main() { println("started"); os.Exit(len(os.Args) - 1) }\n'
)


@functools.cache
def compiled(source: str = TOOL, *options: str) -> bytes:
    """A program of this machine; static, unless the options say otherwise."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler: install gcc and libc6-dev")
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, "program.c")
        written.write_text(source)
        chosen = options or ("-static",)
        command = [compiler, "-w", "-O1", *chosen, "-o", f"{folder}/program", str(written)]
        subprocess.run(command, check=True)
        return Path(folder, "program").read_bytes()


@functools.cache
def foreign(architecture: str) -> bytes:
    """A static program of another architecture, which says that it started and ends with the number of its words."""
    if shutil.which("go") is None:
        pytest.skip("there is no Go: install it")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "main.go").write_text(_GO)
        env = {**os.environ, "GOARCH": architecture, "CGO_ENABLED": "0", "GO111MODULE": "off"}
        command = ["go", "build", "-o", f"{folder}/program", f"{folder}/main.go"]
        subprocess.run(command, check=True, env=env)
        return Path(folder, "program").read_bytes()


@functools.cache
def qemu(architecture: str) -> Path:
    """The lab's emulator, as an installed one."""
    if reason := sandbox.unavailable():
        pytest.skip(reason)
    return sandbox.qemu(architecture)


@functools.cache
def startable() -> None:
    """Skip where the kernel allows no namespaces."""
    try:
        with Sandbox("amd64"):
            return
    except ElfgateError as error:
        pytest.skip(str(error))
