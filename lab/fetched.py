"""The fetchers' common ground: the cache's place, their one error, and how a tool is run."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path


class LabError(Exception):
    """Something could not be fetched or built: one line of what, and why."""


def cache(*parts: str) -> Path:
    """A directory of the lab's cache, made if missing.

    It is below ``$XDG_CACHE_HOME`` or ``~/.cache``, then ``elfgate/lab``.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(home, "elfgate", "lab", *parts)
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def put(made: Path, destination: Path) -> None:
    """Move what was made to its place in the cache; what another thread put there meanwhile stays.

    Raises:
        OSError: if it cannot be moved.
    """
    try:
        made.rename(destination)
    except OSError:
        if not destination.is_dir():
            raise


def missing(*tools: str) -> str:
    """One line naming those of ``tools`` that this machine does not have.

    Empty if it has them all.
    """
    absent = [tool for tool in tools if shutil.which(tool) is None]
    return f"this machine has no {', '.join(absent)}" if absent else ""


def run(
    *command: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 900,
) -> str:
    """Run a tool to its end.

    Args:
        command: The program and its arguments.
        cwd: Where it runs.
        env: Variables on top of the lab's own environment.
        timeout: Seconds.

    Returns:
        What it wrote to its standard output.

    Raises:
        LabError: if it is missing, fails or takes too long; with the last line of what it wrote to
            standard error.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"{name}: {error}") from error
    if done.returncode:
        raise LabError(f"{name}: {_why(done.stderr) or f'exit code {done.returncode}'}")
    return done.stdout


def _why(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "ERROR", "npm error", "error"))]
    return (errors or lines or [""])[0 if errors else -1]
