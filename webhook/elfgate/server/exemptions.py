"""Metrics of the exemptions that namespaces grant by ConfigMaps."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from elfgate.gate.exemptions import NamespaceExemptions


class ExemptionCollector(Collector):
    """Counts the exemptions whenever metrics are asked for.

    Args:
        exemptions: Those of namespaces.
    """

    def __init__(self, exemptions: NamespaceExemptions) -> None:
        self._exemptions = exemptions

    def collect(self) -> Iterator[Metric]:
        """The metrics; two series."""
        counted = GaugeMetricFamily(
            "elfgate_namespace_exemptions",
            "Exemptions of namespaces' own ConfigMaps: taken, or left out as they cannot be used",
            labels=["state"],
        )
        counted.add_metric(["taken"], self._exemptions.count())
        counted.add_metric(["left_out"], sum(self._exemptions.left_out.values()))
        yield counted
