"""A folder as an image."""

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.directory import Directory
from elfgate.images.layout import Folder, Layout
from elfgate.images.manifest import read_config
from elfgate.images.pull import platforms, pull
from elfgate.images.source import Limits
from elfgate.platforms import Platform
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.tree import Found, Tree
from support.elf_file import elf_file
from support.oci import write_layout

S390X = Platform("linux", "s390x")


def read(path: Path, limits: Limits | None = None) -> Layer:
    source = Directory(str(path), limits or Limits())
    found = pull(source.resolve(""), S390X, source.document, Limits())
    assert found is not None
    (layer,) = found.manifest.layers
    return source.layer(layer)


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def test_a_folder_is_an_image_for_any_platform(tmp_path: Path) -> None:
    source = Directory(str(tmp_path), Limits())
    top = source.resolve("")
    assert top.digest == f"dir:{tmp_path}"
    found = pull(top, S390X, source.document, Limits())
    assert found is not None
    assert (
        read_config(
            source.document(found.manifest.config), found.manifest.config
        ).defaults.entrypoint
        == ()
    )
    assert platforms(top, source.document, Limits()) == ()


def test_a_relative_path_is_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Directory(".", Limits()).resolve("").digest == f"dir:{tmp_path}"


def test_files_are_read_with_mode_owner_and_what_they_are(tmp_path: Path) -> None:
    write(tmp_path / "bin/app", elf_file("s390x"), 0o755)
    write(tmp_path / "bin/script", b"#!/bin/sh\n" + b"true\n" * 200, 0o4750)
    write(tmp_path / "etc/os-release", b"ID=alpine\n")
    write(tmp_path / "data", b"x" * 1000)
    write(tmp_path / "empty", b"", 0o755)
    layer = read(tmp_path)
    tree = Tree([layer])
    app = tree.lookup("/bin/app")
    assert isinstance(app, Found)
    facts = tree.facts(app)
    assert facts is not None
    assert (facts.machine, facts.byte_order) == (22, "big")
    script = layer.entries("/bin")["script"]
    assert (script.kind, script.mode, script.uid, script.size) == (
        Kind.FILE,
        0o4750,
        os.getuid(),
        1010,
    )
    assert script.head + script.tail == b"#!/bin/sh\n" + b"true\n" * 200
    assert dict(tree.os_release())["ID"] == "alpine"
    assert layer.entries("/")["data"].size == 1000
    assert layer.entries("/")["empty"].kind is Kind.FILE


def test_symlinks_are_kept_as_written_and_never_followed(tmp_path: Path) -> None:
    (tmp_path / "root/lib").mkdir(parents=True)
    write(tmp_path / "outside", b"#!secret", 0o755)
    (tmp_path / "root/out").symlink_to("../outside")
    (tmp_path / "root/odd").symlink_to("./a//b/../c/")
    (tmp_path / "root/loop").symlink_to("loop")
    (tmp_path / "root/lib64").symlink_to("lib")
    entries = read(tmp_path / "root").entries("/")
    assert {name: entry.link for name, entry in entries.items() if entry.kind is Kind.SYMLINK} == {
        "out": "../outside", "odd": "./a//b/../c/", "loop": "loop", "lib64": "lib",
    }  # fmt: skip


def test_sockets_and_fifos_are_there_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))
        assert {entry.kind for entry in read(tmp_path).entries("/").values()} == {Kind.OTHER}


def test_names_that_are_no_text_are_read(tmp_path: Path) -> None:
    write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")), b"#!x", 0o755)
    assert set(read(tmp_path).entries("/")) == {"caf\udce9"}


def test_a_folder_whose_own_name_is_no_text_is_read(tmp_path: Path) -> None:
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    write(root / "app", b"#!x", 0o755)
    assert set(read(root).entries("/")) == {"app"}


@pytest.fixture
def closed_root() -> Iterator[Path]:
    """A folder of which parts may not be read, even where the tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        write(root / "secret", b"#!x", 0)
        write(root / "closed/file", b"")
        write(root / "listed/file", b"#!x")
        (root / "closed").chmod(0)
        (root / "listed").chmod(0o744)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        yield root
        os.seteuid(user)
        for folder in ("closed", "listed"):
            (root / folder).chmod(0o755)


def test_what_may_not_be_read_is_unreadable(closed_root: Path) -> None:
    layer = read(closed_root)
    assert layer.entries("/")["secret"].kind is Kind.UNREADABLE
    assert layer.entries("/")["closed"].kind is Kind.UNREADABLE
    if os.getuid() == 0:  # else the folder is our own, and may be searched
        assert layer.entries("/listed")["file"].kind is Kind.UNREADABLE


def test_what_is_mounted_for_a_chroot_is_not_walked(tmp_path: Path) -> None:
    for name in ("proc/1/exe", "sys/kernel/notes", "dev/sda", "srv/proc/file"):
        write(tmp_path / name, b"#!x", 0o755)
    layer = read(tmp_path)
    assert all(layer.entries("/")[name].kind is Kind.DIRECTORY for name in ("proc", "sys", "dev"))
    assert not any(layer.entries(f"/{name}") for name in ("proc", "sys", "dev"))
    assert set(layer.entries("/srv/proc")) == {"file"}


def test_a_file_whose_reading_fails_is_unreadable() -> None:
    """A process's memory has nothing at its beginning."""
    assert read(Path("/proc/self/task")).entries(f"/{os.getpid()}")["mem"].kind is Kind.UNREADABLE


def test_too_many_names_exceed_the_limit(tmp_path: Path) -> None:
    for number in range(30):
        write(tmp_path / str(number), b"")
    with pytest.raises(UnreadableError) as raised:
        read(tmp_path, Limits(layer_entries=20))
    assert raised.value.reason is UnknownReason.LIMIT_EXCEEDED


def test_a_folder_that_is_none_is_not_found(tmp_path: Path) -> None:
    write(tmp_path / "file", b"")
    for path, name in ((tmp_path / "missing", ""), (tmp_path / "file", ""), (tmp_path, "1.0")):
        with pytest.raises(UnreadableError) as raised:
            Directory(str(path), Limits()).resolve(name)
        assert raised.value.reason is UnknownReason.IMAGE_NOT_FOUND


def test_no_other_source_takes_a_folder_for_a_digest(tmp_path: Path) -> None:

    write_layout(tmp_path / "layout", {})
    descriptor = Directory(str(tmp_path), Limits()).resolve("")
    layout = Layout(Folder(str(tmp_path / "layout")), Limits())
    for read_part in (layout.document, layout.layer):
        with pytest.raises(UnreadableError, match="is not a sha256"):
            read_part(descriptor)
