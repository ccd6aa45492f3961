import gc
import struct
import weakref
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.elf.excerpt import excerpt
from elfgate.errors import UnreadableError
from elfgate.rootfs import contents
from elfgate.rootfs.build import LayerBuilder
from elfgate.rootfs.contents import bytes_wanted
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.layer import Layer
from support.elf_file import elf_file
from support.tarball import Content, directory, hardlink, layer, link, program, text, whiteout

CONTENT: Content = {
    "usr/": directory(0o751, uid=3, gid=4),
    "usr/bin/tool": program(elf_file(needed=("libc.so.6",)), uid=1000),
    "usr/bin/run": program("#!/bin/sh\n" + "x" * 1000),
    "bin": link("usr/bin"),
    "usr/bin/other": hardlink("elsewhere/tool"),
    "etc/os-release": text("ID=alpine\n"),
    whiteout("etc/motd"): "",
}


def everything(of: Layer) -> dict[str, Entry]:
    found, waiting = {"/": of.root}, ["/"]
    while waiting:
        parent = waiting.pop()
        for name, entry in of.entries(parent).items():
            path = f"{parent.rstrip('/')}/{name}"
            found[path] = entry
            if entry.kind is Kind.DIRECTORY:
                waiting.append(path)
    return found


def test_a_layer_survives_being_stored() -> None:
    made = layer(CONTENT)
    opened = Layer.decode(made.encode())
    assert everything(opened) == everything(made)
    assert len(opened) == len(everything(opened)) - 1 == 9
    assert opened.encode() == made.encode()


def test_the_same_content_gives_the_same_bytes_whatever_the_order_of_names() -> None:
    one, other = layer({"a": "", "b": "", "c/d": ""}), layer({"c/d": "", "b": "", "a": ""})
    assert one.encode() == other.encode()


def test_a_directory_that_the_layer_does_not_have_is_empty() -> None:
    assert dict(layer(CONTENT).entries("/no/where")) == {}


def test_an_elf_file_is_kept_as_head_and_excerpt() -> None:
    data = elf_file(needed=("libc.so.6",), trailing=bytes(100_000))
    made = layer({"lib/x.so": program(data, mode=0o644)})
    found = made.entries("/lib")["x.so"]
    assert found.head == data[:256]
    assert made.excerpt(found.elf) == excerpt(data)
    assert made.excerpt(bytes(16)) is None


def test_files_with_the_same_content_share_an_excerpt() -> None:
    made = layer(
        {"a": program(elf_file()), "b": program(elf_file()), "c": program(elf_file(machine=21))}
    )
    a, b, c = (made.entries("/")[name].elf for name in "abc")
    assert a == b != c


def test_many_excerpts_are_each_found() -> None:
    files = {
        f"lib/lib{number}.so": elf_file(soname=f"lib{number}.so", strings=(b"x" * 3000,))
        for number in range(60)
    }
    made = Layer.decode(layer({name: program(data) for name, data in files.items()}).encode())
    for name, data in files.items():
        assert made.excerpt(made.entries("/lib")[name.removeprefix("lib/")].elf) == excerpt(data)


@pytest.mark.parametrize(
    ("path", "mode", "content", "head", "tail"),
    [
        ("/run.sh", 0o755, "#!/bin/sh\n" + "x" * 500, 256, 254),
        ("/run.sh", 0o644, "#!/usr/bin/env bash\n" + "x" * 500, 256, 264),
        ("/run.sh", 0o755, "exec x\n" + "x" * 500, 256, 251),
        ("/run.sh", 0o755, "#!/bin/sh\n" + "x" * 100_000, 256, 65536),
        ("/run.sh", 0o755, "#!/bin/sh\n", 10, 0),
        ("/run.py", 0o755, "#!/usr/bin/python3\n" + "x" * 500, 256, 0),
        ("/blob", 0o755, "\0" * 500, 256, 0),
        ("/data", 0o644, "x" * 500, 0, 0),
        ("/empty", 0o755, "", 0, 0),
    ],
)
def test_what_is_kept_of_a_file_is_what_a_start_looks_at(
    path: str, mode: int, content: str, head: int, tail: int
) -> None:
    found = layer({path: text(content, mode)}).entries("/")[path[1:]]
    assert (found.head, found.tail) == (content.encode()[:head], content.encode()[256 : 256 + tail])
    assert (found.kind, found.size, found.text) == (Kind.FILE, len(content), None)


@pytest.mark.parametrize(
    "path",
    [
        "etc/ld.so.cache",
        "etc/ld.so.preload",
        "etc/ld-musl-x86_64.path",
        "opt/musl/etc/ld-musl-s390x.path",
        "etc/os-release",
        "usr/lib/os-release",
        "etc/passwd",
        "etc/group",
        "etc/ld.so.conf",
        "etc/ld.so.conf.d/a.conf",
    ],
)
@pytest.mark.parametrize("content", ["", "text\n" * 10_000])
def test_text_that_decides_is_kept_whole(path: str, content: str) -> None:
    parent, _, name = f"/{path}".rpartition("/")
    assert layer({path: content}).entries(parent)[name].text == content.encode()


@pytest.mark.parametrize(
    "path", ["etc/shadow", "ld.so.cache", "etc/x.path", "etc/ld.so.conf.d/README"]
)
def test_other_text_is_not_kept(path: str) -> None:
    parent, _, name = f"/{path}".rpartition("/")
    assert layer({path: "text"}).entries(parent or "/")[name].text is None


def test_text_over_the_limit_is_unreadable() -> None:
    found = layer({"etc/ld.so.cache": "x" * (contents.TEXT_BYTES + 1)}).entries("/etc")[
        "ld.so.cache"
    ]
    assert (found.kind, found.text) == (Kind.UNREADABLE, None)


def test_a_file_whose_bytes_were_not_given_is_unreadable() -> None:
    builder = LayerBuilder()
    elf = elf_file()
    builder.add("/none", Entry(Kind.FILE, mode=0o755, size=5))
    builder.add("/short", Entry(Kind.FILE, mode=0o755, size=500), b"#!/bin/sh\n")
    builder.add("/elf", Entry(Kind.FILE, mode=0o644, size=len(elf)), elf[:256])
    builder.add("/data", Entry(Kind.FILE, mode=0o644, size=500), b"x")
    builder.add("/empty", Entry(Kind.FILE, mode=0o755, size=0))
    kinds = {name: entry.kind for name, entry in builder.build().entries("/").items()}
    assert [name for name, kind in kinds.items() if kind is Kind.UNREADABLE] == [
        "elf",
        "none",
        "short",
    ]


def test_beyond_what_a_layer_may_keep_files_are_unreadable() -> None:
    builder = LayerBuilder(max_kept_bytes=1000)
    for number in range(5):
        script = f"#!/bin/sh\n{number}".encode() + b"%d" % number * 700
        builder.add(f"/{number}", Entry(Kind.FILE, mode=0o755, size=len(script)), script)
    kinds = [entry.kind for entry in builder.build().entries("/").values()]
    assert kinds == [Kind.FILE, Kind.FILE, Kind.UNREADABLE, Kind.UNREADABLE, Kind.UNREADABLE]


def test_bytes_wanted_asks_for_nothing_of_a_data_file() -> None:
    assert bytes_wanted("/usr/share/doc/x", 0o644, 1 << 40, b"x" * 256) == 0


def test_the_builder_reads_a_mapped_file(tmp_path: Path) -> None:
    import mmap

    (tmp_path / "tool").write_bytes(elf_file())
    with (
        (tmp_path / "tool").open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        builder = LayerBuilder()
        builder.add("/tool", Entry(Kind.FILE, mode=0o755, size=len(data)), data)
    made = builder.build()
    assert made.excerpt(made.entries("/")["tool"].elf) == excerpt(elf_file())


def test_the_root_is_a_directory_whatever_is_said_of_it() -> None:
    builder = LayerBuilder()
    builder.add("/", Entry(Kind.SYMLINK, link="x"))
    assert builder.build().root.kind is Kind.DIRECTORY


def test_a_name_may_hold_any_bytes() -> None:
    name = b"\xff\xfe\n'".decode("utf-8", "surrogateescape")
    builder = LayerBuilder()
    builder.add(f"/{name}", Entry(Kind.SYMLINK, link=name))
    assert Layer.decode(builder.build().encode()).entries("/")[name].link == name


@pytest.mark.parametrize("blob", [b"", b"garbage" * 100, b"elfgate\0"])
def test_garbage_is_not_an_index(blob: bytes) -> None:
    with pytest.raises(ValueError, match="layer index"):
        Layer.decode(blob)


def test_an_index_cut_short_anywhere_is_refused() -> None:
    blob = layer(CONTENT).encode()
    for end in range(len(blob)):
        with pytest.raises(ValueError, match="layer index"):
            Layer.decode(blob[:end])


@pytest.mark.parametrize("field", [8, 10])
@pytest.mark.parametrize("version", [0, 99, 2**16 - 1])
def test_an_index_of_another_version_or_with_excerpts_of_another_is_refused(
    field: int, version: int
) -> None:
    blob = bytearray(layer(CONTENT).encode())
    struct.pack_into("<H", blob, field, version)
    with pytest.raises(ValueError, match="version"):
        Layer.decode(bytes(blob))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_index_is_refused_or_tells_nothing_false(data: st.DataObject) -> None:
    whole = layer(CONTENT)
    blob = bytearray(whole.encode())
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= data.draw(st.integers(1, 255))
    try:
        opened = Layer.decode(bytes(blob))
        found = everything(opened)
        excerpts = [opened.excerpt(entry.elf) for entry in found.values() if entry.elf]
    except ValueError:
        return
    assert found == everything(whole)
    assert all(excerpts)


def test_more_characters_of_names_than_allowed_are_a_limit() -> None:
    builder = LayerBuilder(max_characters=1000)
    for number in range(4):
        builder.add("/" + "n" * 200 + str(number), Entry(Kind.OTHER))
    with pytest.raises(UnreadableError, match="names"):
        builder.add("/" + "n" * 200, Entry(Kind.OTHER))


def test_directories_that_symlinks_make_deep_count_with_their_real_length() -> None:
    for characters, fits in ((1300, True), (1100, False)):
        builder = LayerBuilder(max_characters=characters)
        builder.add("/l", Entry(Kind.SYMLINK, link="/" + "n" * 200))
        for name in "abc":
            builder.add(f"/l/{name}", Entry(Kind.DIRECTORY))
        if fits:
            builder.add("/l/d", Entry(Kind.DIRECTORY))
        else:
            with pytest.raises(UnreadableError, match="names"):
                builder.add("/l/d", Entry(Kind.DIRECTORY))


def test_a_layer_s_memory_is_given_back_at_once_not_when_cycles_are_looked_for() -> None:
    opened = layer({"bin/app": program(elf_file()), "etc/os-release": "ID=x"})
    found = opened.entries("/bin")["app"]
    assert opened.excerpt(found.elf)
    gone = weakref.ref(opened)
    gc.disable()
    try:
        del opened
        assert gone() is None
    finally:
        gc.enable()
