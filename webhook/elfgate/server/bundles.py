"""Metrics of the policies in force.

Which revision, and how old the word of a bundle's location is.
"""

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from elfgate.policy.signed import BundleState


class BundleCollector(Collector):
    """Reads the state whenever metrics are asked for.

    Args:
        revision: Returns the revision in force.
        state: Of the bundle that is followed; None if none is.
    """

    def __init__(self, revision: Callable[[], str], state: BundleState | None) -> None:
        self._revision = revision
        self._state = state

    def describe(self) -> Iterator[Metric]:
        """Nothing: the revision is not there yet when the collector is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The metrics; one series each."""
        yield InfoMetricFamily(
            "elfgate_policy_revision",
            "The revision of the policies in force",
            value={"revision": self._revision()},
        )
        if self._state is None:
            return
        yield GaugeMetricFamily(
            "elfgate_policy_bundle_serial",
            "The serial of the bundle in force; 0 if it has none, or before the first",
            value=self._state.serial,
        )
        age = self._state.age()
        if age is not None:
            yield GaugeMetricFamily(
                "elfgate_policy_bundle_age_seconds",
                "Seconds since the bundle's location last gave a file",
                value=age,
            )
