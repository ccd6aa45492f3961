import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.rootfs.ldconf import CacheEntry, musl_path, parse_cache, preload

LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
Library = tuple[str, str, int, int]  # soname, path, flags, hwcap

EXTENSION = 1 << 62


def cache(
    libraries: list[Library],
    order: str = "<",
    header_flags: int | None = None,
    hwcaps: tuple[str, ...] = (),
) -> bytes:
    """A cache of the new form, as ldconfig of glibc 2.33 and later writes it."""
    table = 48 + 24 * len(libraries)
    strings = bytearray()

    def place(text: str) -> int:
        strings.extend(text.encode() + b"\0")
        return table + len(strings) - len(text) - 1

    rows = b"".join(
        struct.pack(f"{order}IIIIQ", flags, place(name), place(path), 0, hwcap)
        for name, path, flags, hwcap in libraries
    )
    places = [place(name) for name in hwcaps]
    strings += bytes(-len(strings) % 4)
    extension = table + len(strings)
    flags = {"<": 2, ">": 3}[order] if header_flags is None else header_flags
    header = struct.pack(
        f"{order}20sIIB3xI12x",
        b"glibc-ld.so.cache1.1",
        len(libraries),
        len(strings),
        flags,
        extension if hwcaps else 0,
    )
    sections = struct.pack(f"{order}IIIIII", 0xEAA42174, 1, 1, 0, extension + 24, 4 * len(places))
    tail = sections + struct.pack(f"{order}{len(places)}I", *places) if hwcaps else b""
    return header + rows + strings + tail


def old_cache(libraries: list[tuple[str, str, int]], order: str = "<") -> bytes:
    strings, rows = bytearray(), b""
    for name, path, flags in libraries:
        rows += struct.pack(f"{order}III", flags, len(strings), len(strings) + len(name) + 1)
        strings += name.encode() + b"\0" + path.encode() + b"\0"
    return struct.pack(f"{order}12sI", b"ld.so-1.7.0", len(libraries)) + rows + strings


@pytest.mark.parametrize(("order", "byte_order"), [("<", "little"), (">", "big")])
def test_a_cache_is_read_in_the_byte_order_that_its_header_tells(
    order: str, byte_order: str
) -> None:
    found = parse_cache(cache([("libc.so.6", LIBC, 0x303, 0)], order))
    assert found is not None
    assert found.byte_order == byte_order
    assert dict(found.entries) == {"libc.so.6": (CacheEntry(0x303, LIBC),)}


@pytest.mark.parametrize(("order", "byte_order"), [("<", "little"), (">", "big")])
def test_a_cache_that_tells_no_byte_order_is_read_in_the_one_that_fits(
    order: str, byte_order: str
) -> None:
    found = parse_cache(cache([("libc.so.6", LIBC, 0x303, 0)], order, header_flags=0))
    assert found is not None
    assert found.byte_order == byte_order
    assert found.entries["libc.so.6"][0].path == LIBC


def test_entries_of_one_name_keep_the_files_order() -> None:
    found = parse_cache(cache([("a", "/2", 0x303, 0), ("b", "/b", 0x303, 0), ("a", "/1", 3, 0)]))
    assert found is not None
    assert [(entry.path, entry.flags) for entry in found.entries["a"]] == [("/2", 0x303), ("/1", 3)]


def test_hwcaps_entries_name_their_directory() -> None:
    libraries = [
        ("a", "/v3/a", 0x303, EXTENSION | 4 << 32 | 1),
        ("a", "/v2/a", 0x303, EXTENSION),
        ("a", "/a", 0x303, 0),
    ]
    found = parse_cache(cache(libraries, hwcaps=("x86-64-v2", "x86-64-v3")))
    assert found is not None
    assert [entry.hwcap for entry in found.entries["a"]] == ["x86-64-v3", "x86-64-v2", None]


def test_an_entry_of_a_hwcaps_directory_that_is_not_named_is_passed_over() -> None:
    found = parse_cache(
        cache([("a", "/v9/a", 0x303, EXTENSION | 9), ("a", "/a", 0x303, 0)], hwcaps=("x86-64-v2",))
    )
    assert found is not None
    assert [entry.path for entry in found.entries["a"]] == ["/a"]


def test_hwcap_bits_of_old_are_told() -> None:
    found = parse_cache(cache([("a", "/tls/a", 0x303, 1 << 63)]))
    assert found is not None
    assert found.entries["a"][0].hwcap == "0x8000000000000000"


@pytest.mark.parametrize(("order", "byte_order"), [("<", "little"), (">", "big")])
def test_the_old_form_is_read(order: str, byte_order: str) -> None:
    found = parse_cache(old_cache([("libc.so.6", "/lib/libc.so.6", 3)], order))
    assert found is not None
    assert (found.byte_order, dict(found.entries)) == (
        byte_order,
        {"libc.so.6": (CacheEntry(3, "/lib/libc.so.6"),)},
    )


@pytest.mark.parametrize("libraries", [1, 2])
def test_the_new_form_behind_the_old_one_counts(libraries: int) -> None:
    old = old_cache([("a", "/old", 3)] * libraries)
    table = 16 + 12 * libraries
    data = old[:table] + bytes(-table % 8) + cache([("a", "/new", 0x303, EXTENSION)], hwcaps=())
    found = parse_cache(data)
    assert found is not None
    assert list(found.entries) == ["a"]
    plain = parse_cache(old[:table] + bytes(-table % 8) + cache([("a", "/new", 0x303, 0)]))
    assert plain is not None
    assert plain.entries["a"][0].path == "/new"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        b"glibc-ld.so.cache1.1",
        b"glibc-ld.so.cache1.2" + bytes(100),
        cache([("a", "/a", 3, 0)])[:60],
        cache([("a", "/a", 3, 0)], header_flags=1),
        b"ld.so-1.7.0\0",
        b"ld.so-1.7.0\0" + b"\xff" * 10,
    ],
)
def test_what_is_no_cache_is_ignored_as_the_loader_does(data: bytes) -> None:
    assert parse_cache(data) is None


def test_strings_outside_the_file_are_no_entries() -> None:
    data = bytearray(cache([("a", "/a", 3, 0), ("b", "/b", 3, 0)]))
    struct.pack_into("<I", data, 48 + 4, 1 << 31)
    struct.pack_into("<I", data, 48 + 24 + 8, 1 << 31)
    found = parse_cache(bytes(data))
    assert found is not None
    assert dict(found.entries) == {"b": ()}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_cache_never_breaks(data: st.DataObject) -> None:
    blob = bytearray(cache([("a", "/a", 3, EXTENSION), ("b", "/b", 3, 0)], hwcaps=("x86-64-v2",)))
    for _ in range(data.draw(st.integers(1, 4))):
        blob[data.draw(st.integers(20, len(blob) - 1))] = data.draw(st.integers(0, 255))
    found = parse_cache(bytes(blob))
    assert found is None or all(
        entry.path for entries in found.entries.values() for entry in entries
    )


def test_a_real_cache_is_read_as_ldconfig_reads_it() -> None:
    real = Path("/etc/ld.so.cache")
    if not real.exists() or not real.read_bytes().startswith(b"glibc-ld.so.cache1.1"):
        pytest.skip("this machine has no /etc/ld.so.cache of the new form")
    found = parse_cache(real.read_bytes())
    assert found is not None
    paths = [entry.path for entries in found.entries.values() for entry in entries]
    assert len(paths) == struct.unpack_from("=I", real.read_bytes(), 20)[0]
    assert all(path.startswith("/") for path in paths)


def test_musls_path_is_split_at_colons_and_newlines_only() -> None:
    assert musl_path("/lib:/usr/lib\n\n/opt/my lib\n") == ("/lib", "/usr/lib", "/opt/my lib")
    assert musl_path("") == musl_path("\n:\n") == ()
    assert musl_path("/a\0/b") == ("/a",)


def test_the_preload_list_is_split_at_blanks_and_colons_without_comments() -> None:
    assert preload("/a.so b.so:c.so\t/d.so # e.so\n#f.so\ng.so") == (
        "/a.so",
        "b.so",
        "c.so",
        "/d.so",
        "g.so",
    )
