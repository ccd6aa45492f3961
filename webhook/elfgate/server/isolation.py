"""Metrics of untrusted work: whether it is confined, and how many of its processes were killed."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from elfgate.isolation.figures import Figures


class IsolationCollector(Collector):
    """Looks at the figures whenever metrics are asked for.

    Args:
        figures: Of the processes.
    """

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """The metrics; there are as many series as reasons for a kill."""
        yield GaugeMetricFamily(
            "elfgate_isolated",
            "1 if images are looked into in confined processes of their own",
            value=self._figures.confined,
        )
        kills = CounterMetricFamily(
            "elfgate_isolation_kills",
            "Processes that looked into an image and did not survive, by reason: time, memory, "
            "starved, ended, broken",
            labels=["reason"],
        )
        for reason, count in sorted(self._figures.kills.items()):
            kills.add_metric([reason], count)
        yield kills
