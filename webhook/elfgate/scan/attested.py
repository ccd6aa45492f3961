"""Layers' indexes that attestations beside an image bring, so that its layers need not be read.

Whose key counts is settled by repository. An index by a key is kept under a name of that key and
layer: it is looked for where the key counts, and nowhere else. An image that is put together of
such indexes is one that is read in part: where they do not decide, the layers are read.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial

from elfgate.attest.referrers import Referred, attested
from elfgate.errors import UnreadableError
from elfgate.images.digests import is_digest
from elfgate.images.source import Descriptor
from elfgate.keys import Verifier
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.scan.located import Located
from elfgate.scan.threads import Threads

ATTESTED = declare(
    "attested",
    "indexes that attestations name, by asker and manifest",
    max_bytes=1 << 20,
    seconds=30,
)
_PATIENCE = 2.0  # seconds for the statement; the layers are then read as if there were none


@dataclass(frozen=True, slots=True)
class Trusted:
    """A key whose statements count for some repositories.

    Attributes:
        repositories: Patterns (``fnmatch``) of repositories' familiar names.
        key: Verifies them.
    """

    repositories: tuple[str, ...]
    key: Verifier

    def covers(self, repository: str) -> bool:
        """Tell whether the key counts for a repository."""
        return any(fnmatchcase(repository, pattern) for pattern in self.repositories)


@dataclass(frozen=True, slots=True)
class Attested:
    """The index of a layer, at its source.

    Attributes:
        name: By what its facts are kept.
        index: Its bytes.
    """

    name: str
    index: Descriptor

    def read(self, source: Referred) -> bytes:
        """Fetch it; blocks.

        Raises:
            UnreadableError: if it cannot be had.
        """
        return source.whole(self.index, self.index.size)


class Attestations:
    """Finds what attestations bring. Belongs to one event loop.

    Args:
        trusted: Whose statements count, and where.
        threads: Where registries are asked.
    """

    def __init__(self, trusted: Sequence[Trusted], threads: Threads) -> None:
        self._trusted = tuple(trusted)
        self._threads = threads
        self._told: Recent[str, Mapping[str, Attested]] = Recent(ATTESTED)
        self._asking: dict[str, asyncio.Task[Mapping[str, Attested]]] = {}

    def names(self, located: Located, layer: str) -> list[str]:
        """The names that a layer's index may be kept under, for a repository."""
        return [_name(key, layer) for key in self._keys(located)]

    def begin(self, located: Located, manifest: str) -> None:
        """Ask about a manifest that is being fetched, so that the answer is there as soon.

        Args:
            located: The image, and who asks.
            manifest: Its manifest's digest.
        """
        keys, source = self._keys(located), located.source
        if not keys or not is_digest(manifest) or not isinstance(source, Referred):
            return
        asked = _asked(located, manifest)
        if asked in self._asking or self._told.get(asked) is not None:
            return

        def note(task: asyncio.Task[Mapping[str, Attested]]) -> None:
            del self._asking[asked]
            if not task.cancelled() and task.exception() is None:
                self._told.put(asked, task.result())

        asking = self._ask(located, source, manifest, keys)
        task = self._asking[asked] = asyncio.ensure_future(asking)
        task.add_done_callback(note)

    async def of(
        self, located: Located, manifest: str, is_wanted: Callable[[], bool]
    ) -> Mapping[str, Attested]:
        """The indexes of an image's layers, by the layers' digests.

        None if there is nothing to believe.

        Args:
            located: The image, and who asks.
            manifest: Its manifest's digest.
            is_wanted: Tells whether any layer is not at hand.
        """
        if not self._keys(located) or not is_wanted():
            return {}
        self.begin(located, manifest)
        asked = _asked(located, manifest)
        asking = self._asking.get(asked)
        if asking is not None:
            return await asyncio.shield(asking)
        return self._told.get(asked) or {}

    async def close(self) -> None:
        """Stop asking."""
        under_way = tuple(self._asking.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _ask(
        self, located: Located, source: Referred, manifest: str, keys: Sequence[Verifier]
    ) -> Mapping[str, Attested]:
        found = None
        ask = partial(attested, source, manifest, keys)
        with suppress(TimeoutError, UnreadableError):
            async with asyncio.timeout(_PATIENCE):
                found = await self._threads.look_up(located, ask)
        if found is None:
            return {}
        indexes, key = found
        return {layer: Attested(_name(key, layer), at) for layer, at in indexes.items()}

    def _keys(self, located: Located) -> list[Verifier]:
        if not located.repository:
            return []
        return [each.key for each in self._trusted if each.covers(located.repository)]


def _asked(located: Located, manifest: str) -> str:
    """By what an answer about a manifest is remembered."""
    return f"{located.origin} {manifest}"


def _name(key: Verifier, layer: str) -> str:
    """By what the index of a layer that a key has signed is kept."""
    named = f"attested\0{key.fingerprint}\0{layer}".encode()
    return f"sha256:{hashlib.sha256(named).hexdigest()}"
