"""The case that elfgate began with, in small: one server in three images, static on two platforms and not on two.

It is linked statically for amd64 and arm64, and dynamically against glibc for ppc64le and s390x, so that its scratch
and Alpine images cannot start there while its Debian image can.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elfgate.platforms import ARCHITECTURES

from .elf_file import elf_file, glibc_libc, glibc_loader, multiarch_directories, musl_loader
from .oci import Blob, image, index, write_layout
from .tarball import link, program, tarball

STATIC = ("amd64", "arm64")
DYNAMIC = ("ppc64le", "s390x")
REPOSITORY = "example/server"
ENTRYPOINT = b'#!/bin/sh\nset -e\nexec "$@"\n'
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def server(architecture: str) -> bytes:
    """The server's program for one architecture."""
    if architecture in STATIC:
        return elf_file(architecture, type=2)
    loader = ARCHITECTURES[architecture].glibc_loaders[0]
    return elf_file(
        architecture,
        interp=loader,
        needed=["libc.so.6"],
        version_needs={"libc.so.6": ["GLIBC_2.34"]},
    )


def images() -> Mapping[str, Blob]:
    """The three images by tag, each an index of four platforms."""
    architectures = STATIC + DYNAMIC
    return {
        "2": index([_scratch(architecture) for architecture in architectures]),
        "2-alpine": index([_alpine(architecture) for architecture in architectures]),
        "2-debian": index([_debian(architecture) for architecture in architectures]),
    }


def unlike_others(tag: str, number: int) -> Blob:
    """The image of ``2-alpine`` or ``2-debian`` for ppc64le, with a layer that no other number has."""
    build = {"2-alpine": _alpine, "2-debian": _debian}[tag]
    return build("ppc64le", number)


def write(folder: Path) -> dict[str, str]:
    """Write the three as an OCI layout, and tell where each reference is to be had: reference → ``oci:…``."""
    write_layout(folder, images())
    return {f"{REPOSITORY}:{tag}": f"oci:{folder}:{tag}" for tag in ("2", "2-alpine", "2-debian")}


def _scratch(architecture: str) -> Blob:
    layer = tarball({"server": program(server(architecture))})
    return image([layer], platform=f"linux/{architecture}", entrypoint=["/server"])


def _alpine(architecture: str, number: int = 0) -> Blob:
    musl_name = ARCHITECTURES[architecture].musl_name
    base = tarball(
        {
            "bin/busybox": program(elf_file(architecture, type=2)),
            "bin/sh": link("busybox"),
            f"lib/ld-musl-{musl_name}.so.1": program(musl_loader(architecture)),
            "etc/os-release": "ID=alpine\nVERSION_ID=3.20.3\n",
        }
    )
    own = tarball(_own(architecture, number) | {"entrypoint.sh": program(ENTRYPOINT)})
    return image(
        [base, own],
        platform=f"linux/{architecture}",
        entrypoint=["/entrypoint.sh"],
        cmd=["server"],
        env=[PATH],
    )


def _debian(architecture: str, number: int = 0) -> Blob:
    loader = ARCHITECTURES[architecture].glibc_loaders[0].lstrip("/")
    libraries = multiarch_directories(architecture)[1].lstrip("/")
    base = tarball(
        {
            loader: program(glibc_loader(architecture)),
            f"{libraries}/libc.so.6": program(glibc_libc(architecture)),
            "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
        }
    )
    own = tarball(_own(architecture, number))
    return image([base, own], platform=f"linux/{architecture}", entrypoint=["server"], env=[PATH])


def _own(architecture: str, number: int) -> dict[str, Any]:
    told = {"etc/number": str(number)} if number else {}
    return {"usr/local/bin/server": program(server(architecture))} | told
