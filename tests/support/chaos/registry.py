"""A registry that can be told to turn everybody away, to be slow, or to say nothing at all."""

import threading
from collections.abc import Mapping
from typing import Literal

from support.oci import Blob
from support.registry import Answer, Registry

Mode = Literal["well", "busy", "slow", "silent"]

SLOW_SECONDS = 3.0


class FaultyRegistry(Registry):
    """The registry.

    Attributes:
        mode: How it does: well; 429 to all; each answer after some seconds; or no answer until that changes.
    """

    def __init__(self, images: Mapping[str, Mapping[str, Blob]]) -> None:
        super().__init__(images)
        self._mode: Mode = "well"
        self._changed = threading.Condition()

    @property
    def mode(self) -> Mode:
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        with self._changed:
            self._mode = mode
            self._changed.notify_all()

    def next_answer(self, path: str) -> Answer | None:
        """What to answer instead of the content, when it is time to."""
        with self._changed:
            if self._mode == "slow":
                self._changed.wait_for(lambda: self._mode != "slow", SLOW_SECONDS)
            elif self._mode == "silent":
                self._changed.wait_for(lambda: self._mode != "silent")
            busy = self._mode == "busy"
        return Answer(429, {"Retry-After": "1"}) if busy else super().next_answer(path)
