"""A real OPA, where there is one: on PATH, where ``$OPA`` says, or where ``.ci/opa`` has built it."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from elfgate.policy.bundle import Bundle
from elfgate.policy.document import Document

_BUILT = (
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    / "elfgate"
    / "bin-1.22.2"
    / "opa"
)
OPA = os.environ.get("OPA") or shutil.which("opa") or (str(_BUILT) if _BUILT.exists() else None)


def write(policies: Bundle, folder: Path) -> Path:
    """Write a bundle as OPA reads it."""
    for path, text in policies.modules.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "data.json").write_text(policies.json())
    manifest = {"revision": policies.revision, "roots": ["elfgate"], "rego_version": 1}
    (folder / ".manifest").write_text(json.dumps(manifest))
    return folder


def verdicts(policies: Bundle, documents: Sequence[Document], folder: Path) -> list[Any]:
    """What OPA's evaluator says of each document, as JSON: one process for all."""
    assert OPA
    asked = folder / "asked.json"
    asked.write_text(json.dumps([json.loads(document.json_bytes()) for document in documents]))
    query = "[verdict | some document in input; verdict := data.elfgate.main.verdict with input as document]"
    done = subprocess.run(
        [
            OPA,
            "eval",
            "--bundle",
            write(policies, folder / "bundle"),
            "--input",
            asked,
            "--format",
            "raw",
            query,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout))


@contextmanager
def serving(policies: Bundle, folder: Path) -> Iterator[Path]:
    """Run an OPA server on a bundle; the folder's path must be short, as a socket's is.

    Returns:
        Its socket, on which it listens.
    """
    with running(folder, "--bundle", str(write(policies, folder / "bundle"))) as listening:
        yield listening


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Path]:
    """Run an OPA server with these options.

    Raises:
        AssertionError: if it ends instead of listening.
    """
    assert OPA
    listening = folder / "opa.sock"
    command = [
        OPA,
        "run",
        "--server",
        "--skip-version-check",
        "--addr",
        f"unix://{listening}",
        "--log-level",
        "error",
    ]
    process = subprocess.Popen([*command, *options])
    try:
        _await(listening, process)
        yield listening
    finally:
        process.terminate()
        process.wait(10)


def _await(listening: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as client:
            if not client.connect_ex(str(listening)):
                return
        time.sleep(0.01)
    raise AssertionError(f"OPA does not listen (exit {process.poll()})")
