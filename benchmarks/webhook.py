"""The cost of a review: CPU a review under full load, and latencies at fixed rates.

Elfgate beside its peers.

    python benchmarks/webhook.py [ROUNDS] [SUBJECT ...]

Each server runs on core 0, the load generator (``go/load``) on core 1. Rounds are interleaved and
figures are medians. ``another pod`` is one of images that were judged before: its name, another one
in every review, is none that policies look at. ``anew`` has containers of other names as well,
which are in the verdict. No memory answers the rest: a ``new start`` is one that was never
predicted, and one that fails has words of its own, so that policies judge it too; where ``names
count`` an exemption looks at the pod's name, and policies judge each pod.

Every subject's verdicts are checked before and while it is timed. Needs Go; peers that cannot be
had are left out: a Go webhook that only decodes, the OPA of ``.ci/opa`` (or ``$OPA``) as a webhook,
Gatekeeper, and Kyverno with a policy in CEL, the last two built by ``peers/webhooks.sh`` and beside
a real API server. The second table holds elfgate to them.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tabulate import tabulate

from elfgate.policy.settings import Policies
from elfgate.wiring.policies import Judging
from reviews import write_settings
from subjects import HERE, RATES, Bench, Subject, built, free_port
from support.opa import write

Figures = Mapping[str, Sequence[Mapping[str, Any]]]

PEERS = ("Gatekeeper", "Kyverno")
STARTS = ("elfgate, new start, admitted", "elfgate, new start, denied")
FOR_SOME = {
    "namespace": "elsewhere",
    "workload": "web-*",
    "owner": "the benchmark",
    "reason": "so that names are looked at",
    "expires": "2099-01-01",
}
LATENCIES = [(rate, quantile) for rate in RATES for quantile in ("p50", "p99", "p999")]
# elfgate's subject, the peer's, and how much of the peer's CPU a review of ours may take.
CPU_LIMITS = [
    ("elfgate, known", "Go that only decodes", 1.0),
    ("elfgate, known", "Kyverno", 1 / 3.5),
    ("elfgate, known", "Gatekeeper", 1 / 6),
    ("elfgate, another pod", "Kyverno", 0.45),
    ("elfgate, anew", "Kyverno", 0.9),
    ("elfgate, new start, admitted", "Kyverno", 1.2),
    ("elfgate, new start, denied", "Kyverno", 2.0),
    ("elfgate, anew, OPA beside", "Gatekeeper", 1.0),
]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int, nargs="?", default=3)
    parser.add_argument("only", nargs="*")
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    with ExitStack() as stack:
        bench = Bench.prepare(
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="elfgate-bench-")))
        )
        chosen = [each for each in subjects(bench) if not options.only or each.name in options.only]
        if not options.only or set(PEERS) & set(options.only):
            chosen += [
                each
                for each in in_cluster(bench, stack)
                if not options.only or each.name in options.only
            ]
        figures: dict[str, list[dict[str, Any]]] = {subject.name: [] for subject in chosen}
        for _ in range(options.rounds):
            for subject in chosen:
                figures[subject.name].append(bench.measure(subject, options.seconds))
    print(table(figures))
    print()
    print(limits(figures))


def subjects(bench: Bench) -> Iterator[Subject]:
    """The subjects that need no cluster."""
    folder, opa = bench.folder, os.environ.get("OPA") or shutil.which("opa")
    yield from ours(folder, "elfgate, known", "elfgate, another pod", "elfgate, anew", *STARTS)
    yield from ours(folder, "elfgate, anew, names count", exemptions=[FOR_SOME])
    certificate, key, port = str(folder / "tls.crt"), str(folder / "tls.key"), free_port()
    noop = [str(built("noop")), f"127.0.0.1:{port}", certificate, key]
    yield Subject("Go that only decodes", noop, port, "/validate", ["-anyverdict"])
    if opa is None:
        return
    quiet = ["--skip-version-check", "--log-level=error"]
    socket = folder / "opa.sock"
    bundle = write(
        Judging.of_settings(Policies(engine="opa", opa_socket=socket)).bundle(), folder / "bundle"
    )
    beside = [opa, "run", "--server", f"--addr=unix://{socket}", "--bundle", str(bundle), *quiet]
    yield from ours(folder, "elfgate, anew, OPA beside", opa=socket, beside=beside)
    port = free_port()
    tls = [f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}"]
    command = [
        opa,
        "run",
        "--server",
        f"--addr=127.0.0.1:{port}",
        *tls,
        *quiet,
        str(HERE / "peers" / "opa.rego"),
    ]
    yield Subject("OPA as a webhook", command, port, "/")


def ours(
    folder: Path,
    *names: str,
    opa: Path | None = None,
    beside: Sequence[str] = (),
    **policies: Any,
) -> Iterator[Subject]:
    """elfgate under one set of settings, by the names of what is asked of it."""
    port = free_port()
    if opa:
        policies |= {"engine": "opa", "opa_socket": str(opa)}
    place = folder / f"elfgate-{port}"
    place.mkdir()
    tls = {"certificate": str(folder / "tls.crt"), "key": str(folder / "tls.key")}
    settings = write_settings(place, listen={"port": port}, policies=policies, tls=tls)
    command = [sys.executable, "-m", "elfgate", "serve", "--config", str(settings)]
    for name in names:
        yield Subject(name, command, port, "/validate", _asked(folder, name), beside=beside)


def _asked(folder: Path, name: str) -> list[str]:
    """The load generator's options for what a subject's name says."""
    corpora = {"anew": "anew", "admitted": "starts", "denied": "fails"}
    for word, corpus in corpora.items():
        if word in name:
            return ["-fresh", "-corpus", str(folder / corpus)]
    return ["-fresh"] if "another" in name else []


def in_cluster(bench: Bench, stack: ExitStack) -> Iterator[Subject]:
    """The subjects that need a cluster, which is started for them and ends with the stack."""
    import webhook_peers as peers  # noqa: PLC0415 - the others need no cluster

    programs = peers.programs()
    if programs is None:
        return
    running = stack.enter_context(peers.cluster(bench.folder, programs))
    yield peers.gatekeeper(bench, running, programs)
    yield peers.kyverno(bench, running, programs)


def table(figures: Figures) -> str:
    """The medians of all rounds."""
    rows = [[name, *_row(rounds)] for name, rounds in figures.items()]
    latencies = [f"@{rate}/s {quantile}" for rate, quantile in LATENCIES]
    return tabulate(
        rows, ["", "reviews/s", "CPU ms/review", *latencies, "RSS MiB", "start s"], floatfmt=".3f"
    )


def _row(rounds: Sequence[Mapping[str, Any]]) -> Iterator[float]:
    yield round(_median(rounds, "closed", "rps"))
    yield _median(rounds, "closed", "cpu_ms_per_review")
    yield from (_median(rounds, f"{rate}", quantile) for rate, quantile in LATENCIES)
    yield round(_median(rounds, "closed", "rss_mib"))
    yield statistics.median(each["start"] for each in rounds)


def _median(rounds: Sequence[Mapping[str, Any]], load: str, figure: str) -> float:
    return float(statistics.median(each[load][figure] for each in rounds))


def limits(figures: Figures) -> str:
    """The promises of elfgate, beside the figures measured."""
    rows = [row for ours, peer, most in CPU_LIMITS if (row := _cpu(figures, ours, peer, most))]
    for name in ("elfgate, known", "elfgate, anew"):
        rows += _latencies(figures, name)
    return tabulate(rows, ["", "elfgate", "limit", "ratio", ""], floatfmt=".3f")


def _cpu(figures: Figures, ours: str, peer: str, most: float) -> list[Any]:
    if not (figures.get(ours) and figures.get(peer)):
        return []
    took, limit = (_median(figures[name], "closed", "cpu_ms_per_review") for name in (ours, peer))
    return _held(f"CPU ms/review: {ours} ≤ {most:.3g} of {peer}", took, limit * most)


def _latencies(figures: Figures, name: str) -> Iterator[list[Any]]:
    """No worse than Kyverno's, and the last thousandth under 10 ms."""
    for rate, quantile in LATENCIES if figures.get(name) else ():
        took = _median(figures[name], f"{rate}", quantile)
        if quantile == "p999":
            yield _held(f"{quantile} at {rate}/s: {name} ≤ 10 ms", took, 10.0)
        elif figures.get("Kyverno"):
            limit = _median(figures["Kyverno"], f"{rate}", quantile)
            yield _held(f"{quantile} at {rate}/s: {name} ≤ Kyverno", took, limit)


def _held(what: str, took: float, limit: float) -> list[Any]:
    return [what, took, limit, took / limit, "kept" if took <= limit else "NOT KEPT"]


if __name__ == "__main__":
    main()
