"""Ctrl-C while a registry hangs: the process ends long before the registry is given up."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import founding
from support.manifests import pod
from support.registry import Answer, Registry

TAG = f"/v2/{founding.REPOSITORY}/manifests/2"
SOONER = 8.0  # seconds: a registry that hangs is given up after 16


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry({founding.REPOSITORY: founding.images()}) as hanging:
        hanging.answer(TAG, Answer(200, {"Content-Length": "1000000"}, hanging.drip(b"{")))
        yield hanging


def commands(image: str, manifests: Path) -> list[list[str]]:
    return [
        ["scan", image, "--platform", "amd64"],
        ["matrix", image, "--platform", "amd64"],
        ["warm", image, "--platform", "amd64"],
        ["check", str(manifests), "--arch", "amd64"],
        ["audit", "-f", str(manifests), "--arch", "amd64"],
    ]


@pytest.mark.parametrize("number", range(5))
def test_an_interrupt_ends_a_verb_while_a_registry_hangs(
    registry: Registry, tmp_path: Path, number: int, interruptible: None
) -> None:
    image = registry.reference(f"{founding.REPOSITORY}:2")
    manifests = tmp_path / "pod.json"
    manifests.write_text(json.dumps(pod("web", image)))
    command = commands(image, manifests)[number]
    program = [sys.executable, "-m", "elfgate", command[0], "--store", str(tmp_path / "facts.db")]
    with subprocess.Popen([*program, *command[1:]], stderr=subprocess.PIPE, text=True) as process:
        _until(lambda: TAG in registry.paths())
        os.kill(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=SOONER)
    assert (process.returncode, told) == (130, "\nelfgate: interrupted\n")


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
