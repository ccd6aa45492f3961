"""OCI and Docker images made in memory, to be served as a layout, an archive or a registry's content.

    app = image([layer_tar], platform="linux/ppc64le", entrypoint=["/bin/app"], compression="zstd")
    both = index([app, other])
    write_layout(path, {"1.0": both})                  # oci:path:1.0
    write_oci_archive(file, {"1.0": both})             # oci-archive:file:1.0
    write_docker_archive(file, {"example/app:1.0": app})
    Registry({"example/app": {"1.0": both}})           # support.registry

Layers are given as the bytes of plain tar archives (``support.tarball`` makes them), or as a ``Blob`` that may lie of
itself. Everything is deterministic, so images that are given the same base layer share its blob. Nothing of the product
is used here.
"""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import zstandard

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
REF_NAME = "org.opencontainers.image.ref.name"

_LAYER_TYPES = {
    ("oci", "plain"): OCI_LAYER,
    ("oci", "gzip"): f"{OCI_LAYER}+gzip",
    ("oci", "zstd"): f"{OCI_LAYER}+zstd",
    ("docker", "plain"): DOCKER_LAYER,
    ("docker", "gzip"): f"{DOCKER_LAYER}.gzip",
    ("docker", "zstd"): f"{DOCKER_LAYER}.zstd",
}


@dataclass(frozen=True)
class Blob:
    """Bytes with a media type, and the blobs that they lead to.

    Attributes:
        media_type: What they are.
        data: The bytes.
        children: What they name by digest.
        platform: What an index is to say of them, as an OCI platform object; None for nothing.
        annotations: What an index is to say of them.
        claims: A digest that is not theirs, to lie.
        claims_size: A size that is not theirs, to lie.
    """

    media_type: str
    data: bytes
    children: tuple["Blob", ...] = ()
    platform: Mapping[str, str] | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    claims: str = ""
    claims_size: int | None = None

    @cached_property
    def digest(self) -> str:
        return self.claims or sha256(self.data)

    def descriptor(self, **extra: Any) -> dict[str, Any]:
        """The descriptor by which others name this blob."""
        size = len(self.data) if self.claims_size is None else self.claims_size
        return {"mediaType": self.media_type, "digest": self.digest, "size": size, **extra}

    def everything(self) -> dict[str, "Blob"]:
        """This blob and all that it leads to, by digest."""
        found = {self.digest: self}
        for child in self.children:
            found |= child.everything()
        return found


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def sha512(data: bytes) -> str:
    return f"sha512:{hashlib.sha512(data).hexdigest()}"


def by_sha512(manifest: Blob) -> Blob:
    """An image's manifest as it is if its config and layers are named by sha512."""
    config, *layers = (replace(child, claims=sha512(child.data)) for child in manifest.children)
    document = manifest_of(manifest.media_type, config, layers)
    return json_blob(manifest.media_type, document, [config, *layers], platform=manifest.platform)


def compressed(data: bytes, compression: str) -> bytes:
    """``plain``, ``gzip`` or ``zstd``; the same bytes for the same input."""
    if compression == "gzip":
        return gzip.compress(data, mtime=0)
    return zstandard.ZstdCompressor().compress(data) if compression == "zstd" else data


def json_blob(media_type: str, document: Any, children: Iterable[Blob] = (), **more: Any) -> Blob:
    """A document as a blob."""
    return Blob(media_type, json.dumps(document).encode(), tuple(children), **more)


def image(
    layers: Sequence[bytes | Blob],
    *,
    platform: str = "linux/amd64",
    entrypoint: Sequence[str] | None = None,
    cmd: Sequence[str] | None = None,
    env: Sequence[str] = (),
    working_dir: str = "",
    user: str = "",
    compression: str = "gzip",
    flavour: str = "oci",
    config: Mapping[str, Any] | None = None,
) -> Blob:
    """An image's manifest, with its config and layers.

    Args:
        layers: Plain tar archives, or blobs as they are, bottom first.
        platform: ``os/architecture[/variant]``: what config and index say.
        entrypoint: ``Entrypoint``.
        cmd: ``Cmd``.
        env: ``NAME=value`` each.
        working_dir: ``WorkingDir``.
        user: ``User``.
        compression: ``gzip``, ``zstd`` or ``plain``.
        flavour: ``oci``, or ``docker`` for schema 2.
        config: Laid over the config's top level.
    """
    names = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
    start = {
        "Entrypoint": entrypoint,
        "Cmd": cmd,
        "Env": list(env) or None,
        "WorkingDir": working_dir,
        "User": user,
    }
    document = {
        **names,
        "config": {key: value for key, value in start.items() if value},
        "rootfs": {"type": "layers", "diff_ids": [_diff_id(layer) for layer in layers]},
        **(config or {}),
    }
    is_oci = flavour == "oci"
    config_blob = json_blob(OCI_CONFIG if is_oci else DOCKER_CONFIG, document)
    layer_type = _LAYER_TYPES[flavour, compression]
    blobs = [
        layer if isinstance(layer, Blob) else Blob(layer_type, compressed(layer, compression))
        for layer in layers
    ]
    manifest_type = OCI_MANIFEST if is_oci else DOCKER_MANIFEST
    return json_blob(
        manifest_type,
        manifest_of(manifest_type, config_blob, blobs),
        [config_blob, *blobs],
        platform=names,
    )


def manifest_of(
    media_type: str, config: Blob, layers: Iterable[Blob], **extra: Any
) -> dict[str, Any]:
    """A manifest's document."""
    return {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": config.descriptor(),
        "layers": [layer.descriptor() for layer in layers],
        **extra,
    }


def index(entries: Iterable[Blob], *, flavour: str = "oci") -> Blob:
    """An index (or Docker's manifest list) of images or of further indexes."""
    entries = list(entries)
    media_type = OCI_INDEX if flavour == "oci" else DOCKER_LIST
    manifests = [
        entry.descriptor(
            **({"platform": dict(entry.platform)} if entry.platform else {}),
            **({"annotations": dict(entry.annotations)} if entry.annotations else {}),
        )
        for entry in entries
    ]
    return json_blob(
        media_type, {"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}, entries
    )


def layout_files(images: Mapping[str, Blob]) -> dict[str, bytes]:
    """The files of an OCI layout that holds images under these tags, by path."""
    manifests = [
        blob.descriptor(annotations={REF_NAME: tag} if tag else {}) for tag, blob in images.items()
    ]
    files = {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": json.dumps(
            {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
        ).encode(),
    }
    for image_blob in images.values():
        for digest, blob in image_blob.everything().items():
            files[f"blobs/{digest.replace(':', '/')}"] = blob.data
    return files


def write_layout(path: Path, images: Mapping[str, Blob]) -> None:
    """Write an OCI layout folder."""
    for name, data in layout_files(images).items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)


def write_oci_archive(
    file: Path, images: Mapping[str, Blob], *, compression: str = "plain"
) -> None:
    """Write an OCI layout as a tar archive."""
    file.write_bytes(compressed(archive_of(layout_files(images)), compression))


def write_docker_archive(file: Path, images: Mapping[str, Blob]) -> None:
    """Write what ``docker save`` wrote before version 25: layers unpacked, no manifests."""
    file.write_bytes(archive_of(docker_archive_files(images)))


def docker_archive_files(images: Mapping[str, Blob]) -> dict[str, bytes]:
    """The files of an old ``docker save`` archive that holds images under these names, by path."""
    files: dict[str, bytes] = {}
    listing = []
    for name, manifest in images.items():
        config, *layers = manifest.children
        config_path = f"{config.digest.removeprefix('sha256:')}.json"
        files[config_path] = config.data
        paths = []
        for layer in layers:
            paths.append(f"{layer.digest.removeprefix('sha256:')}/layer.tar")
            files[paths[-1]] = decompressed(layer.data)
        listing.append({"Config": config_path, "RepoTags": [name], "Layers": paths})
    files["manifest.json"] = json.dumps(listing).encode()
    return files


def archive_of(files: Mapping[str, bytes]) -> bytes:
    """A plain tar of these files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def decompressed(data: bytes) -> bytes:
    """What ``compressed`` was given."""
    if data.startswith(b"\x1f\x8b"):
        return gzip.decompress(data)
    return (
        zstandard.ZstdDecompressor().decompress(data)
        if data.startswith(b"\x28\xb5\x2f\xfd")
        else data
    )


def _diff_id(layer: bytes | Blob) -> str:
    return sha256(decompressed(layer.data) if isinstance(layer, Blob) else layer)
