"""Memory that a process holds with its children, what they share by shares."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from support.background import Background

LOOKS_A_SECOND = 4


def megabytes(pid: int) -> float:
    """MiB that a process and all that descend from it hold now."""
    return sum(map(_proportional, _family(pid)))


class Held(Background):
    """Watches processes with their children; a context manager.

    Args:
        pids: The processes.

    Attributes:
        peak: The most that one of them held, in MiB.
        last: What the largest one held last.
    """

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._stopping = False
        self.peak = self.last = 0.0

    def work(self) -> None:
        """Look again and again."""
        while not self._stopping:
            self.look()
            time.sleep(1 / LOOKS_A_SECOND)

    def look(self) -> None:
        """Look now."""
        self.last = max(map(megabytes, self._pids))
        self.peak = max(self.peak, self.last)

    def stop(self) -> None:
        """Look no more."""
        self._stopping = True


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in task.read_text().split():
                yield from _family(int(child))


def _proportional(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
