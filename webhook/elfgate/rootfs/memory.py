"""Remembers decoded ELF facts by content, within a bound."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from elfgate.elf.facts import ElfFacts
from elfgate.elf.read import read
from elfgate.memory.declared import Usage, declare

FACTS = declare("elf-facts", "facts of ELF files, by excerpt", max_bytes=4 << 20)


class FactsMemory:
    """ELF facts by the digest of their excerpt.

    What was not used longest is forgotten first. Thread-safe.

    Args:
        max_bytes: How many bytes of excerpts the remembered facts may stem from.
    """

    def __init__(self, max_bytes: int = FACTS.max_bytes) -> None:
        self._max_bytes = max_bytes
        self._bytes = self._evictions = 0
        FACTS.enter(self)
        self._facts: OrderedDict[bytes, tuple[ElfFacts, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: bytes, load: Callable[[bytes], bytes | None]) -> ElfFacts | None:
        """The facts of the excerpt with this digest.

        Args:
            digest: As in ``Entry.elf``.
            load: Gives the excerpt, if its facts are not remembered.

        Returns:
            The facts, or None if ``load`` has none.

        Raises:
            UnreadableError: if the excerpt is not of this version of elfgate.
        """
        with self._lock:
            remembered = self._facts.get(digest)
            if remembered is not None:
                self._facts.move_to_end(digest)
                return remembered[0]
        excerpt = load(digest)
        if excerpt is None:
            return None
        facts = read(excerpt)
        with self._lock:
            if digest not in self._facts:
                self._facts[digest] = (facts, len(excerpt))
                self._bytes += len(excerpt)
            while self._bytes > self._max_bytes:
                self._bytes -= self._facts.popitem(last=False)[1][1]
                self._evictions += 1
        return facts

    def usage(self) -> Usage:
        """How full it is."""
        with self._lock:
            return Usage(self._bytes, len(self._facts), self._evictions)
