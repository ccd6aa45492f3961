"""Tries a fault on a site under a steady load, and says what it cost whom."""

import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tabulate import tabulate

from support.chaos.faults import Fault
from support.chaos.load import Door, Outcome, Result, SteadyLoad
from support.chaos.site import NAMESPACE, Site
from support.control_plane import ControlPlane, until

HOLD_SECONDS = float(os.environ.get("CHAOS_SECONDS", "3"))
SETTLED_SECONDS = 2.0  # with nothing but right answers, after which a site has recovered
PATIENCE = 90.0
TABLE = Path(__file__).parents[3] / "build" / "chaos" / "table.txt"


@dataclass(frozen=True)
class Cost:
    """What a fault cost.

    Attributes:
        fault: Which.
        counts: How many requests had which result, by door.
        recovery: Seconds from the fault's end to the last answer that was not right.
        texts: What people were shown instead of the right answer, the most frequent first, by door and result.
    """

    fault: Fault
    counts: Counter[tuple[Door, Result]]
    recovery: float
    texts: dict[tuple[Door, Result], list[str]] = field(default_factory=dict)

    def count(self, result: Result) -> int:
        """How many requests had that result."""
        return self.counts["review", result] + self.counts["pod", result]


def attempt(site: Site, cluster: ControlPlane, fault: Fault) -> Cost:
    """Let the fault happen under load, and wait until all answers are right again."""
    with SteadyLoad(
        url=site.url, ca=site.ca, cluster=cluster, namespace=NAMESPACE, registry=site.registry
    ) as load:
        until(
            lambda: _settled(load.outcomes),
            "the load is not answered rightly before anything happens",
        )
        began = time.monotonic()
        with fault.happens(site):
            time.sleep(HOLD_SECONDS)  # the fault lasts so long: nothing is waited for
        ended = time.monotonic()
        until(
            lambda: _settled(load.outcomes, ended),
            "answers do not become right again",
            patience=PATIENCE,
        )
    after = [outcome for outcome in load.outcomes if outcome.at >= began]
    last = max((outcome.at for outcome in after if outcome.result != "right"), default=ended)
    return Cost(
        fault,
        Counter((each.door, each.result) for each in after),
        max(0.0, last - ended),
        _texts(after),
    )


def check(site: Site, cluster: ControlPlane, fault: Fault, costs: list[Cost]) -> None:
    """Attempt it, note the cost, and see that no verdict was wrong and a planned change lost nothing."""
    cost = attempt(site, cluster, fault)
    costs.append(cost)
    assert cost.count("wrong") == 0, cost.texts
    assert cost.count("right") > 0
    if fault.planned:
        assert cost.count("lost") == 0, cost.texts


def _settled(outcomes: Sequence[Outcome], since: float = 0.0) -> bool:
    """Whether both doors have given right answers, and nothing else, for a while."""
    horizon = time.monotonic() - SETTLED_SECONDS
    if horizon < since or not outcomes or outcomes[0].at > horizon:
        return False
    lately = [outcome for outcome in list(outcomes) if outcome.at > horizon]
    return {each.door for each in lately} == {"review", "pod"} and all(
        each.result == "right" for each in lately
    )


def _texts(outcomes: Iterable[Outcome]) -> dict[tuple[Door, Result], list[str]]:
    counted: dict[tuple[Door, Result], Counter[str]] = {}
    for outcome in outcomes:
        if outcome.text:
            counted.setdefault((outcome.door, outcome.result), Counter())[outcome.text] += 1
    return {key: [text for text, _ in texts.most_common(3)] for key, texts in counted.items()}


def write_table(costs: Sequence[Cost], path: Path = TABLE) -> str:
    """Write what all faults cost, and what people saw of them."""
    headers = ["fault", "planned", "asked", "lost", "wrong", "unknown", "recovery s"]
    rows = [
        (cost.fault.name, "yes" if cost.fault.planned else "no", cost.counts.total(), cost.count("lost"),
         cost.count("wrong"), cost.count("unknown"), f"{cost.recovery:.1f}")
        for cost in costs
    ]  # fmt: skip
    parts = [tabulate(rows, headers), ""]
    for cost in costs:
        for (door, result), texts in sorted(cost.texts.items()):
            parts.append(f"{cost.fault.name}: {result}, {cost.counts[door, result]} of {door}s")
            parts += [f"    {text}" for text in texts]
    text = "\n".join((*parts, ""))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return text
