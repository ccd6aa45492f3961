"""Pushes a release's layout into a registry.

The image, the chart, and the signatures and statements beside each.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from elfgate.errors import InputError
from elfgate.images.docker_config import DockerConfig
from elfgate.images.reference import Reference
from elfgate.images.upload import Upload
from elfgate.wiring.locator import docker_config
from lab.fetched import LabError

_INDEX = "application/vnd.oci.image.index.v1+json"
_NAME = "org.opencontainers.image.ref.name"
_SECONDS = 600.0


async def publish(layout: Path, registry: str, *, plain_http: bool) -> list[str]:
    """Push everything that has a name in the layout.

    ``elfgate:1.2.0`` becomes ``REGISTRY/elfgate:1.2.0``.

    The credentials are the user's own: those that ``docker login`` wrote.

    Args:
        layout: The layout's folder.
        registry: The registry and the path that stands before each name.
        plain_http: Speak HTTP without TLS.

    Returns:
        The references pushed, each with its digest.

    Raises:
        LabError: if the registry does not take one.
    """
    docker = DockerConfig.read(docker_config())
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
        pushed = []
        for descriptor in _index(layout)["manifests"]:
            name = descriptor["annotations"][_NAME]
            reference = Reference.parse(f"{registry}/{name}")
            found = docker.find(reference.name)
            credential = found[0] if found else None
            upload = Upload(session, reference, credential, plain_http=plain_http)
            try:
                await _push(upload, layout, descriptor, name="")
            except (InputError, aiohttp.ClientError, TimeoutError) as error:
                raise LabError(f"{registry}/{name}: {error}") from error
            pushed.append(f"{registry}/{name}@{descriptor['digest']}")
        return pushed


async def _push(upload: Upload, layout: Path, descriptor: Mapping[str, Any], *, name: str) -> None:
    """Push a manifest or an index, after all that it refers to."""
    content = _read(layout, descriptor)
    document = json.loads(content)
    for child in document.get("manifests", ()):
        await _push(upload, layout, child, name=child["digest"])
    for blob in _blobs(document):
        await upload.put_blob(_read(layout, blob))
    media_type = document.get("mediaType", _INDEX)
    await upload.put_manifest(content, name=name, media_type=media_type)


def _blobs(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "config" in document:
        yield document["config"]
        yield from document["layers"]


def _index(layout: Path) -> Any:
    return json.loads((layout / "index.json").read_bytes())


def _read(layout: Path, descriptor: Mapping[str, Any]) -> bytes:
    digest: str = descriptor["digest"]
    return (layout / "blobs" / digest.replace(":", "/")).read_bytes()
