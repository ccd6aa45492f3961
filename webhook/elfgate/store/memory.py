"""Facts in memory.

What a process has close at hand when the store that lasts is across a network.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from elfgate.store.protocol import MOST_IMAGES, Kind

DEFAULT_MAX_BYTES = 64 << 20
_MOST_TAGS = 256  # kept of one repository
_TAGS_SHARE = 8  # tags may take this part of the room
_TAG_BYTES = 300  # of an entry, besides its texts


@dataclass(frozen=True, slots=True)
class _Images:
    """The images that share a layer: how many, and the one that was noted last."""

    count: int = 0
    last: str = ""

    def and_one(self, image: str) -> "_Images":
        return self if image == self.last else _Images(min(self.count + 1, MOST_IMAGES), image)


_NO_IMAGES = _Images()


class MemoryStore:
    """A ``Store`` that ends with its process.

    Args:
        max_bytes: How much it keeps; what was used longest ago goes first.
    """

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = self._tag_bytes = 0
        self._facts: OrderedDict[tuple[Kind, str], bytes] = OrderedDict()
        self._images: dict[tuple[Kind, str], _Images] = {}
        self._tags: OrderedDict[str, OrderedDict[str, str]] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False

    def get(self, kind: Kind, digest: str) -> bytes | None:
        """The fact, or None."""
        with self._lock:
            value = self._facts.get((kind, digest))
            if value is not None:
                self._facts.move_to_end((kind, digest))
            return value

    def put(self, kind: Kind, digest: str, value: bytes) -> None:
        """Keep a fact, in place of one that is there; room is made for it if need be."""
        with self._lock:
            if self._closed:
                return
            self._bytes += len(value) - len(self._facts.pop((kind, digest), b""))
            self._facts[kind, digest] = value
            while self._bytes > self._max_bytes:
                self._forget_fact()

    def share(self, layer: str, image: str) -> None:
        """Note a layer of an image: the more images share a layer, the more often it is spared."""
        key = Kind.LAYER, layer
        with self._lock:
            if key in self._facts:
                self._facts.move_to_end(key)
                self._images[key] = self._images.get(key, _NO_IMAGES).and_one(image)

    def tag(self, repository: str, tag: str, digest: str) -> None:
        """Note where a tag points."""
        with self._lock:
            if self._closed:
                return
            tags = self._tags.setdefault(repository, OrderedDict())
            self._tags.move_to_end(repository)
            if tag in tags:
                self._tag_bytes -= _weight(repository, tag, tags[tag])
            tags[tag] = digest
            tags.move_to_end(tag)
            self._tag_bytes += _weight(repository, tag, digest)
            if len(tags) > _MOST_TAGS:
                self._tag_bytes -= _weight(repository, *tags.popitem(last=False))
            while self._tag_bytes > self._max_bytes // _TAGS_SHARE:
                self._forget_repository()

    def _forget_fact(self) -> None:
        """Drop the fact that was used longest ago.

        A layer that images share is spared, and half of them forgotten.
        """
        key, value = self._facts.popitem(last=False)
        images = self._images.pop(key, _NO_IMAGES)
        if images.count > 1:
            self._facts[key] = value
            self._images[key] = replace(images, count=images.count // 2)
        else:
            self._bytes -= len(value)

    def _forget_repository(self) -> None:
        repository, tags = self._tags.popitem(last=False)
        self._tag_bytes -= sum(_weight(repository, *each) for each in tags.items())

    def tags(self, repository: str, limit: int = 16) -> Sequence[tuple[str, str]]:
        """The tags seen of a repository, the latest first."""
        with self._lock:
            return list(reversed(self._tags.get(repository, {}).items()))[:limit]

    def repositories(self) -> Iterator[str]:
        """Every repository of which a tag was seen."""
        with self._lock:
            names = list(self._tags)
        yield from names

    def facts(self, kind: Kind) -> Iterator[tuple[str, bytes]]:
        """Every fact of a kind."""
        with self._lock:
            facts = [(digest, value) for (of, digest), value in self._facts.items() if of is kind]
        yield from facts

    def statistics(self) -> Mapping[str, int]:
        """Counts and bytes; it never fails."""
        with self._lock:
            kinds = Counter(kind for kind, _ in self._facts)
            return {
                "layers": kinds[Kind.LAYER],
                "documents": kinds[Kind.DOCUMENT],
                "tags": sum(map(len, self._tags.values())),
                "bytes": self._bytes + self._tag_bytes,
                "failures": 0,
            }

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._closed = True
            self._facts.clear()
            self._images.clear()
            self._tags.clear()
            self._bytes = self._tag_bytes = 0


def _weight(repository: str, tag: str, digest: str) -> int:
    return _TAG_BYTES + len(repository) + len(tag) + len(digest)
