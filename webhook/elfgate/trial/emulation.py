"""Programs of other architectures, by qemu's user emulation.

Source: qemu's ``linux-user`` targets and CPU models.
"""

import shutil
from pathlib import Path

from elfgate.elf.excerpt import excerpt
from elfgate.elf.read import read
from elfgate.errors import InputError

_NAMES = {  # qemu's, where it has another
    "arm64": "aarch64",
    "amd64": "x86_64",
    "386": "i386",
    "mips64le": "mips64el",
    "loong64": "loongarch64",
}
CPUS = {  # qemu's models, by the level that each is of
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
PACKAGE = "qemu-user-static (Debian 13 and later: qemu-user)"
_DEBIAN = Path("/usr/libexec/qemu-binfmt")


def qemu_name(architecture: str) -> str:
    """The name that qemu has for an architecture (``aarch64`` for ``arm64``)."""
    return _NAMES.get(architecture, architecture)


def installed(architecture: str) -> Path:
    """The static qemu of this machine for an architecture.

    A dynamic one would look for its loader in the image.

    Raises:
        InputError: if there is none; with the package that brings it.
    """
    name = qemu_name(architecture)
    named = [_DEBIAN / f"{name}-binfmt-P"]
    found = (shutil.which(each) for each in (f"qemu-{name}-static", f"qemu-{name}"))
    named += [Path(each) for each in found if each]
    static = [path for path in named if path.is_file() and _is_static(path)]
    if not static:
        raise InputError(
            f"this machine has no static qemu-{name}", hint=f"install the package {PACKAGE}"
        )
    return static[0]


def _is_static(path: Path) -> bool:
    """Tell whether an ELF program of this machine names no loader."""
    return read(excerpt(path.read_bytes())).interp is None
