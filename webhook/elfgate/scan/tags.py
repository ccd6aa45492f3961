"""Tags of repositories and where they point, as far as this process has seen: for remedies."""

from collections.abc import Sequence
from functools import partial

from elfgate.images.source import Descriptor
from elfgate.scan.located import Located
from elfgate.scan.writes import Writes
from elfgate.store.memory import MemoryStore
from elfgate.store.protocol import SharedStore, Store

# The store for tags of images that are read elsewhere than in their registry; an eighth is for
# tags.
_UNPUSHED_BYTES = 8 << 20


class Tags:
    """Notes them. Belongs to one event loop.

    Args:
        store: Where this machine keeps them.
        shared: Where replicas share them, if they do.
        writes: Writes them soon.
    """

    def __init__(self, store: Store, shared: SharedStore | None, writes: Writes) -> None:
        self._store = store
        self._shared = shared
        self._writes = writes
        self._unpushed = MemoryStore(_UNPUSHED_BYTES)

    def of(self, repository: str) -> Sequence[tuple[str, str]]:
        """A repository's tags seen so far, the latest first, each with its digest."""
        if not repository:
            return ()
        return (*self._unpushed.tags(repository), *self._store.tags(repository))

    def note(self, located: Located, descriptor: Descriptor) -> None:
        """Note where a tag points, and tell the other replicas.

        One that was given another place for this process only is told to no store.
        """
        if not located.repository or not located.tag:
            return
        if not located.pushed:
            self._unpushed.tag(located.repository, located.tag, descriptor.digest)
            return
        for store in filter(None, (self._store, self._shared)):
            note = partial(store.tag, located.repository, located.tag, descriptor.digest)
            self._writes.later(note, after=located.image)
