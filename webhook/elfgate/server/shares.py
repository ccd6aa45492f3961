"""Room that strangers share: whoever asks for more may hold as much as is still free, and no more.

One alone thus gets half, two get a third each, and something is left for whoever comes next,
whatever those who came before hold (dynamic thresholds, as switches share their buffers; Choudhury
and Hahne, 1998).
"""

from collections import Counter


class Shares:
    """Divides a total between peers. Belongs to one thread.

    Args:
        total: How much there is.

    Attributes:
        used: How much of it is held.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._held: Counter[str] = Counter()
        self.used = 0

    def take(self, peer: str, amount: int = 1) -> bool:
        """Hand out some more, if the peer then holds no more than was free before."""
        if self._held[peer] + amount > self._total - self.used:
            return False
        self._held[peer] += amount
        self.used += amount
        return True

    def give(self, peer: str, amount: int = 1) -> None:
        """Take some back."""
        self.used -= amount
        self._held[peer] -= amount
        if not self._held[peer]:
            del self._held[peer]

    def held(self, peer: str) -> int:
        """How much a peer holds."""
        return self._held.get(peer, 0)

    def largest(self) -> str:
        """The peer that holds most; empty if nobody holds anything."""
        return max(self._held, key=self._held.__getitem__, default="")
