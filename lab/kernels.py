"""Starts programs on real kernels of other architectures.

They are Debian's own kernel packages, booted in qemu-system.

Emulating a whole machine is slow to begin (10 to 30 seconds) but tells what user emulation cannot:
page sizes, and what execve really returns. The machine has no disk and no network: roots and
programs are in its initramfs.
"""

import errno
import re
import signal
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from elfgate.trial import accounts
from elfgate.trial.start import Outcome, Start
from lab import debian
from lab.cpio import Archive
from lab.fetched import LabError, cache
from lab.sandbox import Sandbox
from lab.toolchain import Binary, build

_MEMORY = (
    1  # the major number of the devices that containers have (OCI runtime spec, "Default Devices")
)
_DEVICES = {"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}
_EMULATORS = ("qemu-system-arm", "qemu-system-misc", "qemu-system-ppc")
_SUITE = "bookworm"
_SECONDS = 900.0
_NO_FILES = Path("/proc/self/fdinfo")  # a user is named by its number
_LINE = re.compile(r"@@ (\d+) (-?\d+) (-?\d+) (\d+) (\S) ((?:[0-9a-f]{2})*)")
_CULPRITS = {"c": "command", "s": "script_interpreter", "l": "loader"}


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel to boot.

    Attributes:
        architecture: An OCI name of ``lab.debian.ARCHITECTURES``.
        suite: The Debian suite it comes from.
        package: The package that depends on the present one.
        image: What its file's name in /boot begins with.
        page_size: Bytes.
        machine: The emulator and its options.
        console: Where it prints.
    """

    architecture: str
    suite: str
    package: str
    image: str
    page_size: int
    machine: tuple[str, ...]
    console: str


KERNELS = {
    "ppc64le-64k": Kernel(
        "ppc64le",
        "bookworm",
        "linux-image-powerpc64le",
        "vmlinux-",
        65536,
        ("qemu-system-ppc64", "-M", "pseries", "-cpu", "power9"),
        "hvc0",
    ),
    "arm64-16k": Kernel(
        "arm64",
        "trixie",
        "linux-image-arm64-16k",
        "vmlinuz-",
        16384,
        ("qemu-system-aarch64", "-M", "virt", "-cpu", "max"),
        "ttyAMA0",
    ),
    "s390x-4k": Kernel(
        "s390x",
        "bookworm",
        "linux-image-s390x",
        "vmlinuz-",
        4096,
        ("qemu-system-s390x", "-M", "s390-ccw-virtio"),
        "ttysclp0",
    ),
}
"""The kernels that can be booted, by name."""


def run(kernel: Kernel, starts: Sequence[Start]) -> list[Outcome]:
    """Boot a kernel and start programs on it, one after the other.

    Raises:
        LabError: if it does not boot or stops before the end; with the last line of its console.
    """
    with tempfile.TemporaryDirectory(dir=cache("kernels"), prefix=".boot-") as temporary:
        upper = Path(temporary, "upper")
        upper.mkdir()
        (upper / "kernel").write_bytes(_image(kernel).read_bytes())
        with (upper / "initrd").open("wb") as stream:
            _initramfs(stream, kernel.architecture, starts)
        command = (
            *kernel.machine,
            "-m",
            "3072",
            "-nographic",
            "-vga",
            "none",
            "-net",
            "none",
            "-no-reboot",
            "-kernel",
            "/kernel",
            "-initrd",
            "/initrd",
            "-append",
            f"console={kernel.console} rdinit=/init rootfstype=ramfs quiet panic=-1 oops=panic",
        )
        with Sandbox("amd64") as sandbox:
            layers = (str(_emulators()),)
            outcome = sandbox.start(
                Start(layers, command, kept=temporary, timeout=_SECONDS, output=1 << 24)
            )
    return _read(outcome, len(starts))


def _read(outcome: Outcome, count: int) -> list[Outcome]:
    if "@@ end" not in outcome.stdout:
        lines = [
            line.strip() for line in (outcome.stderr + outcome.stdout).splitlines() if line.strip()
        ]
        last = lines[-1] if lines else str(outcome)
        raise LabError(f"the kernel did not come to an end: {last}")
    told = {int(number): _outcome(*fields) for number, *fields in _LINE.findall(outcome.stdout)}
    return [
        told.get(number, Outcome(failed="the console lost its line")) for number in range(count)
    ]


def _outcome(number: str, status: str, killed: str, about: str, words: str) -> Outcome:
    return Outcome(
        errno=errno.errorcode[int(number)] if int(number) > 0 else "",
        culprit=_CULPRITS.get(about, ""),
        status=int(status) if int(status) >= 0 else None,
        signal=signal.Signals(int(killed)).name if int(killed) and killed != "9" else "",
        timed_out=killed == "9",
        stderr=bytes.fromhex(words).decode(errors="replace"),
        failed="the root could not be entered" if int(number) < 0 else "",
    )


def _initramfs(stream: BinaryIO, architecture: str, starts: Sequence[Start]) -> None:
    archive = Archive(stream)
    source = (Path(__file__).parent / "init.c").read_text()
    init = build([Binary(architecture, link="static", source=source)])
    for name in ("cells", "dev", "proc"):
        archive.directory(name)
    archive.device("dev/console", 5, 1)
    archive.device("dev/null", 1, 3)
    archive.file("init", next(iter(init.values())).read_bytes())
    for number, start in enumerate(starts):
        cell = f"cells/{number}"
        archive.directory(cell)
        archive.file(f"{cell}/argv", _strings(start.argv))
        archive.file(
            f"{cell}/env", _strings(f"{name}={value}" for name, value in start.env.items())
        )
        archive.file(f"{cell}/cwd", _strings([start.cwd]))
        archive.file(f"{cell}/program", _strings([start.program] if start.program else []))
        archive.file(f"{cell}/user", _strings(map(str, _credentials(start))))
        for layer in start.layers:
            archive.tree(Path(layer), f"{cell}/root")
        archive.directory(f"{cell}/root/dev")
        for name, minor in _DEVICES.items():
            archive.device(f"{cell}/root/dev/{name}", _MEMORY, minor)
    archive.close()


def _credentials(start: Start) -> tuple[int, ...]:
    """The user, the group and the supplementary groups of a start."""
    account = accounts.find(start.user, _NO_FILES)
    uid, gid = account.uid, account.gid
    if not (uid or gid):
        return uid, gid
    listed = next(
        (Path(layer) for layer in start.layers if Path(layer, "etc", "group").exists()), None
    )
    return uid, gid, *start.groups, *(accounts.memberships(str(uid), listed) if listed else ())


def _strings(words: Iterable[str]) -> bytes:
    return b"".join(word.encode() + b"\0" for word in words)


def _image(kernel: Kernel) -> Path:
    """The kernel's own file, out of its package."""
    names = debian.depends(kernel.package, suite=kernel.suite, architecture=kernel.architecture)
    package = next(name for name in names if name.startswith("linux-image-"))
    (archive,) = debian.fetch([package], suite=kernel.suite, architecture=kernel.architecture)
    home = cache("kernels") / archive.stem
    if not home.is_dir():
        with tempfile.TemporaryDirectory(dir=home.parent, prefix=".kernel-") as temporary:
            debian.lay_out([archive], Path(temporary, "root"))
            Path(temporary, "root", "boot").rename(home)
    return next(home.glob(f"{kernel.image}*"))


def _emulators() -> Path:
    """A root with the emulators."""
    archives = debian.fetch(_EMULATORS, suite=_SUITE, architecture="amd64", dependencies=True)
    return debian.laid_out(archives, "emulators")
