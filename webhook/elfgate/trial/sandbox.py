"""A place where programs of one architecture start for real, without root.

One sandbox stands for one node. The host is not changed: mounts and ``binfmt_misc`` handlers live
in a user namespace and end with it.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from elfgate.errors import ElfgateError
from elfgate.scratch import Scratch
from elfgate.trial import emulation, heads, users
from elfgate.trial.start import Outcome, Start

_SECONDS = 600  # to unpack an image


class SandboxError(ElfgateError):
    """Programs cannot be started here. Exit code 2."""


class Sandbox:
    """Runs programs of one architecture, one after the other.

    A context manager; not thread-safe. ``native`` tells whether this machine's own kernel runs
    them.

    Args:
        architecture: A name of ``elfgate.platforms.ARCHITECTURES``.
        qemu: Finds the static emulator of an architecture, where one is needed.
        apart: Its users and its network are none of the host's.

    Raises:
        ElfgateError: as ``qemu`` does.
    """

    def __init__(
        self,
        architecture: str,
        qemu: Callable[[str], Path] = emulation.installed,
        *,
        apart: bool = True,
    ) -> None:
        self.native = heads.native(architecture)
        self._architecture = architecture
        self._qemu = qemu
        self._registration = ""
        if not self.native:
            self._registration = heads.registration(architecture, qemu(architecture))
        # A node of another architecture refuses this machine's own programs. No ``binfmt_misc``
        # can, as it is handed qemu itself.
        self._refused = [] if self.native else heads.of_host()
        self._apart = apart
        self._scratch = Scratch()
        self._worker: subprocess.Popen[str] | None = None

    @property
    def scratch(self) -> Path:
        """A directory that is gone with the sandbox, for what is to be unpacked."""
        return self._scratch.path

    def __enter__(self) -> Self:
        """Start the worker.

        Raises:
            SandboxError: if the kernel does not allow the namespaces or the registration.
        """
        give(self.scratch, apart=self._apart)
        told = {
            "scratch": str(self.scratch),
            "apart": self._apart,
            "register": self._registration,
        }
        self._worker = subprocess.Popen(
            [sys.executable, "-m", "elfgate.trial.worker", json.dumps(told)],
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        answer = self._answer()
        if answer:
            self.__exit__(None, None, None)
            raise SandboxError(f"this kernel allows no namespaces: {answer['failed']}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the worker and whatever it still runs."""
        if self._worker is not None:
            with contextlib.suppress(BrokenPipeError):
                self._worker.communicate()
        self._scratch.close()

    def start(self, start: Start) -> Outcome:
        """Start a program and wait for its end.

        Raises:
            SandboxError: if the worker is gone.
        """
        return Outcome(**self._ask(self._request(start)))

    def unpack(self, layers: Sequence[Path], into: Path, *, most: int, entries: int) -> None:
        """Unpack layers into a folder.

        Args:
            layers: Their files as they are stored, bottom first.
            into: An empty folder below ``scratch``.
            most: How many bytes they may unpack to.
            entries: How many names.

        Raises:
            SandboxError: if they cannot be unpacked; with the reason in one line.
        """
        give(into, apart=self._apart)
        said = self._ask({
            "unpack": list(map(str, layers)), "into": str(into), "bytes": most, "entries": entries,
            "seconds": _SECONDS,
        })  # fmt: skip
        if said["failed"]:
            raise SandboxError(f"the image cannot be unpacked: {said['failed']}")

    def _request(self, start: Start) -> dict[str, Any]:
        """A start as the worker takes it.

        Qemu's emulation is told of CPU and release by its own variables.
        """
        told = {"QEMU_CPU": emulation.CPUS[start.cpu]} if start.cpu else {}
        told |= {"QEMU_UNAME": start.release} if start.release else {}
        emulated = bool(start.cpu) and self.native
        emulator = str(self._qemu(self._architecture)) if emulated else ""
        return asdict(start) | {
            "env": {**start.env, **told},
            "emulator": emulator,
            "refused": self._refused,
        }

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if self._worker is None or self._worker.stdin is None:
            raise SandboxError("the sandbox is not entered")
        try:
            self._worker.stdin.write(json.dumps(request) + "\n")
            self._worker.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        if self._worker is None or self._worker.stdout is None:
            raise SandboxError("the sandbox is not entered")
        line = self._worker.stdout.readline()
        if not line:
            raise self._ended()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ended(self) -> SandboxError:
        """The worker's last words."""
        words: list[str] = []
        if self._worker is not None and self._worker.stderr is not None:
            words = self._worker.stderr.read().strip().splitlines()
        return SandboxError(f"the sandbox's worker ended{f': {words[-1]}' if words else ''}")


def give(folder: Path, *, apart: bool = True) -> None:
    """Make a folder the sandbox's root's."""
    owner = users.first(apart=apart)
    if folder.stat().st_uid != owner:
        os.chown(folder, owner, owner)


def _environment() -> dict[str, str]:
    """The variables that Python needs, and none of the caller's that a program could read."""
    return {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
