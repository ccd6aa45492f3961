"""Log lines that a stranger can bring about at will.

So many a second, and how many were left out.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any

A_SECOND = 20


class Seldom:
    """Logs at most so many lines a second.

    Args:
        log: Where to.
        a_second: How many.
    """

    def __init__(self, log: logging.Logger, a_second: int = A_SECOND) -> None:
        self._log = log
        self._a_second = a_second
        self._second = 0
        self._lines = 0
        self._left_out = 0

    def enabled(self, level: int) -> bool:
        """Whether a line of that level is to be logged now; one that is not is counted."""
        if not self._log.isEnabledFor(level):
            return False
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines > self._a_second:
            self._left_out += 1
            return False
        return True

    def line(
        self,
        level: int,
        message: str,
        facts: Mapping[str, Any],
        error: BaseException | None = None,
    ) -> None:
        """Log one line for which ``enabled`` has just said yes."""
        left_out = {"left_out": self._left_out} if self._left_out else {}
        self._left_out = 0
        self._log.log(level, message, extra={**facts, **left_out}, exc_info=error)
