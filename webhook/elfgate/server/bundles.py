"""Metrics of the policies in force.

Which revision, and how old the word of a bundle's location is.
"""

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from elfgate.policy.granted import Granted
from elfgate.policy.signed import BundleState


class BundleCollector(Collector):
    """Reads the state whenever metrics are asked for.

    Args:
        revision: Returns the revision in force.
        granted: The exemptions in force.
        state: Of the bundle that is followed; None if none is.
    """

    def __init__(
        self, revision: Callable[[], str], granted: Granted, state: BundleState | None
    ) -> None:
        self._revision = revision
        self._granted = granted
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
        yield from self._exemptions()
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

    def _exemptions(self) -> Iterator[Metric]:
        revision = self._revision()
        states = GaugeMetricFamily(
            "elfgate_exemptions",
            "Exemptions of the policies in force, by how they stand today",
            labels=["state"],
        )
        for state, number in self._granted.states(revision).items():
            states.add_metric([state.value.replace(" ", "_")], number)
        yield states
        yield GaugeMetricFamily(
            "elfgate_exemptions_unused",
            "Exemptions that have not ended, and spared nothing since their revision is in force",
            value=len(self._granted.unused(revision)),
        )
