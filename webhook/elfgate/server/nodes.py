"""Metrics of the nodes: how many of each platform there are, and how old that count is."""

import time
from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from elfgate.cluster.inventory import Inventory


class NodeCollector(Collector):
    """Looks at the nodes whenever metrics are asked for.

    Args:
        inventory: The nodes there are.
        heard: Tells when the API server last sent something of them, in monotonic seconds; None for
            a file's nodes.
    """

    def __init__(self, inventory: Inventory, heard: Callable[[], float] | None) -> None:
        self._inventory = inventory
        self._heard = heard

    def collect(self) -> Iterator[Metric]:
        """The metrics; there are as many series as platforms in the cluster."""
        nodes = GaugeMetricFamily("elfgate_nodes", "Nodes that are known", labels=["platform"])
        for platform, count in sorted(self._by_platform().items()):
            nodes.add_metric([platform], count)
        yield nodes
        if self._heard is None:
            return
        yield GaugeMetricFamily(
            "elfgate_nodes_watch_age_seconds",
            "Seconds since the API server last told something of its nodes; it does every 20 s",
            value=time.monotonic() - self._heard(),
        )
        yield GaugeMetricFamily(
            "elfgate_nodes_stale",
            "1 if the nodes have not been followed for so long that nothing is refused because "
            "of which there are",
            value=self._inventory.stale_since is not None,
        )

    def _by_platform(self) -> Counter[str]:
        count: Counter[str] = Counter()
        for kind in self._inventory.kinds():
            count[str(kind.platform)] += len(kind.members)
        return count
