"""The ways into one repository.

Each host that serves it, asked with each credential that it may take, in order.

Sources: containerd's ``core/remotes/docker`` (mirrors are tried in the order of ``hosts.toml``, the
next whenever one does not answer with the thing; ``ns`` tells a mirror whose image is meant); the
kubelet (credentials are tried in turn).

One difference is on purpose: containerd offers a pod's credentials to every mirror. Here a
credential goes to the host that it is written for, so a mirror is asked with what is known for the
mirror's own name.
"""

import threading
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.addresses import is_loopback_host
from elfgate.images.api import Api
from elfgate.images.auth import Credential, Credentials
from elfgate.images.connections import Connections
from elfgate.images.hosts import DOCKER_HUB, Capability, Host, HostsFolders
from elfgate.images.reference import DEFAULT_REGISTRY, Reference

T = TypeVar("T")
# Another way in may have what this one does not; with the most telling reason last.
_WORTH_ANOTHER = (
    UnknownReason.REGISTRY_UNREACHABLE,
    UnknownReason.IMAGE_NOT_FOUND,
    UnknownReason.NO_CREDENTIALS,
)


class Doors:
    """The ways into one repository. Thread-safe.

    Args:
        reference: The repository's.
        hosts: Who serves it.
        credentials: Who knows credentials.
        connections: Where connections come from.
        loopback: Whether a reference may name a registry on this machine; a file always may.
    """

    def __init__(
        self,
        reference: Reference,
        hosts: HostsFolders,
        credentials: Credentials,
        connections: Connections,
        *,
        loopback: bool,
    ) -> None:
        self._reference = reference
        self._hosts = hosts
        self._credentials = credentials
        self._connections = connections
        self._loopback = loopback
        self._lock = threading.Lock()
        self._apis: dict[tuple[Host, Credential | None], Api] = {}
        self._opened: dict[Host, Credential | None] = {}  # what was taken last, and is tried first

    def first(self, capabilities: AbstractSet[Capability], what: str, ask: Callable[[Api], T]) -> T:
        """The answer of the first way in that has one.

        Args:
            capabilities: What a host must be allowed to do to be asked.
            what: The thing asked for, for messages.
            ask: Asks for it.

        Raises:
            UnreadableError: if none has: the most telling of their errors.
        """
        failures: list[UnreadableError] = []
        for host in self._hosts.of(self._reference.registry):
            if not host.capabilities >= capabilities:
                continue
            try:
                return self._through(host, ask, failures)
            except UnreadableError as error:
                if error.reason not in _WORTH_ANOTHER:
                    raise
                failures.append(error)
        if not failures:
            message = f"{what} cannot be had: hosts.toml has no host that may be asked for it"
            raise UnreadableError(message, reason=UnknownReason.REGISTRY_UNREACHABLE)
        raise max(failures, key=lambda error: _WORTH_ANOTHER.index(error.reason))

    def _through(self, host: Host, ask: Callable[[Api], T], failures: list[UnreadableError]) -> T:
        """Ask one host, with each credential until one opens it."""
        for credential, api in self._keys(host):
            try:
                answer = ask(api)
            except UnreadableError as error:
                if error.reason not in _WORTH_ANOTHER:
                    raise
                failures.append(error)
            else:
                self._opened[host] = credential
                return answer
        raise failures.pop()

    def _keys(self, host: Host) -> Iterator[tuple[Credential | None, Api]]:
        credentials: tuple[Credential | None, ...] = tuple(
            self._credentials.find(self._name_at(host))
        ) or (None,)
        with self._lock:
            for stale in [
                key for key in self._apis if key[0] == host and key[1] not in credentials
            ]:
                del self._apis[
                    stale
                ]  # with its tokens: a secret that was withdrawn opens nothing any more
            last = self._opened.get(host)
            ordered = sorted(credentials, key=lambda credential: credential != last)
            apis = [(credential, self._api(host, credential)) for credential in ordered]
        yield from apis

    def _name_at(self, host: Host) -> str:
        """The repository as credentials know it: by the registry's name, or a mirror's own."""
        if self._is_registry(host):
            return self._reference.name
        return f"{host.address}/{self._reference.repository}"

    def _is_registry(self, host: Host) -> bool:
        registry = self._reference.registry
        return host.address == registry or (
            registry == DEFAULT_REGISTRY and host.address == DOCKER_HUB
        )

    def _api(self, host: Host, credential: Credential | None) -> Api:
        key = (host, credential)
        if key not in self._apis:
            here = is_loopback_host(urlsplit(f"//{host.address}").hostname or "")
            loopback = here and (host.configured or self._loopback)
            scheme = "http" if loopback and not host.configured else host.scheme
            query = "" if self._is_registry(host) else urlencode({"ns": self._reference.registry})
            self._apis[key] = Api(
                f"{scheme}://{host.address}{host.path}/{self._reference.repository}/",
                self._reference.repository,
                credential,
                self._connections,
                loopback=loopback,
                query=query,
                headers=host.headers,
                known=self._credentials.find,
                dial=replace(host.dial, own=host.configured or self._loopback),
            )
        return self._apis[key]
