"""Layers of eStargz and zstd:chunked: read by their tables of contents where these are believed; in doubt, whole."""

import asyncio
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from elfgate.images.partial import index_by_table
from elfgate.images.source import Descriptor, Limits
from elfgate.linkage.report import Outcome
from elfgate.platforms import Platform
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.layer import Layer
from elfgate.scan.scanner import Linkage
from elfgate.settings import Settings
from elfgate.wiring import images as wiring
from support.chunked import Content, estargz, image_of, zstd_chunked
from support.elf_file import elf_file
from support.oci import OCI_LAYER, Blob, sha256
from support.registry import Registry
from support.tarball import (
    capability,
    directory,
    fifo,
    hardlink,
    link,
    program,
    read,
    tarball,
    text,
)

FORMS = [estargz, zstd_chunked]
DATA = random.Random(1).randbytes(300_000)  # noqa: S311 - no secret
GOOD = program(elf_file(type=2) + bytes(10_000))  # in several pieces, where these are small
CONTENT: Content = {"data": DATA, "app": GOOD, "more": DATA[::-1]}
WRONG = program(elf_file("arm64", type=2))

Table = dict[str, Any]


def app(layer: bytes, annotations: dict[str, str]) -> Blob:
    return image_of(layer, annotations, entrypoint=["/app"])


async def scanned(registry: Registry, store: Path, *names: str, by_table: bool) -> list[Linkage]:
    registries = {"insecure": (registry.host,), "by_table": by_table}
    settings = Settings.model_validate({"registries": registries, "store": {"path": store}})
    reading = replace(wiring.Reading.of_settings(settings), wait=None)
    async with wiring.scanner(reading) as scanner:
        return [
            await scanner.linkage(registry.reference(name), Platform("linux", "amd64"))
            for name in names
        ]


def outcome(
    image: Blob, folder: Path, *, by_table: bool = True, ranges: bool = True
) -> tuple[Outcome, list[str]]:
    """What is said of an image, and the parts of its layer that were asked for (empty: the whole)."""
    with Registry({"example/app": {"1": image}}, ranges=ranges) as registry:
        [linkage] = asyncio.run(
            scanned(registry, folder / "facts.db", "example/app:1", by_table=by_table)
        )
        path = f"/v2/example/app/blobs/{image.children[1].digest}"
        return linkage.outcome, [
            seen.headers.get("Range", "") for seen in registry.seen if seen.path == path
        ]


def fetched(parts: list[str]) -> int:
    bounds = (part.removeprefix("bytes=").split("-") for part in parts)
    return sum(int(last) - int(first) + 1 for first, last in bounds)


@pytest.mark.parametrize("chunk", [1 << 22, 2_000])
@pytest.mark.parametrize("form", FORMS)
def test_only_what_may_matter_is_fetched(
    tmp_path: Path, form: Callable[..., Any], chunk: int
) -> None:
    layer, annotations = form({**CONTENT, "data": DATA * 4}, chunk=chunk)
    said, parts = outcome(app(layer, annotations), tmp_path)
    assert said is Outcome.STARTS
    assert all(parts)
    assert fetched(parts) < len(layer) / 2


@pytest.mark.parametrize("form", FORMS)
def test_what_was_read_so_is_kept(tmp_path: Path, form: Callable[..., Any]) -> None:
    image = app(*form(CONTENT))
    assert outcome(image, tmp_path)[1]
    assert outcome(image, tmp_path) == (Outcome.STARTS, [])


@pytest.mark.parametrize("form", FORMS)
def test_unless_it_is_asked_for_layers_are_read_whole(
    tmp_path: Path, form: Callable[..., Any]
) -> None:
    assert outcome(app(*form(CONTENT)), tmp_path, by_table=False) == (Outcome.STARTS, [""])


def test_a_registry_that_serves_no_parts_is_asked_for_the_whole(tmp_path: Path) -> None:
    said, parts = outcome(app(*estargz(CONTENT)), tmp_path, ranges=False)
    assert said is Outcome.STARTS
    assert parts[-1] == ""


def test_a_layer_is_read_whole_if_what_is_unread_comes_to_matter(tmp_path: Path) -> None:
    content: Content = {
        "app": program("#!/bin/odd\n"),
        "bin/odd": text("neither a name nor a mode tells what it is"),
    }
    said, parts = outcome(app(*estargz(content)), tmp_path)
    assert said is Outcome.CANNOT_START
    assert parts[-1] == ""
    assert all(parts[:-1])


def rename(table: Table) -> None:
    table["entries"][1]["name"] = "elsewhere"


def test_what_a_table_says_is_believed_of_the_image_that_names_it_only(tmp_path: Path) -> None:
    layer, annotations = estargz(CONTENT, lie=rename)
    liar, honest = app(layer, annotations), app(layer, {})
    with Registry({"example/app": {"liar": liar, "honest": honest}}, ranges=True) as registry:
        names = ("example/app:liar", "example/app:honest", "example/app:liar")
        found = asyncio.run(scanned(registry, tmp_path / "facts.db", *names, by_table=True))
    assert [linkage.outcome for linkage in found][:2] == [Outcome.CANNOT_START, Outcome.STARTS]


def changed(**fields: Any) -> Callable[[Table], None]:
    def lie(table: Table) -> None:
        table["entries"][1].update(fields)

    return lie


LIES: dict[str, Callable[[Table], None]] = {
    "no digest": changed(digest=""),
    "another digest": changed(digest=sha256(b"")),
    "outside the layer": changed(offset=1 << 40),
    "not anywhere": changed(offset=0),
    "in the middle of something": changed(offset=3),
    "a hole in front": changed(chunkOffset=1),
    "larger than it is": changed(size=1 << 40),
    "a negative size": changed(size=-1),
    "a size that is no number": changed(size="x"),
    "smaller than it is": changed(size=10),
    "a bomb": changed(innerOffset=1 << 50),
    "a name that climbs": changed(name="../app"),
    "no entries": lambda table: table.pop("entries"),
    "too many entries": lambda table: table["entries"].extend(
        [{"name": "d", "type": "dir"}] * 100_000
    ),
    "entries that are none": lambda table: table.update(entries=[1]),
}


@pytest.mark.parametrize("what", LIES)
@pytest.mark.parametrize("form", FORMS)
def test_with_a_table_that_cannot_be_the_layer_is_read_whole(
    tmp_path: Path, form: Callable[..., Any], what: str
) -> None:
    said, parts = outcome(app(*form(CONTENT, lie=LIES[what])), tmp_path)
    assert said is Outcome.STARTS
    assert parts[-1] == ""


@pytest.mark.parametrize(
    "annotations",
    [
        {"containerd.io/snapshot/stargz/toc.digest": sha256(b"other")},
        {"containerd.io/snapshot/stargz/toc.digest": "sha256:x"},
        {"io.github.containers.zstd-chunked.manifest-checksum": sha256(b"other")},
        {
            "io.github.containers.zstd-chunked.manifest-checksum": sha256(b"other"),
            "io.github.containers.zstd-chunked.manifest-position": "7:1:nonsense:1",
        },
        {
            "io.github.containers.zstd-chunked.manifest-checksum": sha256(b"other"),
            "io.github.containers.zstd-chunked.manifest-position": f"{1 << 60}:99:99:1",
        },
    ],
)
def test_with_annotations_that_lead_nowhere_the_layer_is_read_whole(
    tmp_path: Path, annotations: dict[str, str]
) -> None:
    said, parts = outcome(app(estargz(CONTENT)[0], annotations), tmp_path)
    assert said is Outcome.STARTS
    assert parts[-1] == ""


EVERYTHING: Content = {
    "usr/": directory(0o700, uid=3, gid=4),
    "usr/bin/app": GOOD,
    "usr/bin/again": hardlink("usr/bin/app"),
    "usr/bin/capable": replace(GOOD, capability=capability(10)),
    "bin": link("usr/bin"),
    "run.sh": program("#!/bin/sh\nexec app\n", 0o750, uid=5, gid=6),
    "lib/libx.so.1": text("not an ELF file"),
    "etc/passwd": text("root:x:0:0::/:/bin/sh\n"),
    "etc/.wh.group": text(""),
    "gone/.wh..wh..opq": text(""),
    "pipe": fifo(),
    "empty": text(""),
}


def everything(layer: Layer) -> dict[str, dict[str, Entry]]:
    directories = ["", "/", "/usr", "/usr/bin", "/lib", "/etc", "/gone"]
    return {path: dict(layer.entries(path)) for path in directories}


@pytest.mark.parametrize("form", FORMS)
def test_a_table_gives_the_same_index_as_the_tar(form: Callable[..., Any]) -> None:
    layer, annotations = form(EVERYTHING)
    descriptor = Descriptor(OCI_LAYER, sha256(layer), len(layer), annotations=annotations)
    by_table = index_by_table(descriptor, lambda start, end: layer[start:end], Limits())
    assert everything(by_table) == everything(read(tarball(EVERYTHING)))


def test_what_is_left_unread_is_there_but_unreadable() -> None:
    layer, annotations = estargz({"data": DATA, "empty": ""})
    descriptor = Descriptor(OCI_LAYER, sha256(layer), len(layer), annotations=annotations)
    found = index_by_table(descriptor, lambda start, end: layer[start:end], Limits()).entries("/")
    assert {name: (entry.kind, entry.size) for name, entry in found.items()} == {
        "data": (Kind.UNREADABLE, len(DATA)),
        "empty": (Kind.FILE, 0),
    }


def test_the_command_line_asks_for_it_by_a_flag(tmp_path: Path) -> None:
    image = app(*estargz(CONTENT))
    with Registry({"example/app": {"1": image}}, ranges=True) as registry:
        words = (
            "scan",
            "--by-table",
            "--store",
            str(tmp_path / "facts.db"),
            registry.reference("example/app:1"),
        )
        subprocess.run(
            [sys.executable, "-m", "elfgate", *words], check=True, capture_output=True, timeout=60
        )
        blobs = [seen for seen in registry.seen if seen.path.endswith(image.children[1].digest)]
    assert blobs
    assert all("Range" in seen.headers for seen in blobs)
