"""Metrics of memories: how full each one is, so that growth has a name."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from elfgate.memory.declared import declared


class MemoryCollector(Collector):
    """Asks every memory of this process whenever metrics are asked for; a series a memory."""

    def collect(self) -> Iterator[Metric]:
        """Bytes, entries and evictions of each memory."""
        weight = GaugeMetricFamily(
            "elfgate_memory_bytes",
            "Bytes that a memory holds (docs/memories.md)",
            labels=["memory"],
        )
        entries = GaugeMetricFamily(
            "elfgate_memory_entries", "Entries that a memory holds", labels=["memory"]
        )
        evictions = CounterMetricFamily(
            "elfgate_memory_evictions",
            "Entries that a memory dropped for want of room",
            labels=["memory"],
        )
        for memory in declared():
            usage = memory.usage()
            if usage is None:
                continue
            weight.add_metric([memory.name], usage.bytes)
            entries.add_metric([memory.name], usage.entries)
            evictions.add_metric([memory.name], usage.evictions)
        yield from (weight, entries, evictions)
