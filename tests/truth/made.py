"""The made cases: rows of ``cases/*.yaml``, turned into layers of real, compiled files for every architecture.

A row names its files and how they come about; nothing in it says what should happen, as that is found out.
"""

import base64
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab import debian, golang, packer, roots, sandbox, toolchain
from lab.debian import MULTIARCH
from lab.fetched import cache
from lab.toolchain import Binary
from truth.cell import Cell
from truth.elf_edit import edit
from truth.ld_cache import cache_file

_REVISION = "2"  # of how a layer is made from a row
_ALL = ("amd64", "386", "arm64", "arm/v7", "ppc64le", "s390x", "riscv64")
_LOADERS = {
    "amd64": "/lib64/ld-linux-x86-64.so.2",
    "386": "/lib/ld-linux.so.2",
    "arm64": "/lib/ld-linux-aarch64.so.1",
    "arm/v7": "/lib/ld-linux-armhf.so.3",
    "ppc64le": "/lib64/ld64.so.2",
    "s390x": "/lib/ld64.so.1",
    "riscv64": "/lib/ld-linux-riscv64-lp64d.so.1",
    "mips64le": "/lib64/ld.so.1",
    "ppc64": "/lib64/ld64.so.1",
}
_MUSL = {
    "amd64": "x86_64",
    "386": "i386",
    "arm64": "aarch64",
    "arm/v7": "armhf",
    "ppc64le": "powerpc64le",
}
_MUSL |= {"s390x": "s390x", "riscv64": "riscv64", "mips64le": "mips64el", "ppc64": "powerpc64"}
_OTHER = {  # another architecture of the same class and byte order where there is one
    "amd64": "arm64",
    "386": "arm/v7",
    "arm64": "amd64",
    "arm/v7": "386",
    "ppc64le": "arm64",
    "s390x": "ppc64le",
    "riscv64": "arm64",
    "mips64le": "arm64",
    "ppc64": "s390x",
}
_FOREIGN = dict.fromkeys(_LOADERS, "ppc64le") | {
    "ppc64le": "s390x"
}  # one that this machine runs in no sandbox but its own
_NARROW = {
    "amd64": "386",
    "arm64": "arm/v7",
    "ppc64le": "arm/v7",
    "riscv64": "arm/v7",
    "s390x": "arm/v7",
}
_NARROW |= {"386": "amd64", "arm/v7": "arm64", "mips64le": "arm/v7", "ppc64": "arm/v7"}
_FLOOR = {"amd64": "x86-64-v2", "ppc64le": "power9", "s390x": "z13"}


@dataclass(frozen=True, slots=True)
class Row:
    """One case for one architecture, its placeholders filled in."""

    chapter: str
    fields: Mapping[str, Any]
    architecture: str

    @property
    def files(self) -> dict[str, Any]:
        """What to lay out, by path."""
        return dict(self.fields.get("files", {}))

    @property
    def needs_users(self) -> bool:
        """Whether it is about others than root, which only root can be."""
        return "user" in self.fields or any(
            {"owner", "group"} & set(file) for file in self.files.values()
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A case, named CHAPTER/CASE, with a root and an architecture to lay it out for."""

    case: str
    variant: str
    architecture: str


def rows() -> Iterator[Row]:
    """Every case of every chapter for every architecture that it is meant for."""
    for chapter, fields in _fields():
        for architecture in map(str, fields.get("architectures", _ALL)):
            if _variants(fields, architecture):
                yield row_of(chapter, fields, architecture)


def _fields() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every case as it is written, with its chapter."""
    for path in sorted((Path(__file__).parent / "cases").glob("*.yaml")):
        for fields in yaml.safe_load(path.read_text()):
            yield path.stem, fields


def row_of(chapter: str, fields: dict[str, Any], architecture: str) -> Row:
    """Fill in a case's placeholders."""
    return Row(chapter, _filled(fields, _placeholders(architecture)), architecture)


def cells(chosen: Callable[[str], bool] = lambda _name: True) -> list[Cell]:
    """The cells of made cases, their layers compiled and laid out (cached).

    Args:
        chosen: Tells by a case's CHAPTER/CASE whether it is wanted.

    Raises:
        LabError: if a file does not compile.
    """
    wanted = [row for row in rows() if chosen(f"{row.chapter}/{row.fields['case']}")]
    return cells_of(row for row in wanted if sandbox.has_users() or not row.needs_users)


def cells_of(rows: Iterable[Row]) -> list[Cell]:
    """The cells of some rows.

    Raises:
        LabError: if a file does not compile.
    """
    wanted = list(rows)
    compiled = toolchain.build({binary for row in wanted for binary in _binaries(row)})
    return [cell for row in wanted for cell in _cells(row, compiled)]


def only_booted() -> list[Cell]:
    """The cells of cases for architectures of which nothing but a real kernel tells (``booted`` in the row).

    Raises:
        LabError: if a file does not compile.
    """
    written = [
        (chapter, fields, architecture)
        for chapter, fields in _fields()
        for architecture in fields.get("booted", ())
    ]
    wanted = [
        row
        for row in (row_of(*each) for each in written)
        if sandbox.has_users() or not row.needs_users
    ]
    compiled = toolchain.build({binary for row in wanted for binary in _binaries(row)})
    return [cell for row in wanted for cell in _cells(row, compiled)]


def elsewhere(places: Iterable[Place]) -> dict[Place, Cell]:
    """Cases in roots and for architectures of one's own choosing, which the cases themselves need not name.

    Raises:
        KeyError: if there is no such case.
        LabError: if a file does not compile.
    """
    fields = {f"{chapter}/{fields['case']}": fields for chapter, fields in _fields()}
    wanted = {
        place: row_of(place.case.split("/")[0], fields[place.case], place.architecture)
        for place in places
    }
    compiled = toolchain.build({binary for row in wanted.values() for binary in _binaries(row)})
    return {place: _cell(row, place.variant, compiled) for place, row in wanted.items()}


def _cells(row: Row, compiled: Mapping[Binary, Path]) -> Iterator[Cell]:
    for variant in _variants(row.fields, row.architecture):
        yield _cell(row, variant, compiled)


def _cell(row: Row, variant: str, compiled: Mapping[Binary, Path]) -> Cell:
    fields = row.fields
    return Cell(
        group=row.chapter,
        name=fields["case"],
        variant=variant,
        architecture=row.architecture,
        layers=(_layer(row, variant, compiled),),
        argv=tuple(fields.get("argv", ["/app/x"])),
        env=fields.get("env", {}),
        cwd=fields.get("cwd", "/"),
        program=fields.get("program", ""),
        user=str(fields.get("user", "")),
        groups=tuple(fields.get("groups", ())),
        cpu=fields.get("cpu", ""),
        release=fields.get("release", ""),
    )


def _variants(fields: Mapping[str, Any], architecture: str) -> list[str]:
    """The roots of a case that exist for an architecture."""
    wanted = fields.get("roots", ["distroless"])
    return [name for name in wanted if architecture in roots.ROOTS[name].architectures]


def _layer(row: Row, variant: str, compiled: Mapping[Binary, Path]) -> Path:
    """The directory with a row's files, made unless the cache has it."""
    root = roots.build(variant, row.architecture)
    binaries = sorted(binary.key for binary in _binaries(row))
    ingredients = [
        _REVISION,
        row.files,
        row.fields.get("ldconfig"),
        row.architecture,
        root.name,
        binaries,
    ]
    key = hashlib.sha256(json.dumps(ingredients, sort_keys=True).encode()).hexdigest()[:20]
    destination = cache("cases") / key
    if not destination.is_dir():
        with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".case-") as temporary:
            upper = Path(temporary, "upper")
            upper.mkdir()
            making = _Making(row, root, compiled)
            for path, file in row.files.items():
                making.write(upper, path, file)
            if row.fields.get("ldconfig"):
                (Path(temporary, "made")).mkdir()
                roots.ldconfig((upper, root), row.architecture, Path(temporary, "made"))
                shutil.copytree(
                    Path(temporary, "made", "upper"), upper, symlinks=True, dirs_exist_ok=True
                )
            upper.rename(destination)
    return destination


@dataclass(frozen=True, slots=True)
class _Making:
    """How the files of a row come about: with what was compiled, and from the root that they are laid upon."""

    row: Row
    root: Path
    compiled: Mapping[Binary, Path]

    def write(self, upper: Path, path: str, file: Any) -> None:
        target = upper / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if "link" in file:
            target.symlink_to(file["link"])
            return
        if "directory" in file:
            target.mkdir(exist_ok=True)
        elif "fifo" in file:
            os.mkfifo(target)
        else:
            target.write_bytes(self._content(path, file))
        if "owner" in file or "group" in file:
            os.chown(target, file.get("owner", 0), file.get("group", 0))
        target.chmod(int(str(file.get("mode", "755")), 8))

    def _content(self, path: str, file: Any) -> bytes:
        architecture = self.row.architecture
        if "elf" in file:
            return edit(
                self.compiled[_binary(file, self.row, path)].read_bytes(), file.get("edits", [])
            )
        if "go" in file:
            return golang.program(architecture, file["go"]).read_bytes()
        if "copy" in file:
            own = _inside(self.root, file["copy"]).read_bytes()
            return edit(
                packer.packed(own, file["packed"]) if "packed" in file else own,
                file.get("edits", []),
            )
        if "package" in file:
            return _packaged(file["package"], file["path"], architecture)
        if "cache" in file:
            return cache_file(architecture, **file["cache"])
        return base64.b64decode(file["base64"]) if "base64" in file else str(file["text"]).encode()


def _inside(root: Path, path: str) -> Path:
    """Where a path of a root leads, its symlinks kept inside."""
    found = root
    for part in path.strip("/").split("/"):
        found = found / part
        while found.is_symlink():
            target = str(found.readlink())
            found = _inside(root, target) if target.startswith("/") else found.parent / target
    return found


def _packaged(package: str, path: str, architecture: str) -> bytes:
    """One file of a Debian package."""
    served = (
        "amd64" if package.endswith("-cross") else architecture
    )  # cross packages are for all, if served for theirs
    (archive,) = debian.fetch([package], suite="bookworm", architecture=served)
    with tempfile.TemporaryDirectory() as temporary:
        debian.lay_out([archive], Path(temporary, "root"))
        return Path(temporary, "root", path.lstrip("/")).read_bytes()


def _binaries(row: Row) -> Iterator[Binary]:
    for path, file in row.files.items():
        if "elf" in file:
            yield _binary(file, row, path)


def _binary(file: Any, row: Row, path: str) -> Binary:
    kind = file["elf"]
    libc = file.get("libc", "glibc")
    architecture = file.get("for", row.architecture)
    if kind.startswith("static") and "libc" not in file:
        libc = "glibc" if architecture == "riscv64" else "musl"
    soname = file.get("soname", path.rsplit("/", 1)[-1] if kind == "library" else "")
    return Binary(
        architecture=architecture,
        defines=tuple(file.get("defines", ())),
        library=kind == "library",
        libc="none" if kind == "library" and "libc" not in file else libc,
        link=kind if kind.startswith("static") else "dynamic",
        needs=tuple(
            (name, tuple(symbols or ())) for name, symbols in file.get("needs", {}).items()
        ),
        undefined=tuple(file.get("undefined", ())),
        soname=soname or "",
        rpath=file.get("rpath"),
        runpath=file.get("runpath"),
        data=bool(file.get("data")),
        called=bool(file.get("called", True)),
        flags=tuple(file.get("flags", ())),
        source=file.get("source", ""),
    )


def _placeholders(architecture: str) -> dict[str, str]:
    return {
        "{multiarch}": MULTIARCH[architecture],
        "{loader}": _LOADERS[architecture],
        "{debian}": debian.ARCHITECTURES[architecture],
        "{loader_name}": _LOADERS[architecture].rsplit("/", 1)[1],
        "{musl}": _MUSL[architecture],
        "{other}": _OTHER[architecture],
        "{foreign}": _FOREIGN[architecture],
        "{narrow}": _NARROW[architecture],
        "{hwcap}": _FLOOR.get(architecture, "none"),
    }


def _filled(value: Any, placeholders: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in placeholders.items():
            value = value.replace(name, text)
        return value
    if isinstance(value, dict):
        return {
            _filled(key, placeholders): _filled(item, placeholders) for key, item in value.items()
        }
    return [_filled(item, placeholders) for item in value] if isinstance(value, list) else value
