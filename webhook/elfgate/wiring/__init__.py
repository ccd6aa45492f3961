"""The only place that knows every implementation: puts collaborators together and hands them out.

What only ``elfgate serve`` takes is imported from its own module: it loads the Kubernetes client.
"""

from elfgate.wiring.bundles import bundle_state, following, pulled, pushed
from elfgate.wiring.images import Locator, Reading, reader, scanner
from elfgate.wiring.stores import shown, store

__all__ = [
    "Locator",
    "Reading",
    "bundle_state",
    "following",
    "pulled",
    "pushed",
    "reader",
    "scanner",
    "shown",
    "store",
]
