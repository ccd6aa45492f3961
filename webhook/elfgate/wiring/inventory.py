"""The cluster: its nodes, from a file or followed, and what else is asked of it."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from elfgate.cluster.access import Access
from elfgate.cluster.api import Api
from elfgate.cluster.binding import Bindings
from elfgate.cluster.events import Events
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.namespaces import Read
from elfgate.cluster.nodes import Node, read_nodes
from elfgate.cluster.pullsecrets import PullSecrets
from elfgate.cluster.watch import NodeWatch
from elfgate.given_file import OBJECTS_BYTES, contents
from elfgate.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cluster:
    """The knowledge of the cluster's nodes.

    Attributes:
        inventory: The nodes there are.
        synced: Tells whether all of them are known.
        api: Its API server; None if nothing that is set needs it.
        heard: Tells when it last told something of its nodes, in monotonic seconds; None if they
            come from a file.
    """

    inventory: Inventory
    synced: Callable[[], bool]
    api: Api | None = None
    heard: Callable[[], float] | None = None

    @property
    def bindings(self) -> Bindings | None:
        """Finds what a binding is about."""
        return Bindings(self.api, self.inventory) if self.api else None

    def pull_secrets(self, settings: Settings) -> PullSecrets | None:
        """Knows workloads' own credentials, if they count; used for verified clients only."""
        if self.api is None or not settings.registries.pull_secrets:
            return None
        verified = settings.tls is not None and settings.tls.client_ca is not None
        if not verified:
            log.warning(
                "pull secrets are not used: anybody may ask for any namespace while tls.client_ca"
                " is not set"
            )
        return PullSecrets(self.api, withheld=not verified)

    @property
    def namespaces(self) -> Read | None:
        """Reads the labels of namespaces."""
        return Read(self.api) if self.api else None

    @property
    def events(self) -> Events | None:
        """Writes events."""
        return Events(self.api) if self.api else None


@asynccontextmanager
async def cluster(settings: Settings) -> AsyncIterator[Cluster]:
    """The nodes that the settings name.

    A file's nodes, or its own, followed while the context lasts.

    Raises:
        InputError: if the file of nodes or the kubeconfig cannot be read.
    """
    if not (
        settings.nodes.watch
        or settings.registries.pull_secrets
        or settings.admission.bindings
        or settings.admission.events
        or settings.admission.namespace_labels
    ):
        inventory = _from_file(settings)
        yield Cluster(inventory, lambda: len(inventory) > 0)
        return
    with Api(Access(settings.cluster.kubeconfig, settings.cluster.context)) as api:
        if not settings.nodes.watch:
            inventory = _from_file(settings)
            yield Cluster(inventory, lambda: len(inventory) > 0, api)
            return
        watch = NodeWatch(api, Inventory(), stale_seconds=settings.nodes.stale_seconds)
        async with watch.following():
            yield Cluster(watch.inventory, lambda: watch.synced, api, lambda: watch.heard)


def _from_file(settings: Settings) -> Inventory:
    return Inventory(_read_file(settings.nodes.file) if settings.nodes.file else ())


def _read_file(path: Path) -> tuple[Node, ...]:
    return read_nodes(contents(path, OBJECTS_BYTES), source=str(path))
