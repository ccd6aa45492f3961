"""Headers that this machine's kernel takes or refuses, against what facts say of them."""

import errno
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from elfgate.elf.excerpt import excerpt
from elfgate.elf.read import read
from support.elf_file import EXIT_0, elf_file

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="needs an x86-64 Linux kernel"
)


def patched(data: bytes, offset: int, replacement: bytes) -> bytes:
    return data[:offset] + replacement + data[offset + len(replacement) :]


FIXED, PIE = elf_file(type=2, text=EXIT_0), elf_file(pie=True, text=EXIT_0)
HEADERS = {
    "a program at a fixed address": FIXED,
    "a static-pie program": PIE,
    "linked for small pages": elf_file(type=2, text=EXIT_0, load_align=0x1000),
    "marked 32-bit": patched(FIXED, 4, b"\x01"),
    "marked big-endian": patched(FIXED, 5, b"\x02"),
    "marked with neither class nor byte order": patched(FIXED, 4, b"\x07\x07"),
    "of an unknown OS ABI": patched(FIXED, 7, b"\xee"),
    "of an unknown e_version": patched(FIXED, 20, b"\x05\x05\x05\x05"),
    "of another e_ehsize": patched(FIXED, 52, b"\x01\x00"),
    "of an unknown EI_VERSION": patched(FIXED, 6, b"\x77"),
    "with garbage section headers": patched(FIXED, 40, b"\xff" * 8),
    "relocatable": elf_file(type=1, text=EXIT_0),
    "a core": elf_file(type=4, text=EXIT_0),
    "of no type": elf_file(type=0, text=EXIT_0),
    "with larger program headers": elf_file(type=2, text=EXIT_0, phentsize=64),
    "with smaller program headers": elf_file(type=2, text=EXIT_0, phentsize=32),
    "without program headers": elf_file(type=2, text=EXIT_0, phnum=0),
    "with as many program headers as a page holds": elf_file(
        type=2, text=EXIT_0, phnum=73, trailing=bytes(8192)
    ),
    "ending within its program headers": FIXED[:100],
    "ending within its header": FIXED[:40],
    "with a PT_INTERP of one byte": elf_file(interp=b"\0", text=EXIT_0),
    "with a PT_INTERP without its NUL": elf_file(interp=b"/lib/ld.so", text=EXIT_0),
    "with a PT_INTERP longer than a path": elf_file(interp=b"/" * 4096 + b"\0", text=EXIT_0),
}


@pytest.mark.parametrize("name", HEADERS)
def test_what_the_kernel_refuses_is_malformed_and_what_it_runs_is_not(
    name: str, tmp_path: Path
) -> None:
    data = HEADERS[name]
    file = tmp_path / "program"
    file.write_bytes(data)
    file.chmod(0o755)
    found = read(excerpt(data))
    assert bool(found.malformed or found.interp_malformed) == refused(file)


def refused(file: Path) -> bool:
    try:
        subprocess.run([file], check=True)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        return True
    return False
