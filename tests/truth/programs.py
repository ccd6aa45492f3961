"""The real programs of ``programs.yaml``, and the root file systems that each is started in."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from elftools.elf.elffile import ELFFile
from lab import npm, pypi, roots
from lab.fetched import LabError, cache

from truth.cell import Cell

_DIRECTORY = "app"
_STATIC = ("scratch", "alpine", "debian12")
_GLIBC = ("scratch", "alpine", "alpine-linked", "distroless", "distroless-cc", "debian11", "debian12", "debian13")
_MUSL = ("scratch", "alpine", "alpine-1.2.5", "distroless-cc", "debian12")


@dataclass(frozen=True, slots=True)
class Program:
    """One build of a program.

    Attributes:
        name: The program's name.
        build: Where it comes from, and for which platform.
        architecture: An OCI name of ``lab.debian.ARCHITECTURES``.
        tree: The directory that it was published in.
        path: Its path there.
        arguments: What it is started with.
    """

    name: str
    build: str
    architecture: str
    tree: Path
    path: Path
    arguments: tuple[str, ...]


def cells() -> list[Cell]:
    """Every build of every program in each root that says something about it (downloaded, cached).

    Raises:
        LabError: if a program cannot be had.
    """
    return [cell for program in programs() for cell in _cells(program)]


def programs() -> Iterator[Program]:
    """Every build of every program.

    Raises:
        LabError: if one cannot be had.
    """
    for row in yaml.safe_load((Path(__file__).parent / "programs.yaml").read_text()):
        yield from _from_npm(row) if "npm" in row else _from_pypi(row)


def _from_pypi(row: dict[str, Any]) -> Iterator[Program]:
    arguments = tuple(row.get("arguments", ["--version"]))
    for libc in ("glibc", "musl"):
        for architecture in row.get(libc, []):
            tags = pypi.tags(architecture, libc)
            tree = pypi.wheel(row["pypi"], str(row["version"]), tags)
            path = pypi.executable(row["pypi"], str(row["version"]), tags, row["program"])
            build = f"{row['pypi']}@{row['version']} {libc}"
            yield Program(row["program"], build, architecture, tree, path.relative_to(tree), arguments)


def _from_npm(row: dict[str, Any]) -> Iterator[Program]:
    version = str(row["version"])
    path = npm.executable(row["npm"], version, row["path"])
    arguments = tuple(row.get("arguments", ["--version"]))
    tree = npm.package(row["npm"], version)
    yield Program(path.name, f"{row['npm']}@{version}", row["architecture"], tree, Path(row["path"]), arguments)


def _cells(program: Program) -> Iterator[Cell]:
    layer = _layer(program)
    for variant in _variants(program):
        root = roots.ROOTS[variant]
        if program.architecture in (*root.native, *root.crossed):
            yield Cell(
                group=program.name,
                name=program.build,
                variant=variant,
                architecture=program.architecture,
                layers=(layer,),
                argv=(f"/{_DIRECTORY}/{program.path}", *program.arguments),
                env={"HOME": "/tmp"},
            )


def _variants(program: Program) -> tuple[str, ...]:
    with (program.tree / program.path).open("rb") as file:
        interpreters = [segment for segment in ELFFile(file).iter_segments() if segment["p_type"] == "PT_INTERP"]
        name = interpreters[0].get_interp_name() if interpreters else ""
    if not name:
        return _STATIC
    return _MUSL if "musl" in name else _GLIBC


def _layer(program: Program) -> Path:
    """The program's tree as a layer: hard links to what was downloaded."""
    key = hashlib.sha256(f"{program.tree}".encode()).hexdigest()[:20]
    destination = cache("programs") / key
    if not destination.is_dir():
        with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".program-") as temporary:
            partial = Path(temporary, "layer")
            shutil.copytree(program.tree, partial / _DIRECTORY, copy_function=os.link, symlinks=True)
            partial.rename(destination)
    if not (destination / _DIRECTORY / program.path).exists():
        raise LabError(f"{destination} is not complete: delete it")
    return destination
