"""Programs by the first bytes of their files.

These tell whose they are, and how an emulator is registered for them.

Sources: Linux ``Documentation/admin-guide/binfmt-misc.rst``; the gABI (``e_ident``, ``e_type``,
``e_machine``).
"""

import platform
import struct
from pathlib import Path

from elfgate.platforms import ARCHITECTURES

_EXECUTABLE = 2  # ET_EXEC
_EITHER = 0xFFFE  # of e_type: ET_EXEC and ET_DYN
_ORDERS = {"little": "<", "big": ">"}


def native(architecture: str) -> bool:
    """Tell whether this machine's own kernel is taken to run an architecture's programs."""
    row = ARCHITECTURES.get(architecture)
    here = platform.machine()
    return (row is not None and row.uname == here) or (here, architecture) == ("x86_64", "386")


def registration(architecture: str, qemu: Path) -> str:
    """The line to register an emulator with ``binfmt_misc``.

    Flags: O passes an open file, P keeps ``argv[0]``, F opens qemu now, so that no root has to
    contain it.
    """
    magic, mask = (_escaped(part) for part in _head(architecture))
    return f":elfgate-{architecture}:M::{magic}:{mask}:{qemu}:OPF"


def of_host() -> list[tuple[str, str]]:
    """The first bytes of the programs that this machine's own kernel runs, and their masks.

    Both in hexadecimal, for ``taken.has_head``.
    """
    heads = (_head(name) for name in ARCHITECTURES if native(name))
    return [(magic.hex(), mask.hex()) for magic, mask in heads]


def _head(architecture: str) -> tuple[bytes, bytes]:
    """The first bytes of an architecture's programs, and the mask of those that count."""
    machine = ARCHITECTURES[architecture].machine
    order = _ORDERS[machine.byte_order]
    kind = struct.pack("BB", machine.elf_class // 32, 1 + (order == ">"))
    magic = b"\x7fELF" + kind + bytes(10)
    mask = b"\xff" * len(b"\x7fELF12") + bytes(10)
    return (
        magic + struct.pack(f"{order}HH", _EXECUTABLE, machine.number),
        mask + struct.pack(f"{order}HH", _EITHER, 0xFFFF),
    )


def _escaped(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)
