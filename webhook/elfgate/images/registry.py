"""Images in registries: connections, tokens and settings that all repositories share."""

import threading

from elfgate.images.auth import Chain, Credentials
from elfgate.images.connections import Connections
from elfgate.images.doors import Doors
from elfgate.images.hosts import HostsFolders
from elfgate.images.keyring import Keyring
from elfgate.images.reference import Reference
from elfgate.images.registry_options import RegistryOptions
from elfgate.images.repository import Repository
from elfgate.images.source import Limits

__all__ = ["Registries", "RegistryOptions", "Repository"]

_MOST_REPOSITORIES = 4_096  # remembered, with their tokens: pods may name any number of them


class Registries:
    """All registries: connections and tokens are shared between the sources made here. Thread-safe.

    Args:
        credentials: Who knows credentials, if anyone does.
        options: How registries are asked.
        limits: How much is read of what they answer.
    """

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        options: RegistryOptions | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._credentials = credentials or Chain()
        self._options = options or RegistryOptions()
        self._limits = limits or Limits()
        self._hosts = HostsFolders(self._options.config_path, plain_http=self._options.plain_http)
        self._connections = Connections(
            connect_seconds=self._options.connect_seconds, read_seconds=self._options.read_seconds
        )
        self._repositories: dict[tuple[str, str], Repository] = {}
        self._lock = threading.Lock()

    def repository(self, reference: Reference, keyring: Keyring | None = None) -> Repository:
        """The source of a reference's repository.

        Args:
            reference: Which.
            keyring: Credentials of whoever asks, tried before those that all share.
        """
        key = (reference.name, keyring.identity(reference.name) if keyring else "")
        with self._lock:
            found = self._repositories.pop(key, None)
            if found is None:
                found = self._repository(reference, keyring if key[1] else None)
            # Again at the end: the first is the one asked for longest ago.
            self._repositories[key] = found
            if len(self._repositories) > _MOST_REPOSITORIES:
                del self._repositories[next(iter(self._repositories))]
            return found

    def _repository(self, reference: Reference, keyring: Keyring | None) -> Repository:
        credentials = Chain(keyring, self._credentials) if keyring else self._credentials
        loopback = self._options.loopback or reference.registry in self._options.named
        doors = Doors(reference, self._hosts, credentials, self._connections, loopback=loopback)
        return Repository(reference.name, doors, self._options, self._limits)

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()
