"""The order in which work is given up when reviews pile up.

No review is to wait past its deadline for what others need as well. First goes reading in the
background, which nobody waits for; then waiting for images seen for the first time; and last the
verdict (``admission.in_flight``, in ``app``). Reviews that are answered from memory take no turn of
their own, and do not count.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

ANSWERING = 0.1  # seconds of a review's time that are kept for policies and answer
BRIEFLY = 0.1  # seconds: enough to read from the store, and not from a registry


class Load:
    """How much is being judged at a time. Belongs to one event loop.

    Args:
        most: How much is too much (``admission.in_flight``).
        shed: Takes whether to give up reading in the background, when that changes.
    """

    def __init__(self, most: int, shed: Callable[[bool], None]) -> None:
        self._most = most
        self._shed = shed
        self._now = 0
        self._shedding = False

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """While this lasts, one more review is being judged."""
        self._change(+1)
        try:
            yield
        finally:
            self._change(-1)

    def patience(self, deadline: float) -> float:
        """The most seconds a review may wait for facts, with ``deadline`` left for all of it."""
        return BRIEFLY if self._now * 4 > self._most * 3 else max(deadline - ANSWERING, BRIEFLY)

    def _change(self, by: int) -> None:
        self._now += by
        shedding = self._now * 2 > self._most
        if shedding is not self._shedding:
            self._shedding = shedding
            self._shed(shedding)
