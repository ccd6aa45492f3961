"""Known and new reviews when more come than can be judged.

    python benchmarks/overload.py [--seconds 60] [--times 2 5] [--peers] [--check] [--table FILE]

The benchmark first measures how many reviews a second the webhook judges anew (1 x). It then sends
a multiple of that rate, to which it rises in two seconds, while another client sends known reviews,
100 a second. Both are open loops: times count from when a review was meant to be sent. Connections
are made and kept as kube-apiserver does. The webhook has core 0, the load the
other. With ``--peers`` Gatekeeper and Kyverno are asked likewise, each by multiples of what it can
judge; to them every review is a new one. ``--check`` ends with 1 if elfgate does not keep a limit.
Needs Go.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from subjects import Bench, Serving, Subject
from webhook import in_cluster, ours

KNOWN_A_SECOND = 100
DEADLINE = "10s"  # of a review that names none
SLACK = float(os.environ.get("HOSTILE_SLACK", "1"))
HEADERS = [
    "webhook",
    "load",
    "known p50",
    "p99",
    "max ms",
    "unjudged",
    "asked/s",
    "judged/s",
    "of 1 x",
    "new p99",
    "late",
    "lost",
    "RSS MiB",
    "recovery s",
]


@dataclass(frozen=True)
class Figures:
    """The figures of one load.

    Attributes:
        webhook: The name of the one that was asked.
        times: The load's rate of new reviews, as a multiple of the rate that can be judged.
        known: The load generator's figures of known reviews.
        new: Its figures of new reviews.
        seconds: The load's length, in seconds.
        most: Reviews that are judged a second at 1 x.
        resident: MiB of the webhook after it.
        recovery: Seconds after it until known reviews were as fast as ever.
    """

    webhook: str
    times: float
    known: Mapping[str, Any]
    new: Mapping[str, Any]
    seconds: float
    most: float
    resident: float
    recovery: float

    @property
    def judged(self) -> float:
        """Reviews judged anew and within their deadline, a second."""
        new = self.new
        return float(new["n"] - new["unjudged"] - new["late"]) / self.seconds

    def row(self) -> list[str]:
        """The table's row of this load."""
        known, new = self.known, self.new
        late, lost = known["late"] + new["late"], known["errors"] + new["errors"]
        return [
            self.webhook,
            f"{self.times:g} x",
            *(f"{known[each]:.1f}" for each in ("p50", "p99", "max")),
            f"{known['unjudged']}",
            f"{self.times * self.most:.0f}",
            f"{self.judged:.0f}",
            f"{self.judged / self.most:.0%}",
            f"{new['p99']:.0f}",
            f"{late}",
            f"{lost}",
            f"{self.resident:.0f}",
            f"{self.recovery:.1f}",
        ]

    def broken(self) -> Iterator[str]:
        """The limits that the load breaks."""
        held = {
            f"known p99 {self.known['p99']:.0f} ms": self.known["p99"] < 50 * SLACK,
            f"late {self.new['late']}": not self.new["late"] + self.known["late"],
            f"lost {self.new['errors']}": not self.new["errors"] + self.known["errors"],
            f"wrong {self.new['wrong']}": not self.new["wrong"] + self.known["wrong"],
            f"resident {self.resident:.0f} MiB": self.resident < 200,
            f"recovery {self.recovery:.1f} s": self.recovery < 5,
        }
        return (f"{self.times:g} x: {line}" for line, kept in held.items() if not kept)


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="elfgate-overload-") as name, ExitStack() as stack:
        bench = Bench.prepare(Path(name))
        known, new = ours(bench.folder, "elfgate, known", "elfgate, anew")
        figures = list(_figures(bench, (known, new), options))
        rows = [each.row() for each in figures]
        for peer in in_cluster(bench, stack) if options.peers else ():
            rows += [each.row() for each in _figures(bench, (peer, peer), options)]
    print(tabulate(rows, HEADERS, disable_numparse=True))
    if options.table:
        options.table.parent.mkdir(parents=True, exist_ok=True)
        text = tabulate(rows, HEADERS, tablefmt="github", disable_numparse=True)
        options.table.write_text(f"{text}\n")
    broken = [line for each in figures for line in each.broken()]
    print("\n".join(broken) or "every limit is kept")
    sys.exit(1 if broken and options.check else 0)


def _figures(
    bench: Bench, subjects: tuple[Subject, Subject], options: argparse.Namespace
) -> Iterator[Figures]:
    """The figures of a webhook under each load, asked about what it knows and what it does not."""
    known, new = subjects
    with bench.process(known) as serving:
        for subject in subjects:
            bench.run(subject, serving, "-mode", "verify")
        most = _asked(bench, new, serving, "-mode", "closed", "-d", "4s")["rps"]
        for times in options.times:
            yield overload(
                bench, subjects, serving, times=times, most=most, seconds=options.seconds
            )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--times", type=float, nargs="+", default=[2.0, 5.0])
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--table", type=Path)
    return parser.parse_args()


def overload(
    bench: Bench,
    subjects: tuple[Subject, Subject],
    serving: Serving,
    *,
    times: float,
    most: float,
    seconds: float,
) -> Figures:
    """Send too many reviews for a while, and measure the answers and the recovery."""
    rising = ("-mode", "open", "-pool", "-warm", "2s")
    open_loop = (*rising, "-d", f"{seconds:g}s", "-deadline", DEADLINE, "-rate")
    rates = (KNOWN_A_SECOND, times * most)
    sources = ("127.0.0.1", "127.0.0.2")
    with ThreadPoolExecutor(2) as threads:
        known, new = threads.map(
            lambda subject, rate, source: _asked(
                bench, subject, serving, *open_loop, f"{rate:.1f}", "-source", source
            ),
            subjects,
            rates,
            sources,
        )
    ended = time.monotonic()
    while _is_slow(_asked(bench, subjects[0], serving, *_BRIEFLY)):
        if time.monotonic() - ended > 30:
            break
    recovery = max(0.0, time.monotonic() - ended - 1.6)  # less what the question itself takes
    name = subjects[0].name.partition(",")[0]
    return Figures(name, times, known, new, seconds, most, _resident(serving.pids[-1]), recovery)


def _is_slow(told: Mapping[str, Any]) -> bool:
    """Whether known reviews are slower than they should be, or not answered."""
    return bool(told["errors"]) or told["p99"] > 50 * SLACK


_BRIEFLY = ("-mode", "open", "-rate", "100", "-d", "1s")


def _asked(bench: Bench, subject: Subject, serving: Serving, *options: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(bench.run(subject, serving, *options))
    return told


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    fields = dict(row.split(":", 1) for row in status.splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


if __name__ == "__main__":
    main()
