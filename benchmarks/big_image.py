"""Makes the image that layers.py reads: five layers of this machine's own files, as an OCI layout.

About 320 MB packed, 1,150 MB unpacked, 1,100 ELF files and 11,000 entries, where the machine has as
many. The same files give the same bytes: the order is by path, times and owners are zero, and gzip
is zlib's own at its default level (as Docker and buildah write it).
"""

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDERS = ("/usr/bin", "/usr/lib", "/usr/local", "/usr/sbin", "/usr/share")
SHARES = (0.30, 0.25, 0.20, 0.15, 0.10)  # of the bytes, layer by layer
ELF_FILES, ELF_SIZES = 1_130, range(16_000, 40 << 20)
OTHER_FILES, OTHER_SIZES = 10_000, range(4_096, 8 << 20)
COMPRESSED = (
    ".gz",
    ".jar",
    ".jmod",
    ".png",
    ".tgz",
    ".xz",
    ".zip",
)  # rarer in images than on this machine
TAG = "1"
LARGEST = ELF_SIZES.stop
_OCI = "application/vnd.oci.image"


@dataclass(frozen=True)
class Found:
    path: str
    size: int
    elf: bool


def ensure(folder: Path) -> Path:
    """Make the layout in ``folder`` unless it is there."""
    if not (folder / "index.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "blobs/sha256").mkdir(parents=True)
        with ProcessPoolExecutor() as processes:
            layers = list(processes.map(_write_layer, [folder] * len(SHARES), _layers()))
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": ["/usr/bin/env"]},
            "rootfs": {"type": "layers", "diff_ids": [layer["diff_id"] for layer in layers]},
        }
        _write_image(folder, config, [layer["descriptor"] for layer in layers])
    return folder


def _layers() -> list[list[str]]:
    """The paths of each layer."""
    found = sorted(_files(), key=lambda file: file.path)
    chosen = sorted(
        _spread([file for file in found if file.elf], ELF_FILES)
        + _spread([file for file in found if not file.elf], OTHER_FILES)
    )
    total = sum(size for _, size in chosen)
    layers: list[list[str]] = [[] for _ in SHARES]
    bounds = [sum(SHARES[: number + 1]) * total for number in range(len(SHARES))]
    number = seen = 0
    for path, size in chosen:
        while number + 1 < len(SHARES) and seen > bounds[number]:
            number += 1
        layers[number].append(path)
        seen += size
    return layers


def _files() -> Iterator[Found]:
    for top in FOLDERS:
        for folder, _, names in os.walk(top):
            for name in names:
                path = Path(folder, name)
                if (
                    name.endswith(COMPRESSED)
                    or path.is_symlink()
                    or not path.is_file()
                    or not os.access(path, os.R_OK)
                ):
                    continue
                with path.open("rb") as stream:
                    elf = stream.read(4) == b"\x7fELF"
                size = path.stat().st_size
                if size in (ELF_SIZES if elf else OTHER_SIZES):
                    yield Found(str(path), size, elf)


def _spread(files: list[Found], count: int) -> list[tuple[str, int]]:
    """At most ``count`` files, spread evenly over all that there are."""
    step = max(1.0, len(files) / count)
    chosen = [files[int(index * step)] for index in range(min(count, len(files)))]
    return [(file.path, file.size) for file in chosen]


def _write_layer(folder: Path, paths: list[str]) -> Any:
    """Write one blob, and return its descriptor, with ``diff_id`` beside."""
    plain = hashlib.sha256()
    scratch = folder / f"layer-{os.getpid()}"
    with (
        scratch.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=_Tee(packed, plain), mode="w|") as archive,
    ):
        for path in paths:
            archive.add(path, path.lstrip("/"), recursive=False, filter=_plain)
    data = scratch.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    scratch.rename(folder / "blobs/sha256" / digest)
    return {
        "diff_id": f"sha256:{plain.hexdigest()}",
        "descriptor": {
            "mediaType": f"{_OCI}.layer.v1.tar+gzip",
            "digest": f"sha256:{digest}",
            "size": len(data),
        },
    }


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.mtime = 0
    info.uname = info.gname = ""
    return info


class _Tee(io.RawIOBase):
    def __init__(self, file: gzip.GzipFile, digest: Any) -> None:
        self._file, self._digest = file, digest

    def write(self, data: Any) -> int:
        self._digest.update(data)
        return self._file.write(data)


def derived(base: Path, folder: Path) -> Path:
    """Make an image that adds a layer of a few programs to the one in ``base``."""
    if not (folder / "index.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "blobs/sha256").mkdir(parents=True)
        manifest, config = _documents(base)
        programs = [file.path for file in _files() if file.elf][:10]
        own = _write_layer(folder, programs)
        config["rootfs"]["diff_ids"].append(own["diff_id"])
        _write_image(folder, config, [*manifest["layers"], own["descriptor"]])
    return folder


def docker_archive(base: Path, archive: Path) -> Path:
    """Write the image in ``base`` as ``docker save`` does, for tools that read nothing else."""
    if not archive.exists():
        manifest, _ = _documents(base)
        names = {
            part["digest"]: part["digest"].replace(":", "/")
            for part in (manifest["config"], *manifest["layers"])
        }
        layers = [names[layer["digest"]] for layer in manifest["layers"]]
        index = [
            {
                "Config": names[manifest["config"]["digest"]],
                "RepoTags": ["bench:1"],
                "Layers": layers,
            }
        ]
        data = json.dumps(index).encode()
        with tarfile.open(archive.with_suffix(".part"), "w") as tar:
            for name in names.values():
                tar.add(base / "blobs" / name, name, filter=_plain)
            info = tarfile.TarInfo("manifest.json")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        archive.with_suffix(".part").rename(archive)
    return archive


def _documents(folder: Path) -> tuple[Any, Any]:
    """The manifest and the config of a layout's only image."""

    def load(descriptor: Any) -> Any:
        return json.loads((folder / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes())

    manifest = load(json.loads((folder / "index.json").read_bytes())["manifests"][0])
    return manifest, load(manifest["config"])


def _write_image(folder: Path, config: Any, layers: list[Any]) -> None:
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}.manifest.v1+json",
        "config": _write(folder, f"{_OCI}.config.v1+json", config),
        "layers": layers,
    }
    named = _write(folder, f"{_OCI}.manifest.v1+json", manifest)
    named["annotations"] = {"org.opencontainers.image.ref.name": TAG}
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))


def _write(folder: Path, media_type: str, document: Any) -> Any:
    data = json.dumps(document).encode()
    digest = hashlib.sha256(data).hexdigest()
    (folder / "blobs/sha256" / digest).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}
