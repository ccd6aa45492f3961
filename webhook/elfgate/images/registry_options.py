"""How registries are asked."""

from dataclasses import dataclass, field
from pathlib import Path

from elfgate.images.indexer import Indexer, LocalIndexer
from elfgate.images.source import Watch


@dataclass(frozen=True, slots=True)
class RegistryOptions:
    """How registries are asked.

    Attributes:
        plain_http: Hosts (with their ports) that are asked without TLS, besides those of this
            machine.
        config_path: Folders like ``/etc/containerd/certs.d``, with a ``hosts.toml`` for each
            registry.
        loopback: Whether a reference may name a registry on this machine.
        named: Registries that may be on this machine even if others may not.
        connect_seconds: How long a host may take to take a connection.
        read_seconds: How long it may say nothing.
        document_seconds: How long a tag, index, manifest or config may take in all.
        watch: Told what is fetched of layers, from any thread.
        indexer: What makes indexes of layers, and short documents of heavy ones.
    """

    plain_http: frozenset[str] = frozenset()
    config_path: tuple[Path, ...] = ()
    loopback: bool = True
    named: frozenset[str] = frozenset()
    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    document_seconds: float = 30.0
    watch: Watch | None = None
    indexer: Indexer = field(default_factory=LocalIndexer)
