"""Hosts that do not answer in time are left alone for a while.

Nobody so waits again and again.

Each namespace finds that out for itself: what one of them asks of a registry that all share may be
what hangs.
"""

import time
from collections import OrderedDict

from elfgate.errors import UnknownReason, UnreadableError

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0  # seconds
_PATIENT = 2  # failures in a row before a host is left alone: one may be a hiccup
_MOST = 4096  # remembered; those that failed longest ago are forgotten first


class Backoff:
    """Which hosts are left alone, by namespace. Belongs to one thread."""

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def check(self, namespace: str, host: str) -> None:
        """See that a host may be asked.

        Raises:
            UnreadableError: REGISTRY_UNREACHABLE if it is left alone now.
        """
        _, until = self._failures.get((namespace, host), (0, 0.0))
        if time.monotonic() < until:
            raise UnreadableError(
                f"{host} has not answered in time, and is asked again within a minute",
                reason=UnknownReason.REGISTRY_UNREACHABLE,
            )

    def failed(self, namespace: str, host: str) -> None:
        """Note that a host did not answer in time."""
        count = self._failures.pop((namespace, host), (0, 0.0))[0] + 1
        pause = min(FIRST_PAUSE * 2.0 ** min(count - _PATIENT, 16), LONGEST_PAUSE)
        until = time.monotonic() + pause if count >= _PATIENT else 0.0
        self._failures[namespace, host] = count, until
        if len(self._failures) > _MOST:
            self._failures.popitem(last=False)

    def answered(self, namespace: str, host: str) -> None:
        """Note that a host answered."""
        self._failures.pop((namespace, host), None)
