"""Whether anything grows.

A webhook under mixed reviews at half of what it can do, for as long as you like.

    python benchmarks/soak.py [--minutes 30] [--rate REVIEWS_A_SECOND] [--table FILE]

Half of the reviews are repeated ones, answered from memory; half are of pods never seen before,
judged anew. In slices of some seconds each, resident memory, descriptors, threads and latencies are
taken, and a straight line is laid through them (least squares): its slope, with its standard error,
is what the run would grow by in an hour. The first slices, in which what is remembered fills up,
are left out. Any lost review or wrong verdict ends it. Needs Go (``go/load``).
"""

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from subjects import Bench, Serving, Subject
from webhook import ours

SATURATING_SECONDS = 5
WARM_UP = 0.1  # of the slices
HOUR = 3600.0


@dataclass(frozen=True)
class Line:
    """A straight line through figures over time.

    Attributes:
        mean: Of the figures.
        slope: In an hour.
        error: The slope's standard error.
    """

    mean: float
    slope: float
    error: float


def line(seconds: Sequence[float], figures: Sequence[float]) -> Line:
    """The least squares line of at least three figures."""
    middle, mean = statistics.fmean(seconds), statistics.fmean(figures)
    spread = sum((at - middle) ** 2 for at in seconds)
    slope = (
        sum((at - middle) * (figure - mean) for at, figure in zip(seconds, figures, strict=True))
        / spread
    )
    residues = [
        figure - mean - slope * (at - middle) for at, figure in zip(seconds, figures, strict=True)
    ]
    error = math.sqrt(sum(residue**2 for residue in residues) / (len(figures) - 2) / spread)
    return Line(mean, slope * HOUR, error * HOUR)


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="elfgate-soak-") as name:
        bench = Bench.prepare(Path(name))
        mix = tuple(ours(bench.folder, "elfgate, known", "elfgate, anew"))
        with bench.process(mix[0]) as serving:
            for subject in mix:
                bench.run(subject, serving, "-mode", "verify")
            rate = options.rate or _saturation(bench, mix, serving) / 2
            print(f"{rate:.0f} reviews/s for {options.minutes:g} minutes", flush=True)
            slices = soak(
                bench, mix, serving, rate=rate, minutes=options.minutes, seconds=options.slice
            )
    text = report(slices[math.ceil(len(slices) * WARM_UP) :])
    print(text)
    if options.table:
        options.table.parent.mkdir(parents=True, exist_ok=True)
        options.table.write_text(f"{rate:.0f} reviews/s for {options.minutes:g} minutes\n{text}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument(
        "--rate", type=float, default=0.0, help="reviews a second (default: half of what it can do)"
    )
    parser.add_argument("--slice", type=float, default=15.0, help="seconds between two samples")
    parser.add_argument("--table", type=Path, help="write the result there too")
    options = parser.parse_args()
    if options.minutes * 60 < 5 * options.slice:
        parser.error("--minutes leaves fewer than five slices")
    return options


def _saturation(bench: Bench, mix: Sequence[Subject], serving: Serving) -> float:
    """Reviews a second of an even mix, from what each kind alone comes to."""
    seconds = 0.0
    for subject in mix:
        told = json.loads(
            bench.run(subject, serving, "-mode", "closed", "-d", f"{SATURATING_SECONDS}s")
        )
        print(f"{subject.name}: {told['rps']:.0f} reviews/s at most", flush=True)
        seconds += 1 / told["rps"]
    return len(mix) / seconds


def soak(
    bench: Bench,
    mix: Sequence[Subject],
    serving: Serving,
    *,
    rate: float,
    minutes: float,
    seconds: float,
) -> list[dict[str, float]]:
    """Load until the time is over; a sample for each slice."""
    begun, samples = time.monotonic(), list[dict[str, float]]()
    load = ("-mode", "open", "-rate", f"{rate / len(mix):.3f}", "-d", f"{seconds:g}s")
    with ThreadPoolExecutor(len(mix)) as threads:
        while time.monotonic() - begun < minutes * 60:
            told = list(
                threads.map(lambda subject: json.loads(bench.run(subject, serving, *load)), mix)
            )
            for subject, each in zip(mix, told, strict=True):
                if each["errors"] or each["wrong"]:
                    sys.exit(f"{subject.name}: {each}")
            samples.append(
                {
                    "at": time.monotonic() - begun,
                    **_resources(serving.pids[-1]),
                    **_latencies(mix, told),
                }
            )
            print(
                " ".join(f"{name}={figure:.2f}" for name, figure in samples[-1].items()),
                file=sys.stderr,
                flush=True,
            )
    return samples


def _resources(pid: int) -> dict[str, float]:
    process = Path("/proc") / str(pid)
    status = dict(row.split(":", 1) for row in (process / "status").read_text().splitlines())
    return {
        "resident MiB": int(status["VmRSS"].split()[0]) / 1024,
        "descriptors": len(list((process / "fd").iterdir())),
        "threads": int(status["Threads"]),
    }


def _latencies(mix: Sequence[Subject], told: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    return {
        f"{subject.name.rpartition(' ')[2]} {quantile} ms": each[quantile]
        for subject, each in zip(mix, told, strict=True)
        for quantile in ("p50", "p99")
    }


def report(samples: Sequence[Mapping[str, float]]) -> str:
    """Each figure's mean and slope.

    Less than two standard errors is no growth that could be told from chance.
    """
    seconds = [sample["at"] for sample in samples]
    rows = []
    for name in samples[0]:
        if name != "at":
            found = line(seconds, [sample[name] for sample in samples])
            sure = "yes" if abs(found.slope) > 2 * found.error else "no"
            rows.append((name, found.mean, found.slope, found.error, sure))
    headers = [
        f"{len(samples)} slices",
        "mean",
        "slope an hour",
        "standard error",
        "beyond two errors",
    ]
    return tabulate(rows, headers, floatfmt=".3f")


if __name__ == "__main__":
    main()
