"""Layers as tools write them, and what starts in them: as containerd unpacks them, or not known."""

import tarfile
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.report import Outcome
from elfgate.linkage.unpacked import predict_unpacked
from elfgate.platforms import Platform
from elfgate.rootfs.tree import Tree
from support.elf_file import elf_file
from support.raw_tar import END, extended_header, header
from support.tarball import (
    Item,
    directory,
    fifo,
    hardlink,
    link,
    opaque,
    program,
    read,
    tarball,
    whiteout,
)

AMD64 = Platform("linux", "amd64")
STARTS, FAILS, UNKNOWN = Outcome.STARTS, Outcome.CANNOT_START, Outcome.UNKNOWN
ELF = elf_file("amd64", type=2)
APP = program(ELF)
BASE = tarball({"app": APP})
FOLDER = tarball({"d/": directory(), "d/app": APP})
LONG = "/".join(["x" * 200] * 4) + "/app"
Content = Item | str | bytes


@dataclass(frozen=True)
class Stack:
    """Layers, bottom first; what is started; and what comes of it."""

    tars: Sequence[bytes]
    path: str = "/app"
    outcome: Outcome = STARTS


def one(*entries: tuple[str, Content], path: str = "/app", outcome: Outcome = STARTS) -> Stack:
    """One layer."""
    return Stack([tarball(list(entries))], path, outcome)


def above(
    base: bytes, *entries: tuple[str, Content], path: str = "/app", outcome: Outcome = STARTS
) -> Stack:
    """A layer above another."""
    return Stack([base, tarball(list(entries))], path, outcome)


def raw(*leading: bytes, name: bytes = b"app", kind: bytes = b"0", **fields: bytes) -> Stack:
    """A program with a header of one's own."""
    length = fields.pop("size", b"%o" % len(ELF))
    body = ELF + bytes(-len(ELF) % 512)
    return Stack([b"".join(leading) + header(name, kind, length, **fields) + body + END])


def pax(**records: bytes) -> bytes:
    return extended_header({key.replace("__", "."): value for key, value in records.items()})


STACKS = {
    "absolute": one(("/app", APP)),
    "with a dot": one(("./", directory()), ("./app", APP)),
    "climbing": one(("../../app", APP)),
    "down and up": one(("a/../app", APP)),
    "down and up through a link": one(("a", link("b/c")), ("a/../app", APP)),
    "slashes": one((".///app", APP)),
    "hidden, and there again": Stack([BASE, tarball({whiteout("app"): ""}), BASE]),
    "hidden": above(BASE, (whiteout("app"), ""), outcome=FAILS),
    "another is hidden": above(BASE, (whiteout("nothing"), "")),
    "hidden where no folder is": above(BASE, (whiteout("no/nothing"), "")),
    "hidden by a folder": above(BASE, (whiteout("app"), directory()), outcome=FAILS),
    "hidden by a link": above(BASE, (whiteout("app"), link("x")), outcome=FAILS),
    "an opaque root": above(BASE, (".wh..wh..opq", ""), ("x", "y"), outcome=UNKNOWN),
    "an opaque folder": above(FOLDER, (opaque("d"), ""), path="/d/app", outcome=FAILS),
    "opaque, then a file": above(FOLDER, (opaque("d"), ""), ("d/new", APP), path="/d/new"),
    "a file, then opaque": above(FOLDER, ("d/new", APP), (opaque("d"), ""), path="/d/new"),
    "a hidden folder that is made anew": above(
        FOLDER, (whiteout("d"), ""), ("d/", directory()), ("d/new", APP), path="/d/new"
    ),
    "a file in place of a folder": above(FOLDER, ("d", APP), path="/d"),
    "a folder in place of a file": above(
        BASE, ("app/", directory()), ("app/app", APP), path="/app/app"
    ),
    "a link in place of a folder": above(FOLDER, ("e/app", APP), ("d", link("e")), path="/d/app"),
    "a folder whose mode comes late": one(("d/app", APP), ("d/", directory()), path="/d/app"),
    "a hard link": one(("x", APP), ("app", hardlink("x"))),
    "a hard link with a dot": one(("x", APP), ("app", hardlink("./x"))),
    "an absolute hard link": one(("x", APP), ("app", hardlink("/x"))),
    "a hard link that climbs": one(("x", APP), ("app", hardlink("../../x"))),
    "a hard link to a lower layer": above(
        tarball({"x": APP}), ("app", hardlink("x")), outcome=UNKNOWN
    ),
    "a hard link to a hard link": one(("x", APP), ("y", hardlink("x")), ("app", hardlink("y"))),
    "a hard link to what is replaced": one(("x", APP), ("app", hardlink("x")), ("x", "text")),
    "a hard link to what is hidden later": Stack(
        [tarball({"x": APP, "app": hardlink("x")}), tarball({whiteout("x"): ""})]
    ),
    "a hard link to a link": one(("x", APP), ("s", link("x")), ("app", hardlink("s"))),
    "a hard link with a size": Stack(
        [BASE[: 512 + len(ELF) + -len(ELF) % 512] + header(b"b", b"1", b"777", link=b"app") + END],
        "/b",
    ),
    "aufs: a hard link to what it kept": one(
        (".wh..wh.plnk/", directory()),
        (".wh..wh.plnk/12.3", APP),
        ("app", hardlink(".wh..wh.plnk/12.3")),
        (".wh..wh.aufs", ""),
        (".wh..wh.orph/", directory()),
    ),
    "links in a circle": one(("app", link("b")), ("b", link("app")), outcome=FAILS),
    "links that follow one another": one(
        ("x", APP), ("a", link("/b")), ("b", link("./x")), ("app", link("a"))
    ),
    "a link that climbs": one(("x", APP), ("app", link("../../../x"))),
    "a folder that is a link": one(
        ("usr/bin/", directory()), ("bin", link("usr/bin")), ("bin/app", APP), path="/usr/bin/app"
    ),
    "a folder that a lower layer links": above(
        tarball({"usr/bin/": directory(), "bin": link("usr/bin")}),
        ("bin/app", APP),
        path="/bin/app",
    ),
    "twice, the program last": one(("app", "text"), ("app", APP)),
    "twice, the program first": one(("app", APP), ("app", program("text")), outcome=FAILS),
    "devices": one(("app", APP), ("dev/null", Item("device")), ("queue", fifo())),
    "a device for a program": one(("app", Item("device", mode=0o755)), outcome=FAILS),
    "setuid and setgid": one(("app", program(ELF, mode=0o6755))),
    "a sticky folder": one(("d/", directory(0o1777)), ("d/app", APP), path="/d/app"),
    "execute bits alone": one(("app", program(ELF, mode=0o111))),
    "no bits": one(("app", program(ELF, mode=0)), outcome=FAILS),
    "another case": one(("App", APP), outcome=FAILS),
    "a long name of gnu": Stack([tarball({LONG: APP}, tarfile.GNU_FORMAT)], f"/{LONG}"),
    "a long name of pax": Stack([tarball({LONG: APP})], f"/{LONG}"),
    "letters beyond ASCII": Stack([tarball({"ü/ä": APP}, tarfile.GNU_FORMAT)], "/ü/ä"),
    "letters beyond ASCII, of pax": Stack([tarball({"ü/ä": APP})], "/ü/ä"),
    "a mode with the file's kind": raw(mode=b"0100755"),
    "a size in base 256": raw(size=b"\x80" + len(ELF).to_bytes(11, "big")),
    "an owner in base 256": raw(uid=b"\x80" + (3 * 10**9).to_bytes(7, "big")),
    "an owner that is none": raw(uid=b"\xff" * 8, mode=b"0000700"),
    "a size of pax": raw(pax(size=b"%d" % len(ELF)), size=b"0"),
    "owners of pax": raw(pax(uid=b"+5", gid=b"-1")),
    "times of pax": raw(pax(mtime=b"-1.5", atime=b"1.25", comment=b"x")),
    "attributes": raw(
        pax(
            SCHILY__xattr__user__x=b"\xff\n=",
            LIBARCHIVE__xattr__user__x=b"a",
            SCHILY__acl__access=b"u",
        )
    ),
    "overlayfs's notes": raw(
        pax(
            SCHILY__xattr__trusted__overlay__origin=b"\0\xfb",
            SCHILY__xattr__trusted__overlay__impure=b"y",
        )
    ),
    "an empty name of pax": raw(pax(path=b"")),
    "a global header": raw(extended_header({"path": b"other"}, b"g")),
    "from before POSIX": raw(kind=b"\0", magic=b""),
    "of star": raw(end=bytes(8) + b"tar\0"),
    "a folder with a size": raw(header(b"d/", b"5", b"100")),
    "a root that is a file": raw(header(b"./", b"0")),
    "junk behind the end": Stack([BASE + b"x" * 2000]),
    "one zero block": Stack([BASE[: 512 + len(ELF) + -len(ELF) % 512] + bytes(512)]),
    "no end": Stack([BASE[: 512 + len(ELF) + -len(ELF) % 512]]),
    "an empty layer": Stack([BASE, bytes(1024)]),
    "a layer of no bytes": Stack([BASE, b""]),
    "a layer twice": Stack([BASE, BASE]),
    "130 layers": Stack([BASE, *(tarball({f"f{number}": "x"}) for number in range(130))]),
}


@pytest.mark.parametrize("name", STACKS)
def test_layers_are_as_nodes_unpack_them(name: str) -> None:
    stack = STACKS[name]
    predicted = predict_unpacked(
        Tree([read(tar) for tar in stack.tars]),
        ImageDefaults(entrypoint=(stack.path,)),
        Overrides(),
        AMD64,
        NodeFacts(),
    )
    assert predicted.outcome is stack.outcome, predicted.findings
