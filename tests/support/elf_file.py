"""Writes real, tiny ELF files of any class and byte order, without a compiler.

What it writes is laid out as a linker would: two PT_LOADs (headers, tables and code; then .dynamic and the GOT),
program headers for the rest, and no section headers, as nothing that starts a program reads them. The files start:
``elf_file(type=2, text=EXIT_0)`` is a program that an amd64 kernel runs.
"""

from collections.abc import Sequence
from typing import Any

from elfgate.platforms import ARCHITECTURES

from .elf_writer import Plan, Writer

EXIT_0 = bytes.fromhex("b83c00000031ff0f05")
"""x86-64 code: ``exit(0)``."""


def elf_file(architecture: str = "amd64", **options: Any) -> bytes:
    """Write an ELF file; the options are ``Plan``'s."""
    return Writer(Plan(architecture=architecture, **options)).write()


def multiarch_directories(architecture: str) -> tuple[str, ...]:
    """Debian's default directories of glibc's loader."""
    triplet = f"{ARCHITECTURES[architecture].musl_name}-linux-gnu"
    triplet = {"armhf-linux-gnu": "arm-linux-gnueabihf"}.get(triplet, triplet)
    return (f"/lib/{triplet}", f"/usr/lib/{triplet}", "/lib", "/usr/lib")


def glibc_loader(
    architecture: str = "amd64",
    *,
    version: str = "2.36",
    directories: Sequence[str] | None = None,
    fatal: str = "",
    **options: Any,
) -> bytes:
    """A glibc loader: the strings that tell its version, its default directories and (``fatal``) its CPU's floor.

    ``fatal`` is such as ``CPU lacks ISA 3.00 support (POWER9 or later required)``.
    """
    where = multiarch_directories(architecture) if directories is None else directories
    told = [f"ld.so (GNU libc) stable release version {version}.\n".encode()]
    told.append(b"\0".join(f"{directory}/".encode() for directory in where))
    told += [f"Fatal glibc error: {fatal}\n".encode()] if fatal else []
    settings: dict[str, Any] = {
        "soname": _loader_name(architecture),
        "version_definitions": ("GLIBC_2.17", "GLIBC_2.35", "GLIBC_PRIVATE"),
        "defined": ("__tls_get_addr", "_dl_mcount", "_rtld_global", "__stack_chk_guard"),
        "strings": told,
        "pie": True,
    }
    return elf_file(architecture, **settings | options)


_OF_LIBC = (
    "__libc_early_init",
    "__libc_start_main",
    "exit",
    "free",
    "gnu_get_libc_version",
    "malloc",
    "puts",
    "write",
)


def glibc_libc(architecture: str = "amd64", *, version: str = "2.36", **options: Any) -> bytes:
    """A ``libc.so.6``: the versions up to its own, and some symbols."""
    minor = int(version.split(".")[1])
    versions = [
        "GLIBC_2.2.5",
        *(f"GLIBC_2.{number}" for number in range(3, minor + 1)),
        "GLIBC_PRIVATE",
    ]
    settings: dict[str, Any] = {
        "soname": "libc.so.6",
        "needed": (_loader_name(architecture),),
        "version_definitions": versions + (["GLIBC_ABI_DT_RELR"] if minor >= 36 else []),
        "defined": _OF_LIBC,
    }
    return elf_file(architecture, **settings | options)


def musl_loader(architecture: str = "amd64", *, version: str = "1.2.5", **options: Any) -> bytes:
    """A musl loader, which is also its libc."""
    name = ARCHITECTURES[architecture].musl_name
    told = (f"musl libc ({name})\nVersion %s\nDynamic Program Loader\n".encode(), version.encode())
    settings: dict[str, Any] = {
        "soname": f"libc.musl-{name}.so.1",
        "defined": ("__libc_start_main", "exit", "free", "malloc", "printf", "puts", "write"),
        "strings": told,
        "pie": True,
    }
    return elf_file(architecture, **settings | options)


def _loader_name(architecture: str) -> str:
    return ARCHITECTURES[architecture].glibc_loaders[0].rpartition("/")[2]
