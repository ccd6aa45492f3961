"""A place where programs of one architecture start for real, without root.

Namespaces, and qemu where it is foreign.

One sandbox stands for one node: it runs its own architecture's programs and no others, so that a
program of another architecture gets the kernel's own ENOEXEC. The host is not changed: mounts and
``binfmt_misc`` handlers live in a user namespace (Linux 6.7 and later) and end with it.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from lab import debian
from lab.alone import alone
from lab.fetched import LabError, cache, missing

_QEMU_SUITE = "trixie"
_QEMU = {
    "arm64": "aarch64",
    "arm/v7": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
_QEMU |= {
    "mips64le": "mips64el",
    "ppc64": "ppc64",
    "loong64": "loongarch64",
    "amd64": "x86_64",
    "386": "i386",
}
_MAGIC = {  # e_machine, EI_CLASS, EI_DATA (gABI): what binfmt_misc compares a file's first 20 bytes with
    "arm64": (183, 2, 1),
    "arm/v7": (40, 1, 1),
    "ppc64le": (21, 2, 1),
    "s390x": (22, 2, 2),
    "riscv64": (243, 2, 1),
    "mips64le": (8, 2, 1),
    "ppc64": (21, 2, 2),
    "loong64": (258, 2, 1),
}
_NAMESPACES = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_CPUS = {  # qemu's models, by the level that each is of
    "x86-64-v1": "Opteron_G1",
    "x86-64-v2": "Nehalem",
    "x86-64-v3": "Haswell",
    "armv5": "arm926",
    "armv6": "arm1136",
    "armv7": "cortex-a7",
    "power8": "power8",
    "power9": "power9",
    "power10": "power10",
}
_CHECKOUT = Path(__file__).resolve().parents[1]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Start:
    """One start.

    Attributes:
        layers: Directories that make up the root, the uppermost first.
        argv: The command line.
        env: The whole environment; PATH is where a command without a slash is looked for.
        cwd: The working directory.
        program: The program that ``argv[0]`` starts in its turn, if it does.
        volumes: Directories that are mounted into it: where they are, and where it has them.
        user: Who it is started as, ``UID`` or ``UID:GID``; empty for root.
        groups: Supplementary groups, besides those that the root's /etc/group gives to the user.
        cpu: The level of the CPU (``x86-64-v2``, ``power9``) to emulate; empty for whatever there
            is.
        release: What uname(2) is to say, such as ``3.2.0``; empty for the truth. Emulated
            architectures only.
        timeout: Seconds after which a program counts as running.
        output: How many characters of each of its outputs are kept.
        kept: A directory whose ``upper`` receives what is written (beside a ``work``); empty if it
            is to be lost.
    """

    layers: tuple[str, ...]
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=lambda: {"PATH": PATH})
    cwd: str = "/"
    program: str = ""
    user: str = ""
    groups: tuple[int, ...] = ()
    cpu: str = ""
    release: str = ""
    timeout: float = 20.0
    output: int = 1500
    kept: str = ""
    volumes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a start.

    Attributes:
        errno: execve's own error, such as ``ENOENT``; empty if the kernel took the program.
        culprit: Which file a refusal is about: ``command``, ``script_interpreter`` or ``loader``;
            of ``argv[0]`` if execve refused that, else of ``Start.program``, if there is one.
        status: The exit status; None if a signal ended it.
        signal: The signal that ended it, such as ``SIGSEGV``; empty if none did.
        timed_out: It was still running when its time was up.
        stdout: What it wrote (the beginning).
        stderr: What it, or its loader, wrote (the beginning).
        seconds: How long it took.
        failed: Why it could not be tried; empty if it was.
    """

    errno: str = ""
    culprit: str = ""
    status: int | None = None
    signal: str = ""
    timed_out: bool = False
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    failed: str = ""


def native(architecture: str) -> bool:
    """Tell whether this machine's own kernel is taken to run ``architecture``."""
    return platform.machine() == "x86_64" and architecture in {"amd64", "386"}


def has_users() -> bool:
    """Tell whether programs can be started here as somebody else than root.

    Only root may map several users.
    """
    return os.geteuid() == 0


def unavailable() -> str:
    """Why programs cannot be started here, in one line; empty if they can."""
    if lacking := missing("unshare") or debian.unavailable():
        return lacking
    try:
        with Sandbox("ppc64le"):
            return ""
    except LabError as error:
        return f"no user namespace with a binfmt_misc of its own (Linux 6.7, unprivileged or as root): {error}"


class Sandbox:
    """Runs programs of one architecture, one after the other.

    A context manager; not thread-safe.
    """

    def __init__(self, architecture: str) -> None:
        """Prepare the sandbox of an OCI architecture (a name of ``lab.debian.ARCHITECTURES``)."""
        self._architecture = architecture
        self._scratch = tempfile.TemporaryDirectory(prefix="elfgate-lab-")
        self._worker: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start the worker.

        Raises:
            LabError: if the kernel does not allow the namespaces or the registration.
        """
        registration = [] if native(self._architecture) else [_registration(self._architecture)]
        worker = (sys.executable, "-m", "lab.start", self._scratch.name, *registration)
        command = [*_as_root_of_all(), *_NAMESPACES, *worker]
        self._worker = subprocess.Popen(
            command,
            cwd=_CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._answer()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the worker and whatever it still runs."""
        if self._worker is not None:
            self._worker.communicate()
        self._scratch.cleanup()

    def start(self, start: Start) -> Outcome:
        """Start a program and wait for its end.

        Raises:
            LabError: if the worker is gone.
        """
        if self._worker is None or self._worker.stdin is None:
            raise LabError("the sandbox is not entered")
        self._worker.stdin.write(json.dumps(self._request(start)) + "\n")
        self._worker.stdin.flush()
        return Outcome(**json.loads(self._answer()))

    def _request(self, start: Start) -> dict[str, Any]:
        """A start as the worker takes it.

        Qemu's emulation is told of CPU and release by its own variables.
        """
        told = {"QEMU_CPU": _CPUS[start.cpu]} if start.cpu else {}
        told |= {"QEMU_UNAME": start.release} if start.release else {}
        emulated = bool(start.cpu) and native(self._architecture)
        emulator = str(_qemu(self._architecture)) if emulated else ""
        return asdict(start) | {"env": {**start.env, **told}, "emulator": emulator}

    def _answer(self) -> str:
        if self._worker is None or self._worker.stdout is None:
            raise LabError("the sandbox is not entered")
        line = self._worker.stdout.readline()
        if not line:
            _, stderr = self._worker.communicate()
            raise LabError((stderr.strip().splitlines() or ["the worker ended"])[-1])
        return line


def _as_root_of_all() -> list[str]:
    """The command that begins a user namespace, with as many users as this user may have."""
    if has_users():
        return [sys.executable, "-m", "lab.users", "unshare"]
    return ["unshare", "--user", "--map-root-user"]


def _registration(architecture: str) -> str:
    """The line to register with ``binfmt_misc`` (Linux, admin-guide/binfmt-misc).

    Flags: O passes an open file, P keeps ``argv[0]``, F opens qemu now, so that no root has to
    contain it.
    """
    machine, elf_class, data = _MAGIC[architecture]
    order: Literal["little", "big"] = "little" if data == 1 else "big"
    header = (
        b"\x7fELF"
        + bytes((elf_class, data))
        + bytes(10)
        + (2).to_bytes(2, order)
        + machine.to_bytes(2, order)
    )
    kind_mask = (0xFFFE).to_bytes(2, order)  # ET_EXEC and ET_DYN
    mask = b"\xff" * 6 + bytes(10) + kind_mask + b"\xff\xff"
    escaped = ["".join(f"\\x{byte:02x}" for byte in part) for part in (header, mask)]
    return f":elfgate-{architecture.replace('/', '-')}:M::{escaped[0]}:{escaped[1]}:{_qemu(architecture)}:OPF"


def _qemu(architecture: str) -> Path:
    """The static qemu for an architecture, from its Debian package.

    Called ``…-binfmt-P``, it heeds the flag P.
    """
    host = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    with alone(cache("qemu") / "packages"):
        archive = debian.fetch(["qemu-user"], suite=_QEMU_SUITE, architecture=host)[0]
        home = cache("qemu") / archive.stem.replace("%3a", "+")
        if not home.is_dir():
            debian.root(["qemu-user"], suite=_QEMU_SUITE, architecture=host, destination=home)
    if native(architecture):
        return home / "usr" / "bin" / f"qemu-{_QEMU[architecture]}"
    return home / "usr" / "libexec" / "qemu-binfmt" / f"{_QEMU[architecture]}-binfmt-P"
