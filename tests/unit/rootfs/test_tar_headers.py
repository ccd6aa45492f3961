"""What headers of a tar may say, in every form that is about, and how they lie."""

import tarfile

import pytest

from elfgate.errors import UnreadableError
from elfgate.rootfs.entry import DISPUTED, Kind
from elfgate.rootfs.folder import DisputedError
from elfgate.rootfs.tree import Tree
from support.raw_tar import END, entry, extended_header, header, record
from support.tarball import hardlink, layer, link, program, read, tarball, text


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_is_read(form: int) -> None:
    long = "d" * 90 + "/" + "n" * 90
    built = read(
        tarball(
            {long: text("x"), "l": link("t" * 90), "e": program("#!/bin/sh", uid=2**21 - 1)}, form
        )
    )
    assert entry(built, f"/{long}").size == 1
    assert entry(built, "/l").link == "t" * 90
    assert entry(built, "/e").uid == 2**21 - 1


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_links_and_big_numbers_are_read(form: int) -> None:
    long = "/".join(["é" * 100] * 9)
    built = read(
        tarball(
            {long: text("x"), "l": link(long), "h": hardlink(long), "e": program("", uid=2**31)},
            form,
        )
    )
    assert entry(built, f"/{long}").size == 1
    assert entry(built, "/l").link == long
    assert entry(built, "/h").size == 1
    assert entry(built, "/e").uid == 2**31


def test_headers_from_before_posix_are_read() -> None:
    built = read(
        header(b"old/", b"\0", magic=b"")
        + header(b"old/file", b"\0", b" 1 ", magic=b"")
        + b"x" * 512
        + END
    )
    assert entry(built, "/old").kind is Kind.DIRECTORY
    assert (entry(built, "/old/file").kind, entry(built, "/old/file").size) == (Kind.FILE, 1)


def test_gnu_headers_have_no_prefix() -> None:
    built = read(header(b"name", magic=b"ustar  \0", prefix=b"00000000000") + END)
    assert set(built.entries("/")) == {"name"}


def test_a_prefix_that_old_go_wrote_into_gnu_headers_counts() -> None:
    built = read(header(b"name", magic=b"ustar  \0", prefix=b"some/directory") + END)
    assert set(built.entries("/some/directory")) == {"name"}


def test_a_prefix_of_star_ends_before_the_times() -> None:
    prefix = b"p" * 131 + b"14000000000 14000000000 "
    assert set(
        read(header(b"name", prefix=prefix, end=bytes(8) + b"tar\0") + END).entries("/")
    ) == {"p" * 131}


def test_names_that_are_not_utf8_survive() -> None:
    built = read(header(b"caf\xe9") + END)
    assert list(built.entries("/")) == ["caf\udce9"]


def test_sparse_files_of_the_old_form_are_there_but_unreadable() -> None:
    gnu = header(b"old", b"S", b"01000", magic=b"ustar  \0") + bytes(512)
    extended = bytearray(header(b"more", b"S", b"01000", magic=b"ustar  \0"))
    extended[482] = 1
    extended[148:156] = b"%06o\0 " % (sum(extended) - sum(extended[148:156]) + 256)
    maps = bytes(504) + b"\1" + bytes(7) + bytes(512)
    built = read(gnu + bytes(extended) + maps + bytes(512) + END)
    kinds = {name: found.kind for name, found in built.entries("/").items()}
    assert kinds == dict.fromkeys(("old", "more"), Kind.UNREADABLE)


def test_an_unknown_type_is_there_but_unreadable() -> None:
    built = read(header(b"odd", b"V", b"1") + bytes(512) + header(b"next") + END)
    assert (entry(built, "/odd").kind, entry(built, "/next").kind) == (Kind.UNREADABLE, Kind.FILE)


def test_global_headers_are_ignored_as_nodes_ignore_them() -> None:
    built = read(extended_header({"path": b"evil"}, b"g") + header(b"good") + END)
    assert set(built.entries("/")) == {"good"}


def test_a_global_header_of_a_name_that_the_layer_has_leaves_it_unknown() -> None:
    """containerd removes what is there before it passes over such a header; CRI-O does not."""
    built = read(header(b"h") + extended_header({"path": b"./h"}, b"g") + header(b"k") + END)
    assert (entry(built, "/h").kind, entry(built, "/k").kind) == (Kind.UNREADABLE, Kind.FILE)


def test_a_global_header_of_a_name_may_remove_what_lower_layers_have() -> None:
    """containerd does so where it unpacks all layers into one folder."""
    base = read(header(b"h") + END)
    upper = read(extended_header({"path": b"h"}, b"g") + header(b"k") + END)
    with pytest.raises(DisputedError):
        Tree([base, upper]).in_one_folder()


@pytest.mark.parametrize(
    "name", [b"pax_global_header", b"././@PaxHeader", b"/tmp/GlobalHead.7.1", b"GlobalHead.0.0"]
)
def test_the_names_that_programs_give_a_global_header_are_of_no_file(name: bytes) -> None:
    """Those of git, Python, GNU tar and Go."""
    data = record("comment", b"x")
    said = header(name, b"g", b"%o" % len(data)) + data.ljust(512, b"\0")
    assert not read(said + header(b"k") + END).root.traits & DISPUTED


@pytest.mark.parametrize("kind", [b"x", b"L", b"K"])
@pytest.mark.parametrize("end", [END, b""])
def test_an_extended_header_that_nothing_follows_says_nothing(kind: bytes, end: bytes) -> None:
    long = header(b"././@LongLink", kind, b"4") + b"gnu\0" + bytes(508)
    said = extended_header({"path": b"pax"}) if kind == b"x" else long
    assert set(read(header(b"name") + said + end).entries("/")) == {"name"}


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"4", b"5", b"6"])
def test_a_size_of_what_has_no_data_counts_for_nothing(kind: bytes) -> None:
    negative = header(b"a", kind, b"\xff" * 12, link=b"name")
    told = extended_header({"size": b"-5"}) + header(b"b", kind, link=b"name")
    built = read(header(b"name") + negative + told + header(b"next") + END)
    assert set(built.entries("/")) == {"name", "a", "b", "next"}


def test_a_version_of_sparse_files_that_is_no_text_is_none() -> None:
    said = {"GNU.sparse.major": b"\xff", "GNU.sparse.minor": b"0", "GNU.sparse.name": b"other"}
    assert set(read(extended_header(said) + header(b"name") + END).entries("/")) == {"name"}


def test_links_have_no_data_whatever_their_size_says() -> None:
    built = read(
        header(b"a")
        + header(b"b", b"1", b"1000", link=b"a")
        + header(b"c", b"2", b"7", link=b"a")
        + END
    )
    assert set(built.entries("/")) == {"a", "b", "c"}


def test_a_wrong_checksum_is_refused() -> None:
    block = bytearray(header(b"name"))
    block[0] ^= 1
    with pytest.raises(ValueError, match="checksum"):
        read(bytes(block) + END)


def test_a_checksum_of_signed_bytes_is_taken() -> None:
    block = bytearray(header(b"caf\xe9"))
    block[148:156] = b"%06o\0 " % (sum(block) - sum(block[148:156]) + 256 - 256)
    assert set(read(bytes(block) + END).entries("/")) == {"caf\udce9"}


@pytest.mark.parametrize("size", [b"0x10", b"-1", b"1_0", b"8", b"\xff" * 12])
def test_a_size_that_is_no_number_is_refused(size: bytes) -> None:
    with pytest.raises(ValueError, match=r"octal|negative"):
        read(header(b"name", size=size) + END)


@pytest.mark.parametrize(
    "records",
    [
        b"no",
        b"5 a=b",
        b"99 path=x\n",
        b"0 path=x\n",
        b"9 pathxx\n\n",
        b"7 =abc\n",
        b"11 size=-1\n",
        b" \n",
        b"+9 path=x\n",
    ],
)
def test_a_malformed_extended_header_is_refused(records: bytes) -> None:
    with pytest.raises(ValueError, match=r"extended header|not a number|is negative"):
        read(
            header(b"x", b"x", b"%o" % len(records))
            + records.ljust(512, b"\0")
            + header(b"a")
            + END
        )


def test_a_huge_extended_header_is_refused_unread() -> None:
    with pytest.raises(ValueError, match="longer than"):
        read(header(b"x", b"x", b"77777777777"))


def test_a_name_with_a_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="no file system takes"):
        read(extended_header({"path": b"a\0b"}) + header(b"a") + END)


def test_an_extended_header_overrides_what_it_names_and_only_for_the_next_entry() -> None:
    records = {
        "path": b"new",
        "size": b"3",
        "uid": b"4294967294",
        "gid": b"7",
        "linkpath": b"",
        "mtime": b"1.5",
    }
    built = read(
        extended_header(records)
        + header(b"old", size=b"0")
        + b"abc".ljust(512, b"\0")
        + header(b"next")
        + END
    )
    found = entry(built, "/new")
    assert (found.size, found.uid, found.gid) == (3, 4294967294, 7)
    assert set(built.entries("/")) == {"new", "next"}


@pytest.mark.parametrize("name", ["n" * 256, "/".join(["d" * 200] * 22), "d/" * 300 + "x"])
def test_names_and_depths_that_no_node_takes_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"no file system takes|longer than|deeper"):
        layer({name: ""})


def test_a_second_pax_header_takes_the_place_of_the_first() -> None:
    first = extended_header({"path": b"first", "uid": b"7"})
    built = read(first + extended_header({"gid": b"8"}) + header(b"name") + END)
    assert (entry(built, "/name").uid, entry(built, "/name").gid) == (0, 8)


def test_a_global_header_ends_what_was_said_of_the_next_entry() -> None:
    said = extended_header({"path": b"other"}) + extended_header({"path": b"all"}, b"g")
    assert set(read(said + header(b"name") + END).entries("/")) == {"name"}


@pytest.mark.parametrize("is_first", [True, False])
def test_gnus_long_names_win_over_pax(is_first: bool) -> None:
    gnu = header(b"././@LongLink", b"L", b"4") + b"gnu\0" + bytes(508)
    pax = extended_header({"path": b"pax"})
    said = gnu + pax if is_first else pax + gnu
    assert set(read(said + header(b"name") + END).entries("/")) == {"gnu"}


def test_a_long_name_tells_a_directory_from_before_posix() -> None:
    long = b"d" * 120 + b"/"
    said = header(b"././@LongLink", b"L", b"%o" % len(long)) + long + bytes(512 - len(long))
    built = read(said + header(long[:100], b"\0") + END)
    assert entry(built, f"/{'d' * 120}").kind is Kind.DIRECTORY


@pytest.mark.parametrize("kind", [b"0", b"2", b"5", b"6"])
def test_an_entry_of_the_root_is_passed_over_whatever_it_is(kind: bytes) -> None:
    built = read(header(b"./", kind, link=b"x") + header(b"name") + END)
    assert set(built.entries("/")) == {"name"}


@pytest.mark.parametrize("prefix", ["trusted", "user"])
def test_overlayfs_own_mark_makes_a_directory_opaque(prefix: str) -> None:
    said = extended_header({f"SCHILY.xattr.{prefix}.overlay.opaque": b"y"})
    built = read(
        said + header(b"a/", b"5") + said + header(b"./", b"5") + header(b"b/", b"5") + END
    )
    assert (entry(built, "/a").opaque, entry(built, "/b").opaque) == (True, False)
    assert not built.root.opaque
    assert built.root.traits & DISPUTED  # other snapshotters hide nothing


@pytest.mark.parametrize("name", ["redirect", "metacopy"])
def test_files_in_overlayfs_own_form_are_not_read(name: str) -> None:
    said = extended_header({f"SCHILY.xattr.trusted.overlay.{name}": b"/x"})
    with pytest.raises(UnreadableError, match="kernel's own form"):
        read(said + header(b"a/", b"5") + END)
