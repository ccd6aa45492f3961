"""Images as people ask about them: what they offer, hold and need."""

from collections.abc import Iterator
from contextlib import contextmanager

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.labels import Labels
from elfgate.images.source import Descriptor
from elfgate.linkage.inputs import NodeFacts, Overrides
from elfgate.linkage.report import Prediction, Surveyed
from elfgate.needs.facts import Needs
from elfgate.platforms import ARCHITECTURES, Platform
from elfgate.scan.asker import Asker
from elfgate.scan.inquiry import BusyError, KilledError
from elfgate.scan.located import Contents
from elfgate.scan.means import NO_FACTS, NO_OVERRIDES, Means


class Images:
    """Answers about images, none of which decides a review.

    Each method that takes an image raises ``InputError`` if it is not an image reference, and
    ``UnreadableError`` if it cannot be read.

    Args:
        means: How images are found, read, and asked about.
    """

    def __init__(self, means: Means) -> None:
        self._means = means

    async def platforms(self, image: str) -> tuple[Platform, ...]:
        """The Linux platforms that an image offers.

        As its index lists them, or as its only config says.
        """
        listings = self._means.reader.listings
        offered = await listings.platforms(self._means.locate(image))
        return tuple(platform for platform in offered if platform.os == "linux")

    async def tags(self, image: str) -> tuple[str, ...]:
        """The tags of an image's repository that its registry lists; none if it is in no registry."""
        return await self._means.reader.listings.tags(self._means.locate(image))

    async def manifest(self, image: str, platform: Platform) -> Descriptor | None:
        """The manifest that a node of a platform pulls, with its size; None if there is none."""
        return await self._means.reader.listings.manifest(self._means.locate(image), platform)

    async def size(self, image: str, platform: Platform) -> int:
        """The packed bytes that a node of a platform pulls of an image; 0 if that is not known."""
        return await self._means.reader.listings.size(self._means.locate(image), platform)

    async def labels(self, image: str, digest: str, manifest: str, asker: Asker) -> Labels:
        """The labels of an image.

        Args:
            image: As a manifest or a command line names it.
            digest: Of its index or only manifest.
            manifest: Of the manifest that a node pulls; empty if there is none for the node.
            asker: Who asks.
        """
        located = self._means.locate(image, asker)
        return await self._means.reader.listings.labels(located, digest, manifest)

    async def contents(
        self, image: str, platform: Platform, runtime: str | None = None
    ) -> Contents | None:
        """All that a node of a platform would run of an image, none of its layers in part.

        None if it has nothing for the platform.
        """
        located = self._means.locate(image)
        reader = self._means.reader
        _, contents = await reader.read(located, platform, runtime)
        if contents is not None and contents.partial:
            _, contents = await reader.read_whole(located, platform, runtime, contents)
        return contents

    async def needs(
        self, image: str, platform: Platform, overrides: Overrides = NO_OVERRIDES
    ) -> Needs | None:
        """Tell what an image's program needs from its surroundings on a platform.

        None if the image has nothing to start there.
        """
        contents = await self.contents(image, platform)
        if contents is None or not contents.startable or not _is_known(platform):
            return None
        inquiry = self._means.inquiry(platform, overrides)
        with _in_time():
            return await self._means.predictor.needs(contents, inquiry)

    async def others(
        self, image: str, platform: Platform, node: NodeFacts = NO_FACTS
    ) -> tuple[Surveyed, ...]:
        """Tell what else of the image would fail on that platform.

        For people, never a reason to deny.
        """
        contents = await self.contents(image, platform, node.runtime)
        if contents is None or not contents.startable or not _is_known(platform):
            return ()
        with _in_time():
            return await self._means.predictor.survey(contents, platform, node)

    async def predicted(self, contents: Contents, platform: Platform) -> Prediction:
        """Predict the start of an image that is put together here, by its own defaults."""
        inquiry = self._means.inquiry(platform)
        with _in_time():
            answer = await self._means.predictor.predict(contents, inquiry)
        return answer.prediction


@contextmanager
def _in_time() -> Iterator[None]:
    """Turn what a predictor cannot do into what cannot be read."""
    try:
        yield
    except (KilledError, BusyError) as error:
        raise UnreadableError(
            error.message, reason=UnknownReason.LIMIT_EXCEEDED, hint=error.hint
        ) from error


def _is_known(platform: Platform) -> bool:
    return platform.os == "linux" and platform.architecture in ARCHITECTURES
