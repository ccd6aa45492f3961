"""Layers with a table of contents, eStargz and zstd:chunked, written as their tools do; a table may be made to lie.

    layer, annotations = estargz({"app": program(elf)})

Both are sound archives for whoever knows nothing of the table.
"""

import base64
import gzip
import io
import json
import struct
import tarfile
from collections.abc import Callable, Mapping
from typing import Any

import zstandard

from .oci import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, Blob, json_blob, sha256
from .tarball import Item, tarball

_TYPES = {
    tarfile.REGTYPE: "reg",
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.FIFOTYPE: "fifo",
    tarfile.CHRTYPE: "char",
}
Content = Mapping[str, Item | str | bytes]
Change = Callable[[dict[str, Any]], None]


def _unchanged(_table: dict[str, Any]) -> None:
    pass


def _parts(content: Content, chunk: int) -> list[tuple[dict[str, Any] | None, bytes]]:
    """The tar in pieces to be packed apart: those of files with their entries, and what lies between them with None."""
    data, at = tarball(content), 0
    parts: list[tuple[dict[str, Any] | None, bytes]] = []
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for info in archive:
            entry = {
                "name": info.name,
                "type": _TYPES[info.type],
                "mode": info.mode,
                "uid": info.uid,
                "gid": info.gid,
            }
            entry |= {"linkName": info.linkname} if info.linkname else {}
            if capability := info.pax_headers.get("SCHILY.xattr.security.capability"):
                value = base64.b64encode(capability.encode("utf-8", "surrogateescape")).decode()
                entry["xattrs"] = {"security.capability": value}
            if not info.size:
                parts.append((entry, b""))
                continue
            parts.append((None, data[at : info.offset_data]))
            at = info.offset_data + info.size
            file = data[info.offset_data : at]
            entry |= {"size": info.size, "digest": sha256(file)}
            for start in range(0, info.size, chunk):
                piece = file[start : start + chunk]
                if start:
                    entry = {"name": info.name, "type": "chunk", "chunkOffset": start}
                if info.size > chunk:
                    entry |= {"chunkSize": len(piece), "chunkDigest": sha256(piece)}
                parts.append((entry, piece))
    return [*parts, (None, data[at:])]


def _packed(
    content: Content, chunk: int, pack: Callable[[bytes], bytes]
) -> tuple[bytearray, dict[str, Any]]:
    blob, entries = bytearray(), []
    for entry, piece in _parts(content, chunk):
        if entry is not None:
            entries.append(entry | ({"offset": len(blob)} if piece else {}))
        if piece:
            blob += pack(piece)
    return blob, {"version": 1, "entries": entries}


def estargz(
    content: Content, *, chunk: int = 1 << 22, lie: Change = _unchanged
) -> tuple[bytes, dict[str, str]]:
    """A layer and the annotations of its descriptor; ``lie`` changes the table before it is written."""
    blob, table = _packed(content, chunk, lambda data: gzip.compress(data, mtime=0))
    lie(table)
    document = json.dumps(table).encode()
    place = len(blob)
    blob += gzip.compress(tarball({"stargz.index.json": document}, tarfile.GNU_FORMAT), mtime=0)
    extra = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % place
    blob += b"\x1f\x8b\x08\x04" + bytes(4) + b"\x00\xff" + struct.pack("<H", len(extra)) + extra
    blob += b"\x01\x00\x00\xff\xff" + bytes(8)
    return bytes(blob), {"containerd.io/snapshot/stargz/toc.digest": sha256(document)}


def zstd_chunked(
    content: Content, *, chunk: int = 1 << 22, lie: Change = _unchanged
) -> tuple[bytes, dict[str, str]]:
    """The same in the other form."""
    blob, table = _packed(content, chunk, zstandard.compress)
    lie(table)
    document = json.dumps(table).encode()
    packed = zstandard.compress(document)
    place = len(blob) + 8
    blob += b"\x50\x2a\x4d\x18" + struct.pack("<I", len(packed)) + packed
    name = "io.github.containers.zstd-chunked.manifest"
    position = f"{place}:{len(packed)}:{len(document)}:1"
    return bytes(blob), {f"{name}-checksum": sha256(packed), f"{name}-position": position}


def image_of(layer: bytes, annotations: Mapping[str, str], *, entrypoint: list[str]) -> Blob:
    """An image of one such layer."""
    config = json_blob(
        OCI_CONFIG, {"architecture": "amd64", "os": "linux", "config": {"Entrypoint": entrypoint}}
    )
    kind = "zstd" if layer.startswith(b"\x28") else "gzip"
    blob = Blob(f"{OCI_LAYER}+{kind}", layer)
    descriptor = blob.descriptor(annotations=dict(annotations))
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config.descriptor(),
        "layers": [descriptor],
    }
    return json_blob(OCI_MANIFEST, document, [config, blob])
