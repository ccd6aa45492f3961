"""What was read before: by this machine (near), and by the other replicas of a service (shared).

The near store answers at once and may be asked from the event loop; the shared one is across a network and is asked
from threads only. What is found there is looked at before it is believed, and then kept near.
"""

from collections.abc import Callable, Sequence

from elfgate.store.content import is_intact
from elfgate.store.protocol import Kind, SharedStore, Store


class Facts:
    """Facts near and shared. Thread-safe; every method may block, for as long as a server takes to answer or to fail.

    Args:
        near: Answers at once.
        shared: What replicas share, if they do.
    """

    def __init__(self, near: Store, shared: SharedStore | None = None) -> None:
        self._near = near
        self._shared = shared

    @property
    def shared(self) -> bool:
        """Whether replicas share them."""
        return self._shared is not None

    def find(self, kind: Kind, digest: str) -> bytes | None:
        """A fact, near or shared; None if neither has it."""
        value = self._near.get(kind, digest)
        if value is not None and is_intact(kind, digest, value):
            return value
        value = None if self._shared is None else self._shared.get(kind, digest)
        if value is None or not is_intact(kind, digest, value):
            return None
        self._near.put(kind, digest, value)
        return value

    def keep(self, kind: Kind, digest: str, value: bytes) -> None:
        """Keep a fact near, and share it."""
        self._near.put(kind, digest, value)
        if self._shared is not None:
            self._shared.put(kind, digest, value)

    def find_or_make(self, kind: Kind, digest: str, make: Callable[[], bytes]) -> bytes | None:
        """A fact that is found, or else made by one replica for all.

        Returns:
            The fact; None if another replica is about to make it, so that it is time to ask again in a while.
        """
        value = self.find(kind, digest)
        if value is not None:
            return value
        if self._shared is None:
            return self._made(kind, digest, make)
        if not self._shared.claim(digest):
            return None
        try:
            value = self.find(kind, digest)  # it may have come before the lease did
            return self._made(kind, digest, make) if value is None else value
        finally:
            self._shared.release(digest)

    def share_tag(self, repository: str, tag: str, digest: str) -> None:
        """Tell the other replicas where a tag points."""
        if self._shared is not None:
            self._shared.tag(repository, tag, digest)

    def shared_tags(self, repository: str) -> Sequence[tuple[str, str]]:
        """The tags that replicas saw of a repository, the latest first, each with its digest."""
        return () if self._shared is None else self._shared.tags(repository)

    def _made(self, kind: Kind, digest: str, make: Callable[[], bytes]) -> bytes:
        value = make()
        self.keep(kind, digest, value)
        return value
