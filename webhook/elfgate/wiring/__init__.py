"""The only place that knows every implementation: puts collaborators together and hands them out."""

from elfgate.wiring.bundles import following, pulled, pushed
from elfgate.wiring.certificate import certificate
from elfgate.wiring.images import Locator, Reading, reader, scanner
from elfgate.wiring.inventory import Cluster, cluster
from elfgate.wiring.stores import shown, store

__all__ = [
    "Cluster",
    "Locator",
    "Reading",
    "certificate",
    "cluster",
    "following",
    "pulled",
    "pushed",
    "reader",
    "scanner",
    "shown",
    "store",
]
