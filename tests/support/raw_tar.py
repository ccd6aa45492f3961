"""Tar headers byte by byte, as no library would write them."""

import struct

from elfgate.rootfs.entry import Entry
from elfgate.rootfs.layer import Layer


def entry(of: Layer, path: str) -> Entry:
    parent, _, name = path.rpartition("/")
    return of.entries(parent or "/")[name]


def header(
    name: bytes,
    kind: bytes = b"0",
    size: bytes = b"0",
    magic: bytes = b"ustar\x0000",
    **fields: bytes,
) -> bytes:
    """A raw header, for what tarfile would not write."""
    parts = {
        "mode": b"0000755",
        "uid": b"0",
        "gid": b"0",
        "link": b"",
        "prefix": b"",
        "end": b"",
        **fields,
    }
    block = bytearray(
        struct.pack(
            "100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12s",
            name,
            parts["mode"],
            parts["uid"],
            parts["gid"],
            size,
            b"0",
            b" " * 8,
            kind,
            parts["link"],
            magic,
            b"",
            b"",
            b"",
            b"",
            parts["prefix"],
            parts["end"],
        )
    )
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def record(key: str, value: bytes) -> bytes:
    rest = b" " + key.encode() + b"=" + value + b"\n"
    return next(
        b"%d" % size + rest
        for size in range(len(rest), len(rest) + 9)
        if size == len(rest) + len(str(size))
    )


def extended_header(records: dict[str, bytes], kind: bytes = b"x") -> bytes:
    data = b"".join(record(key, value) for key, value in records.items())
    return header(b"extended", kind, b"%o" % len(data)) + data + bytes(-len(data) % 512)


END = bytes(1024)
