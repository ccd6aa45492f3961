"""Which exemptions spared something, and how all of them stand."""

from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from elfgate.policy.granted import Granted
from elfgate.server.bundles import BundleCollector

TODAY = datetime.now(UTC).date()


def exemption(owner: str, days: int) -> dict[str, str]:
    """An exemption that expires in so many days, without days of grace."""
    last = (TODAY + timedelta(days)).isoformat()
    return {"owner": owner, "expires": last, "ends": last}


LASTING, SOON, OVER = exemption("a", 100), exemption("b", 5), exemption("c", -5)


def granted() -> Granted:
    made = Granted()
    made.add("one", [LASTING, SOON, OVER])
    return made


def test_an_exemption_is_unused_until_a_verdict_names_it() -> None:
    made = granted()
    assert made.unused("one") == [LASTING, SOON]
    made.note("one", [1])
    made.note("one", [])
    assert made.unused("one") == [LASTING]


def test_another_revision_begins_anew() -> None:
    made = granted()
    made.note("one", [0, 1])
    made.add("two", [LASTING])
    made.note("two", [])
    assert made.unused("two") == [LASTING]


def test_metrics_count_them_by_how_they_stand() -> None:
    registry = CollectorRegistry()
    registry.register(BundleCollector(lambda: "one", granted(), None))
    counted = {
        state: registry.get_sample_value("elfgate_exemptions", {"state": state})
        for state in ("holds", "ends_soon", "warns", "ended")
    }
    assert counted == {"holds": 1, "ends_soon": 1, "warns": 0, "ended": 1}
    assert registry.get_sample_value("elfgate_exemptions_unused") == 2
