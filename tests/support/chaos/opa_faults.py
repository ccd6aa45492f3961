"""An OPA beside each replica, and what happens to it."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from elfgate.policy import bundle
from support import opa
from support.chaos.faults import Fault
from support.chaos.site import Site
from support.control_plane import until

_running: dict[Path, "subprocess.Popen[bytes]"] = {}


@contextmanager
def servers(folder: Path) -> Iterator[None]:
    """Run one for each of two replicas, all on the shipped bundle."""
    opa.write(bundle.load(), folder / "bundle")
    try:
        for name in ("a", "b"):
            _start(folder / f"{name}.sock", "--bundle", folder / "bundle")
        yield
    finally:
        for process in _running.values():
            process.kill()
            process.wait()
        _running.clear()


def settings(site: Site) -> dict[str, Any]:
    """What all replicas are told; each asks the OPA beside it."""
    for name in ("a", "b"):
        site.of_each[name] = {
            "policies": {"engine": "opa", "opa_socket": str(site.folder / f"{name}.sock")}
        }
    return {}


def _start(at: Path, *options: str | Path) -> None:
    at.unlink(missing_ok=True)
    command = [
        opa.OPA,
        "run",
        "--server",
        "--skip-version-check",
        "--addr",
        f"unix://{at}",
        "--log-level",
        "error",
    ]
    _running[at] = subprocess.Popen([*map(str, command), *map(str, options)])
    until(lambda: _listens(at), "OPA does not listen")


def _listens(at: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(at)) == 0


def _end(at: Path) -> None:
    process = _running.pop(at)
    process.kill()
    process.wait()


@contextmanager
def killed(site: Site) -> Iterator[None]:
    """One of two."""
    at = site.folder / "a.sock"
    _end(at)
    yield
    _start(at, "--bundle", site.folder / "bundle")


@contextmanager
def hung(site: Site) -> Iterator[None]:
    """One of two takes connections, and says nothing."""
    process = _running[site.folder / "a.sock"]
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@contextmanager
def without_policies(site: Site) -> Iterator[None]:
    """One of two has lost its bundle, and answers 200 with an empty object."""
    at = site.folder / "a.sock"
    _end(at)
    _start(at)
    yield
    _end(at)
    _start(at, "--bundle", site.folder / "bundle")


FAULTS = (
    Fault("OPA of one of two killed", killed),
    Fault("OPA of one of two hangs", hung),
    Fault("OPA of one of two answers {}", without_policies),
)
