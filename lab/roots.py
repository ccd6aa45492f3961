"""The root file systems of container images, made of Debian's packages.

What most images are built on, in small.

What cannot be had from Debian is imitated and says so: ``alpine-like`` is Debian's musl and busybox
laid out as Alpine lays them out. Where a suite's index for an architecture is not served, its C
library comes from the same suite's cross packages (``libc6-ppc64el-cross``), which hold the very
files of the native ones in another directory.
"""

import functools
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from elfgate.trial.start import Start
from lab import debian
from lab.fetched import LabError, cache, put
from lab.sandbox import Sandbox

_REVISION = "1"  # of what this module lays out; changes the cache's keys
_DIRECTORIES = (
    "dev",
    "etc",
    "proc",
    "root",
    "run",
    "sys",
    "tmp",
    "usr/local/bin",
    "usr/local/lib",
    "var",
)
_MUSL_NAMES = {
    "amd64": "x86_64",
    "386": "i386",
    "arm64": "aarch64",
    "arm/v7": "armhf",
    "ppc64le": "powerpc64le",
    "s390x": "s390x",
}
_LOADERS = {
    "amd64": "lib64/ld-linux-x86-64.so.2",
    "386": "lib/ld-linux.so.2",
    "arm64": "lib/ld-linux-aarch64.so.1",
    "arm/v7": "lib/ld-linux-armhf.so.3",
    "ppc64le": "lib64/ld64.so.2",
    "s390x": "lib/ld64.so.1",
    "riscv64": "lib/ld-linux-riscv64-lp64d.so.1",
    "mips64le": "lib64/ld.so.1",
    "ppc64": "lib64/ld64.so.1",
}
_CROSS_DIRECTORY = {"386": "i686-linux-gnu"}  # where it is not the multi-arch name
_APPLETS = """
    [ ash basename cat chmod chown cp cut date dirname echo env expr false find grep head id kill \
ln ls mkdir mktemp mv
    nice nohup od printenv printf ps pwd readlink rm rmdir sed seq setsid sh sleep sort stat stty \
tail tar tee test
    timeout touch tr true uname uniq wc which xargs yes
"""
_CROSSED = ("libc6", "libgcc-s1", "libstdc++6", "libatomic1")  # what has cross packages
_C = ("libc6",)
_CC = (*_C, "libgcc-s1", "libstdc++6")
_FULL = (*_CC, "base-files", "bash", "coreutils", "dash", "libc-bin", "libatomic1", "zlib1g")


@dataclass(frozen=True, slots=True)
class Root:
    """One kind of root file system.

    Attributes:
        suite: The Debian suite that its files come from.
        packages: Of that suite.
        native: The architectures for which the suite's own packages are laid out.
        crossed: Further ones, whose C library comes from cross packages.
        shape: ``debian``, ``alpine``, ``distroless`` or ``scratch``.
        linked: glibc's loader path is a symlink to musl's loader, as folklore has it.
        rare: Further ones as ``crossed``, which few programs are published for; no part of a cached
            root's name.
    """

    suite: str
    packages: tuple[str, ...]
    native: tuple[str, ...]
    crossed: tuple[str, ...] = ()
    shape: str = "debian"
    linked: bool = False
    rare: tuple[str, ...] = field(default=(), repr=False)

    @property
    def architectures(self) -> tuple[str, ...]:
        """All that it is made for."""
        return (*self.native, *self.crossed, *self.rare)


_BOOKWORM = ("amd64", "386", "arm64", "arm/v7", "ppc64le", "s390x")
_TRIXIE = ("amd64", "arm64")
_TRIXIE_CROSS = ("386", "arm/v7", "ppc64le", "s390x", "riscv64")
_CROSS_ONLY = ("mips64le", "ppc64")
_MUSL = ("musl", "busybox-static")

ROOTS: dict[str, Root] = {
    "scratch": Root(
        "bookworm", (), (*_BOOKWORM, "riscv64"), (), "scratch", rare=(*_CROSS_ONLY, "loong64")
    ),
    "alpine": Root("bookworm", _MUSL, _BOOKWORM, (), "alpine"),
    "alpine-linked": Root("bookworm", _MUSL, _BOOKWORM, (), "alpine", linked=True),
    "alpine-1.2.5": Root("trixie", _MUSL, _TRIXIE, (), "alpine"),
    "distroless": Root(
        "bookworm", (*_C, "base-files"), _BOOKWORM, ("riscv64",), "distroless", rare=_CROSS_ONLY
    ),
    "distroless-cc": Root(
        "bookworm", (*_CC, "base-files"), _BOOKWORM, ("riscv64",), "distroless", rare=_CROSS_ONLY
    ),
    "distroless-cc-11": Root(
        "bullseye", (*_CC, "base-files"), ("amd64", "386", "arm64", "arm/v7"), (), "distroless"
    ),
    "distroless-13": Root("trixie", (*_C, "base-files"), _TRIXIE, _TRIXIE_CROSS, "distroless"),
    "distroless-cc-13": Root("trixie", (*_CC, "base-files"), _TRIXIE, _TRIXIE_CROSS, "distroless"),
    "debian11": Root("bullseye", _FULL, ("amd64", "386", "arm64", "arm/v7")),
    "debian12": Root("bookworm", _FULL, _BOOKWORM, ("riscv64",), rare=_CROSS_ONLY),
    "debian13": Root("trixie", _FULL, _TRIXIE, _TRIXIE_CROSS),
}
"""Every kind of root file system, by name."""


@functools.cache
def build(variant: str, architecture: str) -> Path:
    """Make a root file system, unless the cache has it from the same packages.

    Args:
        variant: A name of ``ROOTS``.
        architecture: An OCI name of ``lab.debian.ARCHITECTURES``.

    Returns:
        Its directory: shared, so not to be written to.

    Raises:
        LabError: if its packages are not served.
    """
    root = ROOTS[variant]
    if architecture not in root.architectures:
        raise LabError(f"there is no {variant} for {architecture}")
    archives = _archives(root, architecture)
    shape = _SHAPES[root.shape] if architecture in root.native or not root.packages else _crossed
    key = hashlib.sha256(
        repr((_REVISION, root, [path.name for path in archives])).encode()
    ).hexdigest()[:12]
    destination = cache("roots") / f"{variant}-{architecture.replace('/', '')}-{key}"
    if not destination.is_dir():
        with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".root-") as temporary:
            partial = Path(temporary, "root")
            shape(root, architecture, archives, partial)
            for name in _DIRECTORIES:
                (partial / name).mkdir(parents=True, exist_ok=True)
            put(partial, destination)
    return destination


def ldconfig(layers: Sequence[Path], architecture: str, kept: Path) -> None:
    """Run a root's own ``ldconfig``.

    Args:
        layers: What makes up the root, the uppermost first.
        architecture: Its OCI architecture.
        kept: A directory whose ``upper`` receives what it writes.

    Raises:
        LabError: if it fails.
    """
    with Sandbox(architecture) as sandbox:
        outcome = sandbox.start(
            Start(layers=tuple(map(str, layers)), argv=("/sbin/ldconfig",), kept=str(kept))
        )
    if outcome.status != 0:
        raise LabError(
            f"ldconfig for {architecture}: {outcome.failed or outcome.stderr.strip() or outcome}"
        )


def _archives(root: Root, architecture: str) -> list[Path]:
    if not root.packages:
        return []
    if architecture in root.native:
        full = root.shape == "debian"
        return debian.fetch(
            root.packages, suite=root.suite, architecture=architecture, dependencies=full
        )
    names = [
        f"{name}-{debian.ARCHITECTURES[architecture]}-cross"
        for name in _CROSSED
        if name in root.packages
    ]
    return debian.fetch([*names, "base-files"], suite=root.suite, architecture="amd64")


def _scratch(_root: Root, _architecture: str, _archives: list[Path], destination: Path) -> None:
    destination.mkdir()


def _debian(_root: Root, architecture: str, archives: list[Path], destination: Path) -> None:
    """A root like Debian's own images.

    A merged ``/usr``, and the cache that ``ldconfig`` writes when libc-bin is configured.
    """
    debian.lay_out(archives, destination)
    ldconfig((destination,), architecture, destination.parent)
    written = destination.parent / "upper" / "etc" / "ld.so.cache"
    shutil.copy2(written, destination / "etc" / "ld.so.cache")


def _distroless(_root: Root, _architecture: str, archives: list[Path], destination: Path) -> None:
    """No shell, no ld.so.cache."""
    debian.lay_out(archives, destination)


def _crossed(_root: Root, architecture: str, archives: list[Path], destination: Path) -> None:
    """The C library of cross packages, moved to where the native ones have it.

    And Debian's os-release.
    """
    multiarch = debian.MULTIARCH[architecture]
    unpacked = destination.with_suffix(".unpacked")
    debian.lay_out(archives, unpacked)
    libraries = destination / "usr" / "lib" / multiarch
    debian.lay_out([], destination)
    crossed = unpacked / "usr" / _CROSS_DIRECTORY.get(architecture, multiarch)
    shutil.copytree(crossed / "lib", libraries, symlinks=True)
    loader = destination / _LOADERS[architecture]
    if not (libraries / loader.name).exists():
        shutil.copy2(crossed / "lib64" / loader.name, libraries)  # MIPS's n64 has it there alone
    loader.symlink_to(f"/lib/{multiarch}/{loader.name}")
    shutil.copytree(unpacked / "etc", destination / "etc", symlinks=True)
    shutil.copytree(
        unpacked / "usr" / "lib", destination / "usr" / "lib", symlinks=True, dirs_exist_ok=True
    )


def _alpine(root: Root, architecture: str, archives: list[Path], destination: Path) -> None:
    """Alpine's layout: an unmerged ``/usr``, busybox for everything, musl under both its names."""
    unpacked = destination.with_suffix(".unpacked")
    debian.lay_out(archives, unpacked)
    for name in ("bin", "etc", "lib"):
        (destination / name).mkdir(parents=True)
    shutil.copy2(unpacked / "bin" / "busybox", destination / "bin" / "busybox")
    for applet in _APPLETS.split():
        (destination / "bin" / applet).symlink_to("/bin/busybox")
    name = _MUSL_NAMES[architecture]
    shutil.copy2(
        unpacked / "lib" / f"ld-musl-{name}.so.1", destination / "lib" / f"ld-musl-{name}.so.1"
    )
    (destination / "lib" / f"libc.musl-{name}.so.1").symlink_to(f"ld-musl-{name}.so.1")
    version = next(
        archive.name.split("_")[1] for archive in archives if archive.name.startswith("musl_")
    )
    (destination / "etc" / "os-release").write_text(
        f"ID=alpine-like\nVERSION_ID={version}\n"
        'PRETTY_NAME="Laid out as Alpine, with the musl and busybox of Debian"\n'
    )
    if root.linked:
        loader = destination / _LOADERS[architecture]
        loader.parent.mkdir(exist_ok=True)
        loader.symlink_to(f"/lib/ld-musl-{name}.so.1")


_SHAPES: dict[str, Callable[[Root, str, list[Path], Path], None]] = {
    "alpine": _alpine,
    "debian": _debian,
    "distroless": _distroless,
    "scratch": _scratch,
}
