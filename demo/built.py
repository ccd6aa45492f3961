"""Root file systems for a machine that cannot fetch packages.

Real ELF files, with real headers and no code.

They say what a loader and elfgate look at: which machine, which loader, which libraries, versions
and symbols.
"""

from collections.abc import Sequence

from demo.alpine import alpine_like
from elfgate.elf.excerpt import excerpt
from elfgate.elf.facts import ElfFacts
from elfgate.elf.read import read
from elfgate.platforms import ARCHITECTURES
from lab.layout import File
from support.elf_file import elf_file, glibc_loader, multiarch_directories, musl_loader

FORM = 1  # counts up when what is made here changes
OS_RELEASE = b"""\
NAME="Debian-like"
ID=debian
PRETTY_NAME="A Debian-like root of elfgate's demo (glibc's names without its code)"
"""


def alpine(architecture: str) -> Sequence[File]:
    """An Alpine-like root."""
    busybox = elf_file(architecture, type=2, text=b"\0" * 16)
    return alpine_like(
        architecture, libc=musl_loader(architecture, version="1.2.3"), busybox=busybox
    )


def debian(architecture: str, program: bytes) -> Sequence[File]:
    """A Debian-like root that has what ``program`` needs."""
    facts = read(excerpt(program))
    loader = ARCHITECTURES[architecture].glibc_loaders[0].lstrip("/")
    libraries = multiarch_directories(architecture)[1].lstrip("/")
    return [
        *(File(name, link=f"usr/{name}") for name in ("bin", "lib", "lib64", "sbin")),
        File("etc/os-release", OS_RELEASE),
        File("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"),
        File("usr/bin/dash", elf_file(architecture, type=2, text=b"\0" * 16), 0o755),
        File("usr/bin/sh", link="dash"),
        File(f"usr/{loader}", glibc_loader(architecture, version="2.36"), 0o755),
        *(
            File(f"{libraries}/{name}", _library(architecture, name, facts), 0o755)
            for name in facts.needed
        ),
    ]


def _library(architecture: str, name: str, facts: ElfFacts) -> bytes:
    """A library with the versions that are needed of it; libc has every symbol."""
    versions = [need.version for need in facts.version_needs if need.file == name]
    symbols = [symbol.name for symbol in facts.undefined] if name == "libc.so.6" else []
    return elf_file(architecture, soname=name, version_definitions=versions, defined=symbols)
