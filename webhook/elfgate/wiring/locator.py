"""The sources of images as they are written: registries, and paths of this machine."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.images.reference import Location, Reference, Transport
from elfgate.images.source import Limits, Source
from elfgate.scan.asker import ANYBODY, Asker
from elfgate.scan.reader import Located
from elfgate.wiring.reading import Reading

if TYPE_CHECKING:
    from elfgate.images.indexer import Indexer
    from elfgate.images.keyring import Keyring
    from elfgate.images.registry import Registries


class Locator:
    """Finds the source of an image as written, and keeps the source.

    A registry's tokens and connections are shared.
    """

    def __init__(self, reading: Reading, indexer: "Indexer | None" = None) -> None:
        self._reading = reading
        self._indexer = indexer
        self._elsewhere = {
            str(Reference.parse(name)): Location.parse(at) for name, at in reading.images.items()
        }
        self._sources: dict[tuple[str, str], Source] = {}
        self._registries: Registries | None = None

    def __call__(self, image: str, asker: Asker = ANYBODY) -> Located:
        """Find an image's source.

        Args:
            image: As it was written.
            asker: Who asks.

        Raises:
            InputError: if ``image`` is neither a reference nor a location.
        """
        location = Location.parse(image)
        reference = location.reference
        if reference is None:
            source = self._source(location, None)
            return Located(image, source, location.name, namespace=asker.namespace)
        elsewhere = self._elsewhere.get(str(reference))
        if elsewhere is not None:
            return self._at(elsewhere, image, reference, asker)
        keyring = asker.keyring
        return Located(
            image,
            self._source(location, keyring),
            location.name,
            reference.familiar_name,
            reference.tag,
            asker=None if keyring is None else keyring.identity(reference.name),
            namespace=asker.namespace,
            host=reference.registry,
        )

    def _at(self, place: Location, image: str, named: Reference, asker: Asker) -> Located:
        """An image that is to be had elsewhere."""
        return Located(
            image,
            self._source(place, None),
            place.name,
            named.familiar_name,
            named.tag,
            namespace=asker.namespace,
            host=place.reference.registry if place.reference else "",
            pushed=False,
        )

    def close(self) -> None:
        """Close connections."""
        if self._registries is not None:
            self._registries.close()

    def _source(self, location: Location, keyring: "Keyring | None") -> Source:
        if location.reference is not None:
            return self._registry().repository(location.reference, keyring)
        key = (location.transport, location.path)
        if key not in self._sources:
            self._sources[key] = _local(location, self._reading.limits, self._indexer)
        return self._sources[key]

    def _registry(self) -> "Registries":
        if self._registries is None:
            places = (location.reference for location in self._elsewhere.values())
            named = frozenset(place.registry for place in places if place is not None)
            self._registries = _registries(self._reading, named, self._indexer)
        return self._registries


def _registries(reading: Reading, named: frozenset[str], indexer: "Indexer | None") -> "Registries":
    """Registries, as the settings say, with the credentials that all who ask share.

    Raises:
        InputError: if a file of credentials cannot be used.
    """
    from elfgate.images.auth import Chain, Credentials
    from elfgate.images.docker_config import DockerConfig
    from elfgate.images.registry import Registries, RegistryOptions

    said = reading.registries
    shared: list[Credentials] = []
    if said.credential_providers is not None:
        from elfgate.images.credential_provider import CredentialProviders

        shared.append(
            CredentialProviders.read(
                said.credential_providers.config, said.credential_providers.folder
            )
        )
    shared.append(DockerConfig.read(said.docker_config or docker_config()))
    options = RegistryOptions(
        plain_http=frozenset(said.insecure),
        config_path=said.config_path,
        loopback=said.loopback,
        named=named,
        watch=reading.watch,
    )
    if indexer is not None:
        options = replace(options, indexer=indexer)
    return Registries(Chain(*shared), options=options, limits=reading.limits)


def docker_config() -> Path:
    """``config.json`` in ``DOCKER_CONFIG``, else in ``~/.docker``.

    Source: Docker's command line reference.
    """
    folder = os.environ.get("DOCKER_CONFIG")
    try:
        return (Path(folder) if folder else Path.home() / ".docker") / "config.json"
    except RuntimeError:  # nobody knows the user that runs this, who so has none
        return Path("/.docker/config.json")


def _local(location: Location, limits: Limits, indexer: "Indexer | None") -> Source:
    """The source behind a path of this machine; only the code for that kind is loaded."""
    match location.transport:
        case Transport.FILE:
            from elfgate.images.program import Program

            return Program(location.path)
        case Transport.OCI:
            from elfgate.images.layout import Folder, Layout

            return Layout(Folder(location.path), limits, indexer)
        case Transport.OCI_ARCHIVE:
            from elfgate.images.archive import Archive
            from elfgate.images.layout import Layout

            return Layout(Archive(location.path, limits), limits, indexer)
        case Transport.DOCKER_ARCHIVE:
            from elfgate.images.docker_archive import open_docker_archive

            return open_docker_archive(location.path, limits, indexer)
        case _:
            from elfgate.images.directory import Directory

            return Directory(location.path, limits)
