"""Executables out of wheels.

Real programs in the very builds that their projects publish, for any architecture.
"""

import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from lab.fetched import LabError, cache, run

_ELF = b"\x7fELF"
_MACHINES = {
    "amd64": "x86_64",
    "386": "i686",
    "arm64": "aarch64",
    "arm/v7": "armv7l",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}


def unavailable() -> str:
    """Why wheels cannot be fetched on this machine, in one line; empty if they can."""
    try:
        run(sys.executable, "-m", "pip", "--version")
    except LabError as error:
        return str(error)
    return ""


def wheel(project: str, version: str, platform: str | Sequence[str]) -> Path:
    """Download one wheel, whatever machine this is, unless the cache has it.

    Args:
        project: The project's name.
        version: Which release.
        platform: Platform tags of wheels (``manylinux_2_17_ppc64le``), any of which will do.

    Returns:
        The directory it is unpacked in.

    Raises:
        LabError: if the index has no such wheel.
    """
    accepted = [platform] if isinstance(platform, str) else list(platform)
    home = cache("pypi", f"{project}-{version}-{accepted[0]}")
    unpacked = home / "unpacked"
    if unpacked.is_dir():
        return unpacked
    options = [option for tag in accepted for option in ("--platform", tag)]
    command = [
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
        str(home),
        *options,
    ]
    run(sys.executable, "-m", "pip", *command, f"{project}=={version}")
    archive = next(home.glob("*.whl"))
    _unpack(archive, unpacked)
    archive.unlink()
    return unpacked


def tags(architecture: str, libc: str) -> list[str]:
    """The platform tags of wheels for an architecture (PEP 600, PEP 656), the newest first.

    Args:
        architecture: An OCI name of ``lab.debian.ARCHITECTURES``.
        libc: ``glibc`` or ``musl``.
    """
    machine = _MACHINES[architecture]
    if libc == "musl":
        return [f"musllinux_1_{minor}_{machine}" for minor in (2, 1)]
    legacy = ("manylinux2014", "manylinux2010", "manylinux1")
    return [
        *(f"manylinux_2_{minor}_{machine}" for minor in range(39, 4, -1)),
        *(f"{tag}_{machine}" for tag in legacy),
    ]


def executables(directory: Path) -> dict[str, Path]:
    """The ELF programs of an unpacked wheel by file name.

    What it installs as scripts, or keeps with an x bit.
    """
    files = [
        path for path in sorted(directory.rglob("*")) if path.is_file() and not path.is_symlink()
    ]
    return {path.name: path for path in files if path.stat().st_mode & 0o111 and _is_elf(path)}


def executable(project: str, version: str, platform: str | Sequence[str], name: str = "") -> Path:
    """One program of a wheel, by default the one named like the project.

    Raises:
        LabError: if the index has no such wheel, or the wheel no such program.
    """
    found = executables(wheel(project, version, platform))
    name = name or project
    if name not in found:
        raise LabError(
            f"{project} {version} ({platform}) has no program {name}, only "
            f"{', '.join(found) or 'none'}"
        )
    return found[name]


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == _ELF


def _unpack(archive: Path, destination: Path) -> None:
    """Unpack with the mode bits that the archive states.

    A wheel's scripts become executable, as pip makes them.
    """
    partial = destination.with_suffix(".partial")
    try:
        with zipfile.ZipFile(archive) as file:
            for member in file.infolist():
                path = Path(file.extract(member, partial))
                if not member.is_dir():
                    script = ".data/scripts/" in member.filename
                    path.chmod(
                        (member.external_attr >> 16) & 0o777 or 0o644 | (0o111 if script else 0)
                    )
    except (OSError, zipfile.BadZipFile) as error:
        raise LabError(f"{archive.name}: {error}") from error
    partial.rename(destination)
