import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.tar import index
from support.elf_file import elf_file
from support.raw_tar import END, entry, header
from support.tarball import (
    directory,
    fifo,
    hardlink,
    layer,
    link,
    opaque,
    program,
    read,
    tarball,
    text,
    whiteout,
)


def test_a_file_keeps_its_mode_owner_and_size() -> None:
    found = entry(
        layer({"opt/tool": program("data", mode=0o4750, uid=1000, gid=2000)}), "/opt/tool"
    )
    assert (found.kind, found.mode, found.uid, found.gid, found.size) == (
        Kind.FILE,
        0o4750,
        1000,
        2000,
        4,
    )


@pytest.mark.parametrize("written", ["./bin/sh", "/bin/sh", "bin//sh", ".//bin/./sh"])
def test_names_are_normalised(written: str) -> None:
    assert set(layer({written: program("#!/bin/true")}).entries("/bin")) == {"sh"}


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("../etc/passwd", "/etc/passwd"),
        ("a/../../b", "/b"),
        ("/../c", "/c"),
        ("link/../d", "/d"),
        ("../../", ""),
        ("a/..", ""),
        ("..", ""),
        (".", ""),
    ],
)
def test_a_name_that_climbs_stays_within_the_root(written: str, path: str) -> None:
    built = layer([("link", link("/far/away")), (written, "x")])
    assert set(built.entries("/")) == {"link", *path.split("/")[1:2]}
    if path:
        assert entry(built, path).size == 1


def test_a_hard_link_target_that_climbs_stays_within_the_root() -> None:
    built = layer([("etc/tool", program("data")), ("a", hardlink("../../etc/tool"))])
    assert (entry(built, "/a").kind, entry(built, "/a").size) == (Kind.FILE, 4)


def test_a_symlink_target_is_kept_as_written() -> None:
    assert entry(layer({"a": link("../../x//./y/")}), "/a").link == "../../x//./y/"


def test_a_symlink_without_a_target_is_refused() -> None:
    with pytest.raises(ValueError, match="symlink without a target"):
        layer({"a": link("")})


def test_devices_and_fifos_are_other() -> None:
    assert entry(layer({"run/pipe": fifo()}), "/run/pipe").kind is Kind.OTHER


def test_parents_without_an_entry_are_implied() -> None:
    found = entry(layer({"a/b/c": ""}), "/a/b")
    assert (found.kind, found.implied, found.mode) == (Kind.DIRECTORY, True, 0o755)


@pytest.mark.parametrize("names", [["a/b", "a/"], ["a/", "a/b"]])
def test_a_directory_with_an_entry_is_not_implied_whatever_the_order(names: list[str]) -> None:
    built = layer([(name, directory(0o700) if name.endswith("/") else text("")) for name in names])
    assert (entry(built, "/a").implied, entry(built, "/a").mode) == (False, 0o700)
    assert "b" in built.entries("/a")


def test_the_roots_own_entry_is_passed_over_as_containerd_does() -> None:
    built = layer({"./": directory(0o700, uid=7), "a": ""})
    assert (built.root.mode, built.root.uid, built.root.implied) == (0o755, 0, True)
    assert set(built.entries("/")) == {"a"}


def test_a_whiteout_becomes_an_entry_of_the_hidden_name() -> None:
    built = layer({whiteout("etc/motd"): ""})
    assert {name: found.kind for name, found in built.entries("/etc").items()} == {
        "motd": Kind.WHITEOUT
    }


def test_a_file_wins_over_the_whiteout_of_its_own_layer_whatever_the_order() -> None:
    for names in (["a", ".wh.a"], [".wh.a", "a"]):
        assert entry(layer(dict.fromkeys(names, "x")), "/a").kind is Kind.FILE


def test_an_opaque_mark_belongs_to_its_directory() -> None:
    built = layer({"a/": directory(0o700), opaque("a"): "", "a/b": ""})
    assert entry(built, "/a").opaque
    assert set(built.entries("/a")) == {"b"}
    assert layer({".wh..wh..opq": ""}).root.opaque


def test_what_aufs_kept_for_itself_hides_nothing() -> None:
    built = layer(
        {".wh..wh.plnk/": directory(), ".wh..wh.plnk/1.2": "", "etc/.wh..wh.aufs": "", "a": ""}
    )
    hidden = {name for name, found in built.entries("/").items() if found.kind is Kind.WHITEOUT}
    assert hidden == {".wh.plnk"}
    assert {name for name in built.entries("/") if not name.startswith(".wh.")} == {"a", "etc"}


def test_a_hard_link_to_what_aufs_kept_is_that_file() -> None:
    built = layer([(".wh..wh.plnk/1.2", program("data")), ("a", hardlink(".wh..wh.plnk/1.2"))])
    assert (entry(built, "/a").kind, entry(built, "/a").size) == (Kind.FILE, 4)


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh..."])
def test_a_whiteout_of_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="hides no name"):
        layer({name: ""})


def test_an_entry_lands_where_a_symlink_of_its_own_layer_leads() -> None:
    built = layer({"usr/lib/": directory(), "lib": link("usr/lib"), "lib/ld.so": program("x")})
    assert set(built.entries("/usr/lib")) == {"ld.so"}
    assert entry(built, "/lib").kind is Kind.SYMLINK


def test_a_symlink_that_climbs_leads_no_further_than_the_layers_root() -> None:
    built = layer({"a": link("/../../../etc"), "b": link("../../.."), "a/x": "", "b/y": ""})
    assert set(built.entries("/etc")) == {"x"}
    assert "y" in built.entries("/")


def test_a_loop_of_symlinks_on_the_way_is_refused() -> None:
    with pytest.raises(ValueError, match="too many symlinks"):
        layer({"a": link("b"), "b": link("a"), "a/x": ""})


def test_a_symlink_that_grows_the_path_for_ever_is_refused() -> None:
    with pytest.raises(ValueError, match=r"too many symlinks|deeper"):
        layer({"a": link("d/" * 300 + "../" * 300 + "a"), "a/x": ""})


def test_an_entry_below_a_file_is_refused() -> None:
    with pytest.raises(ValueError, match="not a directory"):
        layer({"a": "", "a/b": ""})


def test_a_later_entry_replaces_an_earlier_one() -> None:
    built = layer([("a", text("one")), ("a", text("three"))])
    assert entry(built, "/a").size == 5
    assert len(built) == 1


def test_a_file_over_a_directory_removes_what_is_below() -> None:
    built = layer([("a/b/c", ""), ("a", "x"), ("d", "")])
    assert entry(built, "/a").kind is Kind.FILE
    assert (dict(built.entries("/a")), dict(built.entries("/a/b"))) == ({}, {})


def test_a_directory_over_a_file_is_a_directory() -> None:
    built = layer([("a", "x"), ("a", directory(0o700)), ("a/b", "")])
    assert (entry(built, "/a").kind, set(built.entries("/a"))) == (Kind.DIRECTORY, {"b"})


def test_a_replaced_symlink_no_longer_leads_anywhere() -> None:
    built = layer(
        [
            ("l", link("x")),
            ("l/1", ""),
            ("l", link("y")),
            ("l/2", ""),
            ("l", directory()),
            ("l/3", ""),
        ]
    )
    assert [set(built.entries(f"/{name}")) for name in "xyl"] == [{"1"}, {"2"}, {"3"}]


def test_a_hard_link_within_the_layer_is_its_targets_entry() -> None:
    built = layer(
        {
            "bin/a": program("#!/bin/sh\n"),
            "bin/b": hardlink("bin/a"),
            "l": link("bin"),
            "c": hardlink("l/a"),
        }
    )
    assert entry(built, "/bin/b") == entry(built, "/c") == entry(built, "/bin/a")


def test_a_hard_link_keeps_the_file_when_its_first_name_is_replaced() -> None:
    built = layer([("a", "one"), ("b", hardlink("a")), ("a", "three")])
    assert entry(built, "/b").size == 3


def test_a_hard_link_to_another_layers_file_stays_one_with_an_absolute_target() -> None:
    found = entry(layer({"b": hardlink("./usr/bin/a")}), "/b")
    assert (found.kind, found.link) == (Kind.HARDLINK, "/usr/bin/a")


def test_a_hard_link_to_a_directory_is_refused() -> None:
    with pytest.raises(ValueError, match="which is a directory"):
        layer({"a/": directory(), "b": hardlink("a")})


def test_garbage_is_refused() -> None:
    with pytest.raises(ValueError, match="octal"):
        read(b"\x1f\x8b" * 4096)
    with pytest.raises(ValueError, match="checksum"):
        read(b"0" * 4096)


def test_an_empty_stream_is_an_empty_layer() -> None:
    assert len(read(b"")) == len(read(END)) == 0


def test_the_end_mark_or_the_last_padding_may_be_missing() -> None:
    whole = tarball({"a": "x"})
    assert (
        len(read(whole[:1024]))
        == len(read(whole[:513]))
        == len(read(whole[:1024] + bytes(512)))
        == 1
    )


def test_what_follows_a_lone_zero_block_is_refused() -> None:
    with pytest.raises(ValueError, match="goes on after its end"):
        read(header(b"a") + bytes(512) + header(b"b") + END)


def test_a_tar_cut_short_anywhere_is_refused_or_has_only_whole_entries() -> None:
    names = ["d/", "d/elf", "long" * 40, "script", "h"]
    content = [
        directory(),
        program(elf_file()),
        text("y" * 700),
        program("#!/bin/sh\n" + "x" * 2000),
        hardlink("d/elf"),
    ]
    whole = tarball(list(zip(names, content, strict=True)))
    complete = read(whole)
    for end in range(0, len(whole) - 1024, 512):
        try:
            cut = read(whole[:end])
        except ValueError as error:
            assert "cut short" in str(error)  # noqa: PT017 - either outcome is right, at different places
            continue
        for parent in ("/", "/d"):
            for name, found in cut.entries(parent).items():
                assert found.implied or found == complete.entries(parent)[name]


@pytest.mark.parametrize("end", [100, 511, 513, 900])
def test_a_tar_cut_short_within_a_block_is_refused(end: int) -> None:
    with pytest.raises(ValueError, match="cut short"):
        read(tarball({"a": "x" * 600})[:end])


def test_more_bytes_than_allowed_are_a_limit() -> None:
    with pytest.raises(UnreadableError) as caught:
        read(tarball({"a": "x" * 100_000}), max_bytes=50_000)
    assert caught.value.reason is UnknownReason.LIMIT_EXCEEDED


@pytest.mark.parametrize(
    "names",
    [[f"n{number}" for number in range(101)], ["same"] * 101, ["/".join("abcdefghijk" * 10)]],
)
def test_more_entries_than_allowed_are_a_limit_even_if_implied_or_repeated(
    names: list[str],
) -> None:
    with pytest.raises(UnreadableError) as caught:
        read(tarball([(name, "") for name in names]), max_entries=100)
    assert caught.value.reason is UnknownReason.LIMIT_EXCEEDED


def test_an_elf_file_above_the_limit_is_unreadable() -> None:
    tar = tarball({"big": program(elf_file() + bytes(5000)), "after": ""})
    built = index(io.BytesIO(tar), max_bytes=1 << 20, max_entries=10, max_elf_bytes=4000)
    assert (entry(built, "/big").kind, entry(built, "/after").kind) == (Kind.UNREADABLE, Kind.FILE)


class Trickle:
    """A stream that gives as little as it likes."""

    def __init__(self, data: bytes, step: int) -> None:
        self.stream = io.BytesIO(data)
        self.step = step

    def read(self, size: int, /) -> bytes:
        return self.stream.read(min(size, self.step))


@pytest.mark.parametrize("step", [1, 7, 511, 513, 4096])
def test_a_stream_that_reads_short_gives_the_same_layer(step: int) -> None:
    tar = tarball(
        {
            "a/elf": program(elf_file(needed=("libc.so.6",))),
            "s": program("#!/bin/sh\n" + "x" * 900),
            "e": text(""),
        }
    )
    built = index(Trickle(tar, step), max_bytes=1 << 20, max_entries=10)
    assert built.encode() == read(tar).encode()


# tarfile as the oracle: whatever it writes in any format, both read alike.

component = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs"]),
    min_size=1,
    max_size=60,
).filter(
    lambda part: (
        part not in (".", "..") and not part.startswith(".wh.") and len(part.encode()) <= 255
    )
)
path = st.lists(component, min_size=1, max_size=6).map("/".join)
member = st.one_of(
    st.tuples(st.just("file"), st.binary(max_size=1500)),
    st.tuples(st.just("directory"), st.just(b"")),
    st.tuples(st.just("symlink"), path.map(str.encode)),
)
members = st.lists(
    st.tuples(
        path, member, st.integers(0, 0o7777), st.integers(0, 2**32 - 2), st.integers(0, 2**21 - 1)
    ),
    max_size=8,
    unique_by=lambda item: item[0].split("/")[0],
)
formats = st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])


@settings(max_examples=150, deadline=None)
@given(members, formats)
def test_whatever_tarfile_writes_is_read_as_tarfile_reads_it(
    written: list[tuple[str, tuple[str, bytes], int, int, int]], form: int
) -> None:
    buffer = io.BytesIO()
    kinds = {"file": tarfile.REGTYPE, "directory": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE}
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, (kind, data), mode, uid, gid in written:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.gid = kinds[kind], mode, gid
            info.uid = uid if form != tarfile.USTAR_FORMAT else uid % 2**21
            info.linkname = data.decode() if kind == "symlink" else ""
            info.size = len(data) if kind == "file" else 0
            try:
                archive.addfile(info, io.BytesIO(data))
            except ValueError:  # ustar does not hold it
                continue
    built = read(buffer.getvalue())
    buffer.seek(0)
    with tarfile.open(fileobj=buffer) as archive:
        read_back = archive.getmembers()
    for info in read_back:
        found = entry(built, f"/{info.name}")
        kind = {v: k for k, v in kinds.items()}[info.type]
        assert found.kind.name.lower() == kind
        assert (found.mode, found.uid, found.gid, found.size) == (
            info.mode,
            info.uid,
            info.gid,
            info.size,
        )
        assert found.link == info.linkname
    assert len({info.name for info in read_back}) == sum(
        not found.implied for found in walk_entries(built)
    )


def walk_entries(of: Layer, path: str = "") -> list[Entry]:
    found = []
    for name, each in of.entries(path or "/").items():
        found.append(each)
        if each.kind is Kind.DIRECTORY:
            found += walk_entries(of, f"{path}/{name}")
    return found


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_tar_is_read_or_refused_but_never_breaks(data: st.DataObject) -> None:
    tar = bytearray(
        tarball(
            {
                "a/": directory(),
                "a/b": text("x" * 600),
                "l": link("a"),
                "long" * 50: "y",
                "h": hardlink("a/b"),
            }
        )
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(tar) - 1))
        tar[at] = data.draw(st.integers(0, 255))
        block = at - at % 512
        if data.draw(
            st.booleans()
        ):  # make the checksum right again, so that the damage gets further
            tar[block + 148 : block + 156] = b" " * 8
            tar[block + 148 : block + 156] = b"%06o\0 " % sum(tar[block : block + 512])
    try:
        read(bytes(tar))
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
    except UnreadableError as error:
        assert error.reason is UnknownReason.LIMIT_EXCEEDED  # noqa: PT017
