"""Executables out of npm packages.

More real programs, in the builds that their projects publish.
"""

from pathlib import Path

from lab.fetched import LabError, cache, missing, run


def unavailable() -> str:
    """Why npm packages cannot be fetched on this machine, in one line; empty if they can."""
    return missing("npm", "tar")


def package(name: str, version: str) -> Path:
    """Download one package, whatever machine it is for, unless the cache has it.

    Args:
        name: Such as ``@esbuild/linux-ppc64``.
        version: Which release.

    Returns:
        The directory that its files are unpacked in.

    Raises:
        LabError: if the registry has no such package.
    """
    home = cache("npm", f"{name.replace('/', '-').lstrip('@')}-{version}")
    unpacked = home / "unpacked"
    if unpacked.is_dir():
        return unpacked
    run(
        "npm",
        "pack",
        "--silent",
        "--ignore-scripts",
        "--pack-destination",
        home,
        f"{name}@{version}",
        cwd=home,
    )
    archive = next(home.glob("*.tgz"))
    partial = home / "partial"
    partial.mkdir(exist_ok=True)
    run("tar", "--extract", "--file", archive, "--no-same-owner", "--directory", partial)
    archive.unlink()
    next(partial.iterdir()).rename(
        unpacked
    )  # the one folder of every npm package, mostly called "package"
    partial.rmdir()
    return unpacked


def executable(name: str, version: str, path: str) -> Path:
    """One program of a package, with its x bit set, as npm sets it for a ``bin`` entry.

    Raises:
        LabError: if the registry has no such package, or the package no such file.
    """
    program = package(name, version) / path
    if not program.is_file():
        raise LabError(f"npm package {name} {version} has no file {path}")
    program.chmod(program.stat().st_mode | 0o111)
    return program
