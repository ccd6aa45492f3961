"""The images' root file systems: from Debian packages where apt can fetch them, else small ones made here."""

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo import built
from demo.alpine import alpine_like
from demo.layout import File, files_below
from elfgate.platforms import ARCHITECTURES
from lab import debian
from lab.fetched import LabError

SUITE = "bookworm"
ALPINE = ("musl", "busybox-static")
DEBIAN = ("base-files", "dash", "libc6", "libgcc-s1")
NOT_NEEDED = ("usr/share/doc", "usr/share/man", "usr/share/lintian", "usr/share/locale", "usr/share/common-licenses")
CHOICE = "ELFGATE_DEMO_ROOTS"


@dataclass(frozen=True, slots=True)
class Roots:
    """Where the images' files come from.

    Attributes:
        source: A line for people: what they were made of, and why not of something better.
        key: What they depend on: the same key, the same files.
        alpine: Makes an Alpine-like root, for an architecture.
        debian: Makes a Debian root, for an architecture and the program that is to run there.
    """

    source: str
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
        source=f"small ones made here, with loaders and libraries that are real ELF files but empty ({why})",
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
    named = {archive.stem.rpartition("_")[0].replace("%3a", ":") for archive in archives.values()}
    return Roots(
        source=f"Debian packages, by a private apt: {', '.join(sorted(name.replace('_', ' ', 1) for name in named))}",
        key=" ".join(sorted(archive.name for archive in archives.values())),
        alpine=lambda name: _alpine(name, [archives[name, package] for package in ALPINE]),
        debian=lambda name, _program: _debian([archives[name, package] for package in DEBIAN]),
    )


def _fetched(packages: Sequence[str], architecture: str) -> dict[str, Path]:
    paths = debian.fetch(packages, suite=SUITE, architecture=architecture)
    return {path.name.partition("_")[0]: path for path in paths}


def _alpine(architecture: str, archives: Sequence[Path]) -> list[File]:
    """BusyBox and musl where Alpine has them. It says of itself what it is."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for archive in archives:
            debian.unpack(archive, root)
        name = ARCHITECTURES[architecture].musl_name
        libc = (root / "lib" / f"{name}-linux-musl" / "libc.so").read_bytes()
        return alpine_like(architecture, libc=libc, busybox=(root / "bin" / "busybox").read_bytes())


def _debian(archives: Sequence[Path]) -> list[File]:
    """The packages' files below a merged /usr, without what only people read."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        for name in ("bin", "lib", "lib64", "sbin"):
            (root / "usr" / name).mkdir(parents=True)
            (root / name).symlink_to(f"usr/{name}")
        for archive in archives:
            debian.unpack(archive, root)
        return files_below(root, without=NOT_NEEDED)
