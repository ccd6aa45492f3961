"""Counts a prediction's work instead of its time: the units that it pays, and the calls that it makes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from elfgate.linkage.work import Work

_SPEND = Work.spend.__code__


@dataclass(slots=True)
class Counted:
    """The work of a prediction.

    Attributes:
        units: The units that it has paid.
        calls: The calls of functions that it has made, those of the interpreter's own among them.
    """

    units: int = 0
    calls: int = 0

    def note(self, frame: FrameType, event: str, _: Any) -> None:
        """Count an event of the interpreter."""
        if event not in {"call", "c_call"}:
            return
        self.calls += 1
        if event == "call" and frame.f_code is _SPEND:
            self.units += frame.f_locals["units"]


@contextmanager
def counted() -> Iterator[Counted]:
    """Count what is done within."""
    work = Counted()
    before = sys.getprofile()
    sys.setprofile(work.note)
    try:
        yield work
    finally:
        sys.setprofile(before)
