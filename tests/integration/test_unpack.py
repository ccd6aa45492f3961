"""Layers, unpacked as a node does it, and hostile ones, which leave nothing outside their folder."""

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from elfgate.trial.sandbox import Sandbox, SandboxError
from support.compiled import startable
from support.oci import compressed
from support.tarball import (
    Content,
    Item,
    capability,
    directory,
    fifo,
    hardlink,
    link,
    opaque,
    program,
    tarball,
    text,
    whiteout,
)

Layer = Content | list[tuple[str, Item | str | bytes]]


class Unpacker:
    """Unpacks layers into a folder of its sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._count = 0

    def __call__(self, *layers: Layer | bytes, most: int = 1 << 20, entries: int = 100) -> Path:
        self._count += 1
        place = self._sandbox.scratch / str(self._count)
        (place / "root").mkdir(parents=True)
        files = []
        for number, layer in enumerate(layers):
            files.append(place / f"{number}.layer")
            files[-1].write_bytes(layer if isinstance(layer, bytes) else tarball(layer))
        self._sandbox.unpack(files, place / "root", most=most, entries=entries)
        return place / "root"


@pytest.fixture(scope="module")
def unpack() -> Iterator[Unpacker]:
    startable()
    with Sandbox("amd64") as sandbox:
        yield Unpacker(sandbox)


def names(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def test_layers_lie_upon_each_other(unpack: Unpacker) -> None:
    root = unpack(
        {"a/": directory(0o750), "a/x": "one", "b": "lower", "c/d": "deep"},
        {"a/x": text("two", 0o4755), "a/y": "new", "b": link("a/y")},
    )
    assert names(root) == {"a", "a/x", "a/y", "b", "c", "c/d"}
    assert (root / "a" / "x").read_text() == "two"
    assert (root / "a" / "x").stat().st_mode & 0o7777 == 0o4755
    assert (root / "a").stat().st_mode & 0o7777 == 0o750
    assert (root / "b").readlink() == Path("a/y")


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_layer_may_be_packed(unpack: Unpacker, compression: str) -> None:
    root = unpack(compressed(tarball({"x": "y" * 5000}), compression))
    assert (root / "x").read_text() == "y" * 5000


def test_whiteouts_hide_what_lower_layers_have(unpack: Unpacker) -> None:
    root = unpack(
        {"a/x": "1", "a/y/z": "2", "b/c": "3", "b/d/e": "4"},
        {
            whiteout("a/x"): "",
            whiteout("a/y"): "",
            "b/new": "5",
            "b/d/": directory(),
            "b/d/new": "6",
            opaque("b"): "",
        },
    )
    assert names(root) == {"a", "b", "b/new", "b/d", "b/d/new"}


def test_hard_links_are_one_file_with_the_links_mode(unpack: Unpacker) -> None:
    root = unpack({"a": text("x", 0o644)}, {"b/c": hardlink("a", 0o711)})
    assert (root / "a").samefile(root / "b" / "c")
    assert (root / "a").stat().st_mode & 0o7777 == 0o711


def test_a_lower_layers_link_leads_an_upper_layers_files(unpack: Unpacker) -> None:
    root = unpack({"usr/bin/": directory(), "bin": link("/usr/bin")}, {"bin/tool": program("x")})
    assert (root / "usr" / "bin" / "tool").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root maps several users")
def test_owners_and_capabilities_are_kept(unpack: Unpacker) -> None:
    held = Item("file", b"x", 0o755, 1000, 50, capability=capability(10))
    root = unpack({"x": held, "far": program("y", uid=10_000_000)})
    lower = (root / "far").stat().st_uid
    assert ((root / "x").stat().st_uid - lower, (root / "x").stat().st_gid - lower) == (1000, 50)
    assert os.getxattr(root / "x", "security.capability")


def test_devices_become_fifos_that_nobody_waits_for(unpack: Unpacker) -> None:
    root = unpack({"null": Item("device"), "queue": fifo()})
    assert (root / "null").is_fifo()
    assert (root / "queue").is_fifo()


@pytest.mark.parametrize(
    ("hostile", "path"),
    [
        ({"../out": "x"}, "out"),
        ({"a/../../out": "x"}, "out"),
        ({"in": "x", "out": hardlink("../../in")}, "out"),
        ({"/etc/../../../out": "x"}, "out"),
    ],
)
def test_names_that_climb_stay_within_the_root(unpack: Unpacker, hostile: Layer, path: str) -> None:
    assert (unpack(hostile) / path).read_text() == "x"


@pytest.mark.parametrize("target", ["", "/", "../../../../../../..", "/proc/1/root"])
def test_links_lead_nowhere_outside(unpack: Unpacker, tmp_path: Path, target: str) -> None:
    tmp_path.chmod(0o777)
    place = f"{target}{tmp_path}"
    victim = tmp_path / "victim"
    victim.write_text("whole")
    victim.chmod(0o666)
    unpack(
        [("way", link(place)), ("way/new", "x"), ("way/victim", "spoilt"), ("in", link("way"))],
        [(whiteout("in/victim"), ""), (opaque("in"), ""), ("in/other", "x")],
    )
    assert victim.read_text() == "whole"
    assert [path.name for path in tmp_path.iterdir()] == ["victim"]


def test_a_hard_link_reaches_no_file_of_the_host(unpack: Unpacker) -> None:
    with pytest.raises(SandboxError, match="No such file"):
        unpack({"passwd": hardlink("/etc/passwd")})


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (b"no tar at all" * 100, "checksum|octal"),
        (tarball({"x": "y" * 5000})[:2000], "cut short"),
        (compressed(tarball({"x": "y" * 90_000}), "gzip")[:-20], "cannot be unpacked"),
        (tarball({"x": Item("unreadable")}), "not known"),
        (tarball({"x": "a", "x/y": "b"}), "cannot be unpacked"),
        (tarball({"a": link("b"), "b": link("a"), "a/c": "x"}), "cannot be unpacked"),
        (tarball({"x" * 300: "y"}), "too long"),
    ],
)
def test_what_no_node_could_unpack_is_told_in_one_line(
    unpack: Unpacker, layer: bytes, words: str
) -> None:
    with pytest.raises(SandboxError, match=words) as caught:
        unpack(layer)
    assert "\n" not in str(caught.value)


def test_more_names_or_bytes_than_allowed_are_refused(unpack: Unpacker) -> None:
    with pytest.raises(SandboxError, match="more names"):
        unpack({f"{number}": "" for number in range(60)}, {"x": ""}, entries=60)
    with pytest.raises(SandboxError, match="more bytes"):
        unpack({"x": "y" * 60_000}, {"z": "y" * 60_000}, most=100_000)
    with pytest.raises(SandboxError, match="more bytes"):
        unpack(compressed(tarball({"x": bytes(8 << 20)}), "gzip"))


def test_a_sparse_file_is_unpacked_with_its_holes(unpack: Unpacker) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("holes")
        info.pax_headers = {"GNU.sparse.size": str(3 << 20), "GNU.sparse.map": "5,2,2097152,1"}
        info.size = 3
        archive.addfile(info, io.BytesIO(b"abc"))
    content = (unpack(buffer.getvalue()) / "holes").read_bytes()
    assert (len(content), content.replace(b"\0", b"")) == (3 << 20, b"abc")
    assert (content[5:7], content[2 << 20]) == (b"ab", ord("c"))


def test_the_sandbox_goes_on_after_a_hostile_layer(unpack: Unpacker) -> None:
    with pytest.raises(SandboxError):
        unpack(b"no tar")
    assert names(unpack({"x": "y"})) == {"x"}
