"""The images' root file systems: from Debian packages where apt can fetch them, else small ones made here."""

import io
import os
import subprocess
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from demo import built
from demo.alpine import alpine_like
from elfgate.platforms import ARCHITECTURES
from lab import debian
from lab.fetched import LabError
from lab.layout import File

SUITE = "bookworm"
ALPINE = ("musl", "busybox-static")
DEBIAN = ("libc6", "libgcc-s1", "dash", "base-files")
MERGED = ("bin", "lib", "lib64", "sbin")
NOT_NEEDED = tuple(
    f"usr/share/{name}/" for name in ("common-licenses", "doc", "info", "lintian", "locale", "man")
)
CHOICE = "ELFGATE_DEMO_ROOTS"


@dataclass(frozen=True, slots=True)
class Roots:
    """The sources of the images' files.

    Attributes:
        source: Lines for people: what each is made of, and where that is from.
        key: What they depend on: the same key, the same files.
        alpine: Makes an Alpine-like root, for an architecture.
        debian: Makes a Debian root, for an architecture and the program that is to run there.
    """

    source: Sequence[str]
    key: str
    alpine: Callable[[str], Sequence[File]]
    debian: Callable[[str, bytes], Sequence[File]]


def choose(architectures: Sequence[str]) -> Roots:
    """Take Debian's packages if this machine can fetch them; ``ELFGATE_DEMO_ROOTS=apt`` or ``built`` forces one.

    Raises:
        LabError: if packages are forced and cannot be had.
    """
    forced = os.environ.get(CHOICE, "")
    if forced not in {"", "apt", "built"}:
        raise LabError(f"{CHOICE}={forced}: give apt or built")
    if forced == "built":
        return _built(f"{CHOICE}=built")
    try:
        return _packaged(architectures)
    except LabError as error:
        if forced:
            raise
        return _built(str(error))


def _built(why: str) -> Roots:
    return Roots(
        source=(
            "scratch  the program and nothing else",
            "alpine   laid out as Alpine is: musl and BusyBox as small ELF files written here; starts by a script",
            "debian   laid out as Debian is: glibc and what the program needs of it, written likewise",
            f"(no distribution's packages here: {why})",
        ),
        key=f"built {built.FORM}",
        alpine=built.alpine,
        debian=built.debian,
    )


def _packaged(architectures: Sequence[str]) -> Roots:
    if lacking := debian.unavailable():
        raise LabError(lacking)
    archives = {
        (name, package): archive
        for name in architectures
        for package, archive in _fetched((*ALPINE, *DEBIAN), name).items()
    }
    versions = {package: _version(archive) for (_, package), archive in archives.items()}
    return Roots(
        source=(
            "scratch  the program and nothing else",
            f"alpine   laid out as Alpine is: {_listed(ALPINE, versions)}; starts by a script",
            f"debian   {_listed(DEBIAN, versions)}",
            f"(packages of Debian {SUITE}, fetched by an apt of its own; nothing on this machine is changed)",
        ),
        key=" ".join(sorted(archive.name for archive in archives.values())),
        alpine=lambda name: _alpine(name, [archives[name, package] for package in ALPINE]),
        debian=lambda name, _program: _debian([archives[name, package] for package in DEBIAN]),
    )


def _version(archive: Path) -> str:
    """The upstream version of a package's file: ``busybox-static_1%3a1.35.0-4_amd64.deb`` is 1.35.0."""
    return archive.name.split("_")[1].rpartition("%3a")[2].partition("-")[0]


def _listed(packages: Sequence[str], versions: Mapping[str, str]) -> str:
    return ", ".join(f"{package} {versions[package]}" for package in packages)


def _fetched(packages: Sequence[str], architecture: str) -> dict[str, Path]:
    paths = debian.fetch(packages, suite=SUITE, architecture=architecture)
    return {path.name.partition("_")[0]: path for path in paths}


def _alpine(architecture: str, archives: Sequence[Path]) -> list[File]:
    """BusyBox and musl where Alpine has them. It says of itself what it is."""
    content = {file.path: file.content for archive in archives for file in _files(archive)}
    libc = content[f"lib/{ARCHITECTURES[architecture].musl_name}-linux-musl/libc.so"]
    return alpine_like(architecture, libc=libc, busybox=content["bin/busybox"])


def _debian(archives: Sequence[Path]) -> list[File]:
    """The packages' files below a merged /usr, without what only people read."""
    files = (
        replace(file, path=_merged(file.path)) for archive in archives for file in _files(archive)
    )
    links = [File(name, link=f"usr/{name}") for name in MERGED]
    return [*links, *(file for file in files if not file.path.startswith(NOT_NEEDED))]


def _merged(path: str) -> str:
    return f"usr/{path}" if path.partition("/")[0] in MERGED else path


def _files(archive: Path) -> list[File]:
    """The files and symlinks of a package, as ``dpkg-deb`` unpacks it."""
    done = subprocess.run(["dpkg-deb", "--fsys-tarfile", archive], capture_output=True, check=False)
    if done.returncode:
        raise LabError(f"{archive.name}: {done.stderr.decode(errors='replace').strip()}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as unpacked:
        return [_file(unpacked, member) for member in unpacked if not member.isdir()]


def _file(unpacked: tarfile.TarFile, member: tarfile.TarInfo) -> File:
    path = member.name.removeprefix("./")
    if member.issym():
        return File(path, link=member.linkname)
    content = unpacked.extractfile(member)
    return File(path, content.read() if content else b"", member.mode)
