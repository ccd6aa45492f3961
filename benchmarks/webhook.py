"""What a review costs: CPU a review under full load, and latencies at fixed rates; elfgate beside its peers.

    python benchmarks/webhook.py [ROUNDS] [SUBJECT ...]

Each server runs on core 0, the load generator (``go/load``) on core 1. Rounds are interleaved and figures are medians.
Every subject's verdicts are checked before and while it is timed. Needs Go; peers that are not there are left out:
``noop`` is a Go webhook that only decodes, ``opa`` the OPA of ``.ci/opa`` (or ``$OPA``) with the same rule in Rego.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from tabulate import tabulate

from reviews import write_reviews, write_settings

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elfgate"
SERVER_CORE, LOAD_CORE = "0", "1"
RATES = (100, 300)
PATIENCE = 20.0  # seconds


@dataclass(frozen=True)
class Subject:
    """What is measured: a server, and how it is asked."""

    name: str
    command: Sequence[str]
    port: int
    path: str
    options: Sequence[str] = ()


@dataclass(frozen=True)
class Bench:
    """A folder with certificates and reviews, and the load generator."""

    folder: Path
    load: Path

    def run(self, subject: Subject, url: str, pid: int, *options: str) -> str:
        """Run the load generator."""
        command = ["taskset", "-c", LOAD_CORE, str(self.load), "-url", url + subject.path, "-name", subject.name]
        command += ["-ca", str(self.folder / "ca.crt"), "-corpus", str(self.folder / "reviews"), "-pid", str(pid)]
        done = subprocess.run([*command, *subject.options, *options], check=True, capture_output=True, text=True)
        return done.stdout

    def measure(self, subject: Subject, seconds: float) -> dict[str, Any]:
        """One round of one subject."""
        with self.serving(subject) as (url, pid):
            self.run(subject, url, pid, "-mode", "verify")
            duration = ("-d", f"{seconds}s")
            figures = {"closed": json.loads(self.run(subject, url, pid, "-mode", "closed", *duration))}
            for rate in RATES:
                figures[f"{rate}"] = json.loads(
                    self.run(subject, url, pid, "-mode", "open", "-rate", str(rate), *duration)
                )
        bad = {load: each for load, each in figures.items() if each["errors"] or each["wrong"]}
        if bad:
            raise SystemExit(f"{subject.name}: {bad}")
        return figures

    @contextmanager
    def serving(self, subject: Subject) -> Iterator[tuple[str, int]]:
        """Run a subject on its core: its URL and process id."""
        log = self.folder / f"{subject.name}.log".replace(" ", "-")
        command = ["taskset", "-c", SERVER_CORE, *subject.command]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | {"GOMAXPROCS": "1"})
        try:
            _until_listening(subject.port, process, log)
            yield f"https://127.0.0.1:{subject.port}", process.pid
        finally:
            process.kill()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int, nargs="?", default=3)
    parser.add_argument("only", nargs="*")
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="elfgate-bench-") as name:
        bench = prepare(Path(name))
        chosen = [each for each in subjects(bench.folder) if not options.only or each.name in options.only]
        figures: dict[str, list[dict[str, Any]]] = {subject.name: [] for subject in chosen}
        for _ in range(options.rounds):
            for subject in chosen:
                figures[subject.name].append(bench.measure(subject, options.seconds))
    print(table(figures))


def prepare(folder: Path) -> Bench:
    """Make certificates, reviews and images, and build the load generator."""
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    leaf.private_key_pem.write_to_path(str(folder / "tls.key"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))
    write_reviews(folder / "reviews")
    return Bench(folder, built("load"))


def built(program: str) -> Path:
    """Build one of the Go programs, modules from the proxy, cached outside the checkout."""
    target = CACHE / "bench" / program
    caches = {"GOMODCACHE": str(CACHE / "go" / "mod"), "GOCACHE": str(CACHE / "go" / "build")}
    flags = {"GOFLAGS": "-buildvcs=false -trimpath -mod=readonly", "CGO_ENABLED": "0"}
    subprocess.run(
        ["go", "build", "-o", str(target), f"./{program}"], cwd=HERE / "go", env=os.environ | caches | flags, check=True
    )
    return target


def subjects(folder: Path) -> Iterator[Subject]:
    """What can be measured here."""
    port = _free_port()
    ours = [sys.executable, "-m", "elfgate", "serve", "--config", str(write_settings(folder, listen={"port": port}))]
    yield Subject("elfgate, known", ours, port, "/validate")
    yield Subject("elfgate, anew", ours, port, "/validate", ["-fresh"])
    certificate, key, port = str(folder / "tls.crt"), str(folder / "tls.key"), _free_port()
    noop = [str(built("noop")), f"127.0.0.1:{port}", certificate, key]
    yield Subject("Go that only decodes", noop, port, "/validate", ["-anyverdict"])
    opa, port = os.environ.get("OPA") or shutil.which("opa"), _free_port()
    if opa:
        tls = [
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            "--disable-telemetry",
            "--log-level=error",
        ]
        command = [opa, "run", "--server", f"--addr=127.0.0.1:{port}", *tls, str(HERE / "peers" / "opa.rego")]
        yield Subject("OPA as a webhook", command, port, "/")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _until_listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"{process.args} does not listen:\n{log.read_text()}")


def table(figures: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The medians of all rounds."""
    rows = [[name, *_medians(rounds)] for name, rounds in figures.items()]
    latencies = [f"@{rate}/s {quantile}" for rate in RATES for quantile in ("p50", "p99", "p99.9")]
    return tabulate(rows, ["", "reviews/s", "CPU ms/review", *latencies, "RSS MiB"], floatfmt=".3f")


def _medians(rounds: Sequence[Mapping[str, Any]]) -> Iterator[float]:
    def median(load: str, figure: str) -> float:
        return statistics.median(each[load][figure] for each in rounds)

    yield round(median("closed", "rps"))
    yield median("closed", "cpu_ms_per_review")
    for rate in RATES:
        yield from (median(f"{rate}", quantile) for quantile in ("p50", "p99", "p999"))
    yield round(median("closed", "rss_mib"))


if __name__ == "__main__":
    main()
