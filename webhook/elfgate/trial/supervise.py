"""Watches a program that runs: what it writes, whether it is ready, and its bounds."""

import os
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elfgate.trial.ready import Probe

_READ = selectors.EVENT_READ
_TICK = 0.1  # seconds between two looks at a program
_PIECE = 1 << 16
_PAGE = os.sysconf("SC_PAGE_SIZE")
_CALM = 0.5  # seconds for which what has ended is still read


@dataclass(slots=True)
class Output:
    """One of a program's outputs: its beginning, and whether it has a word in it.

    Attributes:
        most: Bytes that are kept.
        word: Looked for in all of it; empty for none.
    """

    most: int
    word: bytes = b""
    kept: bytearray = field(default_factory=bytearray)
    found: bool = False
    _end: bytes = b""

    def add(self, piece: bytes) -> None:
        """Take what was written."""
        room = max(0, self.most - len(self.kept))
        self.kept += piece[:room]
        if self.word and not self.found:
            looked_at = self._end + piece
            self.found = self.word in looked_at
            self._end = looked_at[-len(self.word) :]


def watch(process: int, outputs: tuple[int, int], request: dict[str, Any]) -> dict[str, Any]:
    """Watch a process to its end, and end it when its time is up.

    Args:
        process: Its number; its end is that of all that it started.
        outputs: The reading ends of its standard output and error.
        request: The start (``start.Start`` as a mapping).

    Returns:
        Fields of ``start.Outcome``: what it wrote, and why it was ended; and ``code``, negative for
        a signal.
    """
    probe = Probe.parse(request["ready"]) if request["ready"] else None
    word = probe.text.encode() if probe else b""
    most = 4 * request["output"]
    kept = [Output(most, word) for _ in outputs]
    began = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for file, output in zip(outputs, kept, strict=True):
            os.set_blocking(file, False)
            selector.register(file, _READ, output)
        end = os.pidfd_open(process)
        selector.register(end, _READ)
        ending = _followed(selector, end, lambda: _ending(request, probe, kept, began))
        code = _ended(process, early=bool(ending))
        selector.unregister(end)
        os.close(end)
        _drain(selector)
    seconds = time.monotonic() - began
    told = _told(ending, request["output"], kept, seconds)
    return {**told, "code": code}


def _followed(selector: selectors.BaseSelector, end: int, ending: Callable[[], str]) -> str:
    """Read until the process ends, or is to be ended: why; empty if it has ended by itself."""
    look = 0.0
    while not _read(selector, _TICK, end):
        if time.monotonic() < look:
            continue
        why = ending()
        if why:
            return why
        look = time.monotonic() + _TICK
    return ""


def _ended(process: int, *, early: bool) -> int:
    """The exit code of a process, which is ended if it is early."""
    if early:
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def _read(selector: selectors.BaseSelector, seconds: float, end: int = -1) -> bool:
    """Read what is there; whether the process has ended."""
    ended = False
    for key, _ in selector.select(seconds):
        if key.fd == end:
            ended = True
            continue
        piece = os.read(key.fd, _PIECE)
        if piece:
            key.data.add(piece)
        else:
            selector.unregister(key.fd)
    return ended


def _drain(selector: selectors.BaseSelector) -> None:
    """Read what was written before the end."""
    until = time.monotonic() + _CALM
    while selector.get_map() and time.monotonic() < until:
        _read(selector, _TICK)


def _ending(request: dict[str, Any], probe: Probe | None, kept: list[Output], began: float) -> str:
    """Why the program is to be ended now: ``ready``, ``time``, or a bound; empty if it is not."""
    if probe and (any(output.found for output in kept) or probe.answers()):
        return "ready"
    exceeded = _exceeded(request["processes"], request["memory"])
    if exceeded:
        return exceeded
    seconds = time.monotonic() - began
    return "time" if seconds > request["timeout"] else ""


def _told(ending: str, most: int, kept: list[Output], seconds: float) -> dict[str, Any]:
    stdout, stderr = (output.kept.decode(errors="replace")[:most] for output in kept)
    return {
        "timed_out": ending == "time",
        "ready": ending == "ready",
        "exceeded": "" if ending in {"time", "ready"} else ending,
        "stdout": stdout,
        "stderr": stderr,
        "seconds": round(seconds, 2),
    }


def _exceeded(processes: int, memory: int) -> str:
    """The bound that the processes of this PID namespace, but for this one, go beyond."""
    if not (processes or memory):
        return ""
    # The quickest of all ways: thousands of processes leave little time for it.
    named = filter(str.isdecimal, os.listdir("/proc"))  # noqa: PTH208
    others = set(named) - {str(os.getpid())}
    if processes and len(others) > processes:
        return f"{processes} processes"
    if memory and sum(map(_memory, others)) > memory:
        return f"{memory >> 20} MiB of memory"
    return ""


def _memory(process: str) -> int:
    """The bytes of a process that no file has (proc(5), ``statm``)."""
    try:
        _, resident, shared, *_ = Path("/proc", process, "statm").read_text().split()
    except (OSError, ValueError):  # it has ended
        return 0
    pages = int(resident) - int(shared)
    return _PAGE * pages
