"""The hosts that serve a registry's images.

Containerd's ``certs.d`` folders, so that nodes' own files can be used.

Sources: containerd's ``docs/hosts.md`` and ``core/remotes/docker/config`` (the folders' names,
``hosts.toml``, Docker's certificate files in its place).
"""

import threading
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from posixpath import normpath
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.dial import AS_USUAL, Dial
from elfgate.images.durations import seconds_of
from elfgate.images.reference import DEFAULT_REGISTRY

DOCKER_HUB = "registry-1.docker.io"  # where docker.io's API really is
_FILE_BYTES = 1 << 20
_REMEMBERED_SECONDS = 30.0  # containerd reads the files anew for each pull


class Capability(StrEnum):
    """The kinds of requests that a host takes."""

    PULL = "pull"  # content by its digest
    RESOLVE = "resolve"  # what a tag points at


_ALL = frozenset(Capability)


@dataclass(frozen=True, slots=True)
class Host:
    """One host that serves a registry's images.

    Attributes:
        scheme: ``http`` or ``https``.
        address: Host and, where given, port.
        path: The API's root, such as ``/v2``.
        capabilities: What it may be asked for.
        dial: How it is connected to.
        headers: Sent with every request to it; may hold secrets.
        configured: Whoever runs this named it, so that it may be on this machine.
    """

    scheme: str
    address: str
    path: str = "/v2"
    capabilities: frozenset[Capability] = _ALL
    dial: Dial = AS_USUAL
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    configured: bool = False


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _pairs(value: object) -> object:
    """A file that holds both certificate and key stands for a pair of itself and nothing."""
    many = _one_or_many(value)
    if not isinstance(many, list):
        return many
    return [(one, None) if isinstance(one, str) else one for one in many]


def _lower(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [one.lower() if isinstance(one, str) else one for one in value]


class _HostTable(BaseModel):
    capabilities: Annotated[list[str], BeforeValidator(_lower)] = []
    ca: Annotated[list[str], BeforeValidator(_one_or_many)] = []
    client: Annotated[list[tuple[str, str | None]], BeforeValidator(_pairs)] = []
    skip_verify: bool = False
    header: dict[str, Annotated[list[str], BeforeValidator(_one_or_many)]] = {}
    override_path: bool = False
    dial_timeout: Annotated[float | None, BeforeValidator(seconds_of)] = None


class _HostsFile(_HostTable):
    server: str = ""
    host: dict[str, _HostTable] = Field(default={})


class HostsFolders:
    """The hosts of each registry, as the files of some folders say. Thread-safe.

    Args:
        roots: Folders like ``/etc/containerd/certs.d``, the first that knows a registry first.
        plain_http: Registries that are asked without TLS where no file says anything.
    """

    def __init__(
        self, roots: Sequence[Path] = (), *, plain_http: frozenset[str] = frozenset()
    ) -> None:
        self._roots = tuple(roots)
        self._plain_http = plain_http
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, tuple[Host, ...]]] = {}

    def of(self, registry: str) -> tuple[Host, ...]:
        """The hosts to ask for a registry's images, in order.

        Changed files count after half a minute.

        Raises:
            UnreadableError: REGISTRY_UNREACHABLE if a file cannot be used. containerd then passes
                over the whole folder; but what nodes would do with a file that is being written is
                not known.
        """
        with self._lock:
            until, hosts = self._known.get(registry, (0.0, ()))
            if time.monotonic() < until:
                return hosts
        hosts = self._read(registry)
        with self._lock:
            if len(self._known) >= 4_096:  # pods may name any number of registries
                self._known.clear()
            self._known[registry] = time.monotonic() + _REMEMBERED_SECONDS, hosts
        return hosts

    def _read(self, registry: str) -> tuple[Host, ...]:
        default = self._default(registry)
        folder = self._folder(registry)
        if folder is None:
            return (default,)
        try:
            text = _contents(folder / "hosts.toml")
            return (
                tuple(_hosts(text, folder, default))
                if text
                else (_with_certificates(folder, default),)
            )
        except (OSError, ValueError) as error:
            raise UnreadableError(
                f"{folder / 'hosts.toml'} cannot be used: {_why(error)}",
                reason=UnknownReason.REGISTRY_UNREACHABLE,
            ) from error

    def _folder(self, registry: str) -> Path | None:
        """The folder of a registry.

        ``host:port`` is also written ``host_port_``, which file systems like better.
        """
        host, colon, port = registry.rpartition(":")
        names = [f"{host}_{port}_"] if colon else []
        paths = (root / name for root in self._roots for name in (*names, registry, "_default"))
        return next((path for path in paths if path.is_dir()), None)

    def _default(self, registry: str) -> Host:
        if registry == DEFAULT_REGISTRY:
            return Host("https", DOCKER_HUB)
        if registry in self._plain_http:
            return Host("http", registry, configured=True)
        return Host("https", registry)


def _contents(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_BYTES + 1)
    except FileNotFoundError:
        return ""
    if len(data) > _FILE_BYTES:
        raise ValueError(f"it is larger than {_FILE_BYTES} bytes")
    return data.decode()


def _hosts(text: str, folder: Path, default: Host) -> Iterator[Host]:
    """The hosts of a file in its order, then its server.

    The server is the registry itself if none is named.
    """
    file = _HostsFile.model_validate(tomllib.loads(text))
    for url, table in file.host.items():
        yield _host(url, table, folder, default)
    yield _host(file.server, file, folder, default)


def _host(url: str, table: _HostTable, folder: Path, default: Host) -> Host:
    if url:
        scheme, address, path = _endpoint(url, override_path=table.override_path)
        capabilities = _capabilities(table)
    else:
        scheme, address, path, capabilities = default.scheme, default.address, default.path, _ALL
    pairs = ((str(folder / cert), str(folder / key) if key else None) for cert, key in table.client)
    dial = Dial(
        ca=tuple(str(folder / file) for file in table.ca),
        client=tuple(pairs),
        skip_verify=table.skip_verify,
        connect_seconds=table.dial_timeout,
    )
    headers = tuple((name, value) for name, values in table.header.items() for value in values)
    return Host(scheme, address, path, capabilities, dial, headers, configured=True)


def _endpoint(url: str, *, override_path: bool) -> tuple[str, str, str]:
    parts = urlsplit(url if url.startswith("http") else f"https://{url}")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username:
        raise ValueError(f"{url!r} is not the URL of a host")
    path = normpath(parts.path) if parts.path else ""
    path = "" if path == "/" else path
    if not override_path and not path.endswith("/v2"):
        path += "/v2"
    return parts.scheme, parts.netloc, path


def _capabilities(table: _HostTable) -> frozenset[Capability]:
    unknown = set(table.capabilities) - {"pull", "resolve", "push"}
    if unknown:
        raise ValueError(f"unknown capability {min(unknown)!r}")
    return frozenset(
        capability for capability in Capability if capability in table.capabilities
    ) or (frozenset() if table.capabilities else _ALL)


def _with_certificates(folder: Path, default: Host) -> Host:
    """Docker's form.

    Authorities in ``*.crt``, this client's certificates in ``*.cert``, each with its ``*.key``.
    """
    ca = tuple(str(path) for path in sorted(folder.glob("*.crt")))
    client = tuple(
        (str(path), str(path.with_suffix(".key"))) for path in sorted(folder.glob("*.cert"))
    )
    return Host(default.scheme, default.address, dial=Dial(ca=ca, client=client), configured=True)


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first: Any = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return " ".join(str(error).split())
