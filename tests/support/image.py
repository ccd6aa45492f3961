"""Small images of real files, and what becomes of a program in them."""

from collections.abc import Mapping, Sequence
from typing import Any

from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.predict import predict
from elfgate.linkage.report import Code, Effect, Prediction
from elfgate.platforms import ARCHITECTURES, Platform
from elfgate.rootfs.tree import Tree
from support import tarball
from support.elf_file import elf_file, glibc_libc, glibc_loader, multiarch_directories, musl_loader

Files = Mapping[str, tarball.Item | str | bytes]


def tree(*layers: Files) -> Tree:
    """The tree of these layers, bottom first."""
    return Tree([tarball.layer(files) for files in layers])


def start(
    files: Files | Sequence[Files],
    *command: str,
    on: str = "amd64",
    node: NodeFacts | None = None,
    explain: bool = False,
    **overrides: Any,
) -> Prediction:
    """Predict a command in an image of these files (or layers of files) on an architecture or a whole platform."""
    layers = (files,) if isinstance(files, Mapping) else files
    return predict(
        tree(*layers),
        ImageDefaults(entrypoint=command),
        Overrides(**overrides),
        Platform.parse(on),
        node or NodeFacts(),
        explain=explain,
    )


def failures(prediction: Prediction) -> list[Code]:
    return [finding.code for finding in prediction.findings if finding.effect is Effect.FAILS]


def words(prediction: Prediction) -> str:
    return "; ".join(finding.message for finding in prediction.findings)


def lib(on: str, name: str) -> str:
    """Where Debian puts a library, without the leading slash."""
    return f"{multiarch_directories(on)[0][1:]}/{name}"


def debian(on: str = "amd64", version: str = "2.36") -> dict[str, tarball.Item | str | bytes]:
    """glibc as Debian lays it out."""
    loader = ARCHITECTURES[on].glibc_loaders[0]
    name = loader.rpartition("/")[2]
    files: dict[str, tarball.Item | str | bytes] = {
        "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
        lib(on, name): tarball.program(glibc_loader(on, version=version)),
        lib(on, "libc.so.6"): tarball.program(glibc_libc(on, version=version)),
    }
    if loader[1:] not in files:
        files[loader[1:]] = tarball.link(f"/{lib(on, name)}")
    return files


def alpine(on: str = "amd64", version: str = "1.2.5") -> dict[str, tarball.Item | str | bytes]:
    """musl and a shell as Alpine lays them out."""
    name = ARCHITECTURES[on].musl_name
    loader = f"/lib/ld-musl-{name}.so.1"
    busybox = elf_file(on, interp=loader, needed=[f"libc.musl-{name}.so.1"], undefined=["puts"])
    return {
        "etc/os-release": "ID=alpine\nVERSION_ID=3.20.1\n",
        loader[1:]: tarball.program(musl_loader(on, version=version)),
        f"lib/libc.musl-{name}.so.1": tarball.link(f"ld-musl-{name}.so.1"),
        "bin/busybox": tarball.program(busybox),
        "bin/sh": tarball.link("/bin/busybox"),
        "usr/bin/env": tarball.link("/bin/busybox"),
    }


def glibc_program(on: str = "amd64", **options: Any) -> tarball.Item:
    """A program linked to glibc."""
    settings: dict[str, Any] = {
        "interp": ARCHITECTURES[on].glibc_loaders[0],
        "needed": ["libc.so.6"],
        "undefined": ["puts"],
        **options,
    }
    return tarball.program(elf_file(on, **settings))


def musl_program(on: str = "amd64", **options: Any) -> tarball.Item:
    """A program linked to musl, which needs musl itself behind whatever else it needs."""
    name = ARCHITECTURES[on].musl_name
    settings: dict[str, Any] = {
        "interp": f"/lib/ld-musl-{name}.so.1",
        "undefined": ["puts"],
        **options,
        "needed": [*options.get("needed", ()), f"libc.musl-{name}.so.1"],
    }
    return tarball.program(elf_file(on, **settings))


def library(name: str, on: str = "amd64", **options: Any) -> tarball.Item:
    """A shared library of that DT_SONAME."""
    return tarball.Item("file", elf_file(on, soname=name, **options))


def static_program(on: str = "amd64", **options: Any) -> tarball.Item:
    """A static program."""
    return tarball.program(elf_file(on, type=2, text=b"\x90" * 16, **options))
