"""The parts of an image, as its own bill of materials tells them, held against what is pinned."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab import locked

_BILL = "usr/share/sbom/elfgate.cdx.json"


def unpinned(layout: Path) -> list[str]:
    """Each Debian package of an image that ``requirements/debian.txt`` does not pin.

    Args:
        layout: The image's OCI layout, as ``make image`` writes it.
    """
    pinned = {pin.digest for pin in locked.pins()}
    return [
        f"{part['name']} {part['version']}"
        for part in _parts(layout)
        if part["purl"].startswith("pkg:deb/") and part["hashes"][0]["content"] not in pinned
    ]


def _parts(layout: Path) -> Iterator[dict[str, Any]]:
    """The parts of every platform's image."""
    index = _read(layout, json.loads((layout / "index.json").read_bytes())["manifests"][0])
    for each in index["manifests"]:
        manifest = _read(layout, each)
        with tarfile.open(_path(layout, manifest["layers"][-1])) as archive:
            bill = archive.extractfile(_BILL)
            assert bill is not None  # noqa: S101 - lab/image.py writes it as a file
            yield from json.load(bill)["components"]


def _read(layout: Path, descriptor: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_path(layout, descriptor).read_bytes())
    return content


def _path(layout: Path, descriptor: dict[str, Any]) -> Path:
    digest: str = descriptor["digest"]
    return layout / "blobs" / digest.replace(":", "/")
