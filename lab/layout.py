"""Writes an OCI image layout of layers, configs, manifests and indexes.

It is always the same bytes. Source: OCI image spec 1.1.
"""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

OCI = "application/vnd.oci.image"


@dataclass(frozen=True, slots=True)
class File:
    """A file, symlink or directory of a layer; the directories above it come by themselves.

    Attributes:
        path: Within the image, without a leading slash.
        content: A file's bytes.
        mode: A file's or directory's permission bits.
        link: A symlink's target; empty for a file.
        directory: It is a directory, which is only needed if it is to be empty, or of another mode
            than 0755.
    """

    path: str
    content: bytes = b""
    mode: int = 0o644
    link: str = ""
    directory: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer that has been written: what manifest and config say of it."""

    descriptor: Mapping[str, Any]
    diff_id: str


class Layout:
    """An image layout that is being written.

    Args:
        folder: Where; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._tagged: list[dict[str, Any]] = []

    def layer(self, files: Iterable[File]) -> Layer:
        """Write a gzip layer."""
        return self.archived(_tar(files))

    def archived(self, archive: bytes) -> Layer:
        """Write a gzip layer of a tar archive as it is."""
        packed = gzip.compress(archive, compresslevel=1, mtime=0)
        return Layer(self._blob(f"{OCI}.layer.v1.tar+gzip", packed), _digest(archive))

    def image(
        self, architecture: str, layers: Sequence[Layer], config: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Write config and manifest of one platform's image (``arm/v7`` too).

        The descriptor for its index.
        """
        name, _, variant = architecture.partition("/")
        platform = {"architecture": name, "os": "linux"} | ({"variant": variant} if variant else {})
        rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
        document = {**platform, "config": config, "rootfs": rootfs}
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": self._blob(f"{OCI}.config.v1+json", _json(document)),
            "layers": [layer.descriptor for layer in layers],
        }
        descriptor = self._blob(manifest["mediaType"], _json(manifest))
        return descriptor | {"platform": platform}

    def tag(self, name: str, manifests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Write the index of an image with one manifest a platform, under a name.

        Returns its descriptor.
        """
        index = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": manifests}
        return self._named(name, self._blob(index["mediaType"], _json(index)))

    def artifact(
        self, name: str, config: Mapping[str, Any], layers: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Write the manifest of an artifact (no image, or one of no platform) under a name.

        Its descriptor.
        """
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": config,
            "layers": layers,
        }
        return self._named(name, self._blob(manifest["mediaType"], _json(manifest)))

    def adopt(self, other: Path, name: str) -> dict[str, Any]:
        """Take over the only image of another layout, under a name; its descriptor."""
        for blob in (other / "blobs" / "sha256").iterdir():
            shutil.copyfile(blob, self._blobs / blob.name)
        (descriptor,) = json.loads((other / "index.json").read_bytes())["manifests"]
        return self._named(name, {key: descriptor[key] for key in ("mediaType", "digest", "size")})

    def blob(self, media_type: str, content: bytes) -> dict[str, Any]:
        """Write a blob; its descriptor."""
        return self._blob(media_type, content)

    def document(self, media_type: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Write a JSON document; its descriptor."""
        return self._blob(media_type, _json(document))

    def finish(self) -> None:
        """Write what makes the folder a layout."""
        index = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": self._tagged}
        (self._folder / "index.json").write_bytes(_json(index))
        (self._folder / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))

    def _named(self, name: str, descriptor: dict[str, Any]) -> dict[str, Any]:
        """Put what a descriptor is of into the layout's index, under a name."""
        annotations = {"org.opencontainers.image.ref.name": name}
        self._tagged.append(descriptor | {"annotations": annotations})
        return descriptor

    def _blob(self, media_type: Any, content: bytes) -> dict[str, Any]:
        digest = _digest(content)
        (self._blobs / digest.removeprefix("sha256:")).write_bytes(content)
        return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _tar(files: Iterable[File]) -> bytes:
    """A layer's archive.

    Owned by root, dated 1970, every directory once and before what is in it.
    """
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        seen = {"."}
        for file in files:
            for above in reversed(PurePosixPath(file.path).parents):
                if str(above) not in seen:
                    seen.add(str(above))
                    archive.addfile(_header(str(above), tarfile.DIRTYPE, 0o755))
            if file.directory:
                seen.add(file.path)
                archive.addfile(_header(file.path, tarfile.DIRTYPE, file.mode))
            elif file.link:
                entry = _header(file.path, tarfile.SYMTYPE, 0o777)
                entry.linkname = file.link
                archive.addfile(entry)
            else:
                entry = _header(file.path, tarfile.REGTYPE, file.mode)
                entry.size = len(file.content)
                archive.addfile(entry, io.BytesIO(file.content))
    return stream.getvalue()


def _header(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = kind, mode
    return entry


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
