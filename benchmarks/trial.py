"""The cost of starting a static program in a sandbox.

Beside it stands starting it directly: natively, and under qemu.

The sandbox's own time is from before it is entered to the program's end; the program's alone is
subtracted.

python benchmarks/trial.py [RUNS]
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from elfgate.trial import emulation, heads
from elfgate.trial.sandbox import Sandbox
from elfgate.trial.start import Start
from lab import sandbox

_SOURCE = "package main\n\nfunc main() {}\n"
_LIMITS = {"amd64": 0.3, "arm64": 1.0}  # seconds; the first natively on most machines


@dataclass(frozen=True)
class Cost:
    """Seconds: of the clock, and of processors."""

    clock: float
    processor: float

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(self.clock - other.clock, self.processor - other.processor)

    def __str__(self) -> str:
        return f"{self.clock * 1e3:.0f} ms ({self.processor * 1e3:.0f} of processors)"


def cost(work: Callable[[], object]) -> Cost:
    began, used = time.perf_counter(), _used()
    work()
    return Cost(time.perf_counter() - began, _used() - used)


def _used() -> float:
    """Of this process and of all that it has waited for."""
    kinds = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in kinds)


def median(costs: Iterable[Cost]) -> Cost:
    each = list(costs)
    return Cost(
        statistics.median(one.clock for one in each),
        statistics.median(one.processor for one in each),
    )


def built(architecture: str, folder: Path) -> Path:
    """A static program that ends at once, in a folder that is to be a root."""
    (folder / "main.go").write_text(_SOURCE)
    root = folder / architecture
    root.mkdir()
    env = {**os.environ, "GOARCH": architecture, "CGO_ENABLED": "0", "GO111MODULE": "off"}
    command = ["go", "build", "-o", str(root / "program"), str(folder / "main.go")]
    subprocess.run(command, check=True, env=env)
    return root


def direct(architecture: str, root: Path) -> list[str]:
    program = str(root / "program")
    if heads.native(architecture):
        return [program]
    home = sandbox.qemu(architecture).parents[2]
    return [str(home / "bin" / f"qemu-{emulation.qemu_name(architecture)}"), program]


def tried(architecture: str, root: Path) -> None:
    with Sandbox(architecture, sandbox.qemu, apart=False) as entered:
        outcome = entered.start(Start((str(root),), ("/program",)))
    assert outcome.status == 0, outcome


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for architecture, limit in _LIMITS.items():
            root = built(architecture, folder)
            command = direct(architecture, root)
            pairs = []
            for _ in range(runs):
                alone = cost(partial(subprocess.run, command, check=True))
                pairs.append((alone, cost(partial(tried, architecture, root))))
            alone, whole = (median(each) for each in zip(*pairs, strict=True))
            over = median(whole - alone for alone, whole in pairs)
            how = "natively" if heads.native(architecture) else "under qemu"
            print(
                f"{architecture} {how}: directly {alone}, in a sandbox {whole}: {over} more "
                f"(limit {limit * 1e3:.0f} ms)"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
