"""How long ``elfgate --help`` takes, as a ratio to ``import pydantic``.

A verb imports what it needs when it runs.

python benchmarks/startup.py [RUNS]
"""

import statistics
import subprocess
import sys
import time

OURS = [sys.executable, "-m", "elfgate", "--help"]
FLOOR = [sys.executable, "-c", "import pydantic"]


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main(runs: int) -> None:
    for command in (OURS, FLOOR):
        seconds(command)
    pairs = [(seconds(OURS), seconds(FLOOR)) for _ in range(runs)]
    ours, floor = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratio = statistics.median(our / their for our, their in pairs)
    print(
        f"elfgate --help {ours * 1e3:.0f} ms, import pydantic {floor * 1e3:.0f} ms: ratio "
        f"{ratio:.2f} (limit 1.5)"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 21)
