"""Tries an attack on a site while another tenant asks, and says what it cost that tenant."""

import json
import math
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tabulate import tabulate

from support import founding
from support.held import Held
from support.hostile.attacks import Attack
from support.hostile.site import Site, attacking, environment
from support.hostile.victim import Asked
from support.judging import review_of
from support.objects import container, pod

SECONDS = float(os.environ.get("HOSTILE_SECONDS", "4"))
# What a machine that does other things too adds to latencies: 1 on one that does not.
SLACK = float(os.environ.get("HOSTILE_SLACK", "1"))
FORGIVEN = 1 if SLACK > 1 else 0  # new images that such a machine may be too slow for
BEFORE, AFTER = 1.0, 2.0  # seconds of the other tenant's reviews around the attack
KNOWN_A_SECOND, NEW_A_SECOND = 100, 3
SLOW = 100.0  # milliseconds of a known review, after which a replica has not recovered
TABLE = Path(__file__).parents[3] / "build" / "hostile" / "table.txt"


@dataclass(frozen=True)
class Review:
    """What came of one review of the other tenant's."""

    at: float
    milliseconds: float
    kind: str
    result: str


@dataclass(frozen=True)
class Cost:
    """What an attack cost another tenant.

    Attributes:
        name: Of the attack.
        known: Milliseconds of known reviews, sorted.
        decided: The share of new images' reviews that were decided in time.
        undecided: How many were not.
        asked: How many reviews there were.
        changed: How many verdicts were wrong.
        lost: How many reviews got no answer.
        held: MiB that a replica, with its children, held some seconds after the attack.
        peak: The most that it held.
        recovery: Seconds after which known reviews were as fast as ever.
        end: Seconds that a replica took to end when it was told to, under the attack.
    """

    name: str
    known: list[float]
    decided: float
    undecided: int
    asked: int
    changed: int
    lost: int
    held: float
    peak: float
    recovery: float
    end: float

    def quantile(self, part: float) -> float:
        """That of the known reviews, in milliseconds."""
        if not self.known:
            return math.inf  # nothing was asked in time
        return self.known[min(int(len(self.known) * part), len(self.known) - 1)]

    def broken(self) -> list[str]:
        """The limits that it breaks, a line each."""
        held = {
            f"known p99 {self.quantile(0.99):.0f} ms": self.quantile(0.99) < SLOW * SLACK,
            f"decided {self.decided:.0%}": self.decided >= 0.99 or self.undecided <= FORGIVEN,
            f"{self.changed} verdicts changed": not self.changed,
            f"{self.lost} lost": not self.lost,
            f"peak {self.peak:.0f} MiB": self.peak < 700,
            f"recovery {self.recovery:.1f} s": self.recovery < 10,
            f"end {self.end:.1f} s": self.end < 5 * SLACK,
        }
        return [line for line, kept in held.items() if not kept]


def attempt(site: Site, attack: Attack) -> Cost:
    """Attack, and have the other tenant ask before, meanwhile and afterwards."""
    with Held(*site.pids()) as memory, victim(site, aimed_at=attack.aims) as reviews:
        time.sleep(BEFORE)  # what is modelled is time: nothing is waited for
        with attacking(site, attack) as tries:
            began = time.monotonic()
            time.sleep(SECONDS)
            ended = time.monotonic()
        tried = tries.read_text().splitlines()[-1]
    memory.look()
    with attacking(site, attack):
        time.sleep(min(SECONDS, 1.0))
        end = site.end("b", 15.0)
    site.restart("b")
    print(f"{attack.name}: {tried}")  # noqa: T201  # pytest shows it with a failure
    return _cost(attack, reviews, (began, ended), memory, end)


def _cost(
    attack: Attack,
    reviews: Sequence[Review],
    lasted: tuple[float, float],
    memory: Held,
    end: float,
) -> Cost:
    began, ended = lasted
    during = [each for each in reviews if began <= each.at < ended]
    new = Counter(each.result for each in during if each.kind == "new")
    known = sorted(each.milliseconds for each in during if each.kind == "known")
    slow = [each.at - ended for each in reviews if each.at >= ended and _hampered(each)]
    results = Counter(each.result for each in reviews)
    return Cost(
        name=attack.name,
        known=known,
        decided=new["right"] / max(1, new.total()),
        undecided=new.total() - new["right"],
        asked=len(during),
        changed=results["wrong"],
        lost=results["lost"],
        held=memory.last,
        peak=memory.peak,
        recovery=max(slow, default=0.0),
        end=end,
    )


def _hampered(review: Review) -> bool:
    return review.kind == "known" and review.milliseconds > SLOW * SLACK


@contextmanager
def victim(site: Site, *, aimed_at: bool = False) -> Iterator[list[Review]]:
    """Have the other tenant ask; what came of it is in the list when the context has ended."""
    site.target().write(site.folder / "victim.json")
    plan = {
        "target": str(site.folder / "victim.json"),
        "reviews": [asdict(each) for each in _plan(site, aimed_at=aimed_at)],
    }
    path = site.folder / "plan.json"
    path.write_text(json.dumps(plan))
    reviews: list[Review] = []
    command = [sys.executable, "-m", "support.hostile.victim", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        try:
            yield reviews
            out, _ = process.communicate(timeout=60)
        except BaseException:
            process.kill()
            raise
    reviews += [Review(*json.loads(line)) for line in out.splitlines()]
    assert reviews


def _plan(site: Site, *, aimed_at: bool) -> Iterator[Asked]:
    """Known reviews, half of them denied, and new images, at their times."""
    seconds = BEFORE + SECONDS + AFTER + 2.0  # for the attack to begin
    known = [
        Asked(number / KNOWN_A_SECOND, "known", _review(site, *_known(number)), number % 4 < 2)
        for number in range(int(seconds * KNOWN_A_SECOND))
    ]
    new = []
    for number in range(int(seconds * NEW_A_SECOND)):
        name, tag = site.unseen(aimed_at=aimed_at)
        body = _review(site, name.rpartition("/")[2], f"{name}:{tag}")
        new.append(Asked(number / NEW_A_SECOND, "new", body, tag == "2-debian"))
    yield from sorted([*known, *new], key=lambda each: each.at)


def _known(number: int) -> tuple[str, str]:
    tag = "2-debian" if number % 4 < 2 else "2-alpine"
    return "known", f"{founding.REPOSITORY}:{tag}"


def _review(site: Site, name: str, image: str) -> str:
    obj = pod(
        container("c", site.registry.reference(image)),
        nodeSelector={"kubernetes.io/arch": "ppc64le"},
    )
    obj["metadata"] |= {"name": name, "namespace": "tenant"}
    return review_of(obj, uid=f"u-{name}", namespace="tenant").decode()


def warm(site: Site) -> None:
    """Have both replicas read what the other tenant's known reviews are about."""
    with victim(site):
        pass


def write_table(costs: Sequence[Cost], path: Path = TABLE) -> None:
    """Write what all attacks cost."""
    headers = ["attack", "known p50", "p99", "max ms", "new decided", "changed", "lost",
               "held", "peak MiB", "recovery s", "end s"]  # fmt: skip
    rows = [
        (cost.name, f"{cost.quantile(0.5):.1f}", f"{cost.quantile(0.99):.1f}", f"{cost.quantile(1.0):.0f}",
         f"{cost.decided:.0%}", cost.changed, cost.lost, f"{cost.held:.0f}", f"{cost.peak:.0f}",
         f"{cost.recovery:.1f}", f"{cost.end:.1f}")
        for cost in costs
    ]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    for suffix, form in ((".txt", "simple"), (".md", "github")):
        text = tabulate(rows, headers, tablefmt=form, disable_numparse=True)
        path.with_suffix(suffix).write_text(f"{text}\n")
