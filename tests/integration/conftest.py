"""What tests of the running webhook and of the command line share."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from support import founding
from support.serving import Pki

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    pki = Pki(tmp_path, trustme.CA())
    pki.issue()
    return pki


@pytest.fixture(scope="session")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("founding") / "layout"
    founding.write(folder)
    return folder


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Have verbs heed SIGINT even where the tests run in a shell's background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def elfgate(tmp_path: Path, layout: Path) -> Run:
    def run(verb: str, *words: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        store = (
            ["--store", str(tmp_path / "facts.db")]
            if verb != "serve" and "--help" not in words
            else []
        )
        command = [sys.executable, "-m", "elfgate", verb, *store, *words]
        return subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            cwd=layout.parent,
            timeout=60,
            check=False,
        )

    return run
