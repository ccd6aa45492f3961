"""Images that stores have, told without asking any source."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from elfgate.errors import UnreadableError
from elfgate.images.source import Descriptor
from elfgate.platforms import Platform
from elfgate.scan.assembly import Assembly
from elfgate.scan.documents import Documents, MissingDocumentError
from elfgate.scan.flights import Flights
from elfgate.scan.located import Contents, Located
from elfgate.scan.recall import Recall
from elfgate.scan.tags import Tags

_RECALL_SECONDS = 0.5


class Stored:
    """Finds images that were read before. Belongs to one event loop.

    Args:
        documents: Knows indexes, manifests and configs.
        assembly: Puts images together.
        tags: Knows which tags were seen.
        recall: Brings near what replicas know; None without a shared store.
        flights: Lets all who want the same at a time have it by one asking.
    """

    def __init__(
        self,
        documents: Documents,
        assembly: Assembly,
        tags: Tags,
        recall: Recall | None,
        flights: Flights,
    ) -> None:
        self._documents = documents
        self._assembly = assembly
        self._tags = tags
        self._recall = recall
        self._flights = flights

    def contents(
        self,
        located: Located,
        digest: str,
        platform: Platform,
        runtime: str | None = None,
        *,
        upper: bool = False,
    ) -> Contents | None:
        """Find an image on a platform in the near store.

        Args:
            located: Who asks, by which repository.
            digest: Of the image's index or only manifest.
            platform: Of the node.
            runtime: Its container runtime.
            upper: Its upper layers will do, where not all are there.

        Returns:
            What a node would run; None if anything of it is missing, or not for the asker to know.
        """
        try:
            return self._contents(located, digest, platform, runtime, upper=upper)
        except (UnreadableError, MissingDocumentError):
            return None

    def tags(self, repository: str) -> Sequence[tuple[str, str]]:
        """The repository's tags seen so far, the latest first, each with its digest."""
        return self._tags.of(repository)

    async def recall(self, located: Located, platform: Platform) -> None:
        """Bring near what replicas know of a repository's tags.

        It is for ``tags`` and ``contents``, unless it takes long.
        """
        if self._recall is None or not located.repository:
            return
        recall = self._flights.join(
            f"recall for {platform}",
            partial(self._recall.tags, located, platform),
            source=located.origin,
        )
        with suppress(TimeoutError):
            await asyncio.wait_for(recall, _RECALL_SECONDS)

    def _contents(
        self,
        located: Located,
        digest: str,
        platform: Platform,
        runtime: str | None,
        *,
        upper: bool,
    ) -> Contents | None:
        descriptor = Descriptor("", digest)
        pulled = self._documents.pulled(descriptor, platform, runtime)
        if pulled is None:
            pulled = self._documents.kept_pull(located, descriptor, platform, runtime)
        if pulled is None or pulled.manifest.artifact:
            return None
        known = self._assembly.known(located, pulled)
        if known is None and upper:
            return self._assembly.upper_known(located, pulled)
        return known
