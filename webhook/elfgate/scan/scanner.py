"""Predicts the start of images on platforms.

What cannot be read is an *unknown* with its reason, no exception.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.linkage.inputs import NodeFacts, Overrides, Snapshotter
from elfgate.linkage.report import Outcome
from elfgate.platforms import Platform
from elfgate.scan.asker import ANYBODY, Asker
from elfgate.scan.images import Images
from elfgate.scan.inquiry import DamagedError, Foreseen, Inquiry, Predictor, unknown
from elfgate.scan.kept import Kept
from elfgate.scan.linkage import Linkage, not_offered, of_answer
from elfgate.scan.located import Contents, Locate, Located
from elfgate.scan.means import NO_FACTS, NO_OVERRIDES, Means
from elfgate.scan.overruns import Overruns
from elfgate.scan.predictions import Predictions
from elfgate.scan.reader import Reader
from elfgate.traces import step

__all__ = ["Linkage", "Scanner"]

_AHEAD = Asker("read-ahead")  # whose share of reading it takes


class Scanner:
    """Predicts starts.

    Args:
        locate: Finds an image's source.
        reader: Reads images.
        predictor: Predicts starts of what was read.
        wait: Seconds to wait for an image that is seen for the first time; after that it is
            unknown, while the reading goes on. None waits for as long as the sources' limits allow.
        snapshotter: How the nodes unpack layers; None if that is not known.
        on_unread: Told of each image that cannot be read (yet), with the unknown's reason.
        by_upper: Tells whether images' natures do not matter now: then upper layers are read first,
            and no more if they decide a start.

    Attributes:
        images: Answers about images beyond their starts.
        kept: Answers from what stores have.
    """

    def __init__(
        self,
        *,
        locate: Locate,
        reader: Reader,
        predictor: Predictor,
        wait: float | None = None,
        snapshotter: Snapshotter | None = None,
        on_unread: Callable[[str], None] = lambda _: None,
        by_upper: Callable[[], bool] = lambda: False,
    ) -> None:
        self._locate = locate
        self._reader = reader
        self._wait = wait
        self._on_unread = on_unread
        self._by_upper = by_upper
        self._predictor = predictor
        self._predictions = Predictions(predictor, Overruns(*reader.stores))
        self._means = Means(locate, reader, predictor, self._predictions, by_upper, snapshotter)
        self.images = Images(self._means)
        self.kept = Kept(self._means)

    async def linkage(
        self,
        image: str,
        platform: Platform,
        overrides: Overrides = NO_OVERRIDES,
        node: NodeFacts = NO_FACTS,
        *,
        explain: bool = False,
        asker: Asker = ANYBODY,
        within: float | None = None,
    ) -> Linkage:
        """Predict the start of an image on a platform.

        Args:
            image: As a manifest or a command line names it.
            platform: Of the node.
            overrides: What the pod changes of the image's start.
            node: What is known of the node beyond its platform.
            explain: Keep every look-up.
            asker: Who asks.
            within: The most seconds that there are for it; None for no more than the scanner's own
                ``wait``.

        Raises:
            InputError: if ``image`` is not an image reference.
        """
        inquiry = self._means.inquiry(platform, overrides, node, explain=explain)
        try:
            with step("image", image=image, platform=platform):
                return await self._linkage(image, inquiry, asker, within)
        except UnreadableError as error:
            self._on_unread(error.reason)
            missing = unknown(error.message, error.reason, error.hint)
        except TimeoutError:
            self._on_unread(UnknownReason.NOT_SCANNED)
            message = f"{image} is seen for the first time and is still being read"
            missing = unknown(message, UnknownReason.NOT_SCANNED)
        return Linkage(image, "", platform, missing)

    async def _linkage(
        self,
        image: str,
        inquiry: Inquiry,
        asker: Asker,
        within: float | None,
    ) -> Linkage:
        platform = inquiry.platform
        if not inquiry.explain:
            at_hand = self.at_hand(image, platform, inquiry.overrides, inquiry.node, asker=asker)
            if at_hand is not None:
                return at_hand
        located = self._locate(image, asker)
        async with asyncio.timeout(_least(self._wait, within)):
            try:
                early = await self._early(located, inquiry)
            except asyncio.CancelledError:  # whoever asks next has the more of it
                self._reader.begin(located, platform, inquiry.node.runtime)
                raise
            if early is not None:
                return self._unless_old(located, early)
            digest, contents = await self._reader.read(located, platform, inquiry.node.runtime)
            until = self._reader.holds_until(located)
            if contents is None:
                missing = not_offered(platform, await self._reader.listings.platforms(located))
                linkage = Linkage(image, digest, platform, missing, until=until)
                return self._unless_old(located, linkage)
            contents, answer = await self._answer(located, contents, inquiry)
        linkage = of_answer(image, digest, contents, inquiry=inquiry, answer=answer, until=until)
        return self._unless_old(located, linkage)

    async def _early(self, located: Located, inquiry: Inquiry) -> Linkage | None:
        """Predict by upper layers: by those at hand, then by one more.

        None if they do not decide it.
        """
        if inquiry.explain or not self._by_upper():
            return None
        for fetch in (False, True):
            digest, upper = await self._reader.read_upper(
                located, inquiry.platform, inquiry.node.runtime, fetch=fetch
            )
            if upper is None:
                continue
            answer = await self._predictions.of(upper, inquiry, namespace=located.namespace)
            if answer.prediction.outcome is not Outcome.UNKNOWN:
                until = self._reader.holds_until(located)
                return of_answer(
                    located.image, digest, upper, inquiry=inquiry, answer=answer, until=until
                )
        return None

    async def _answer(
        self, located: Located, contents: Contents, inquiry: Inquiry
    ) -> tuple[Contents, Foreseen]:
        """Ask; and ask again of the whole image, if it was read in part and that does not tell."""
        try:
            answer = await self._predictions.of(contents, inquiry, namespace=located.namespace)
        except DamagedError:
            contents = await self._reader.read_anew(
                located, inquiry.platform, inquiry.node.runtime, contents
            )
            answer = await self._predictions.of(contents, inquiry, namespace=located.namespace)
        if not contents.wanting or answer.prediction.outcome is not Outcome.UNKNOWN:
            return contents, answer
        _, whole = await self._reader.read_whole(
            located, inquiry.platform, inquiry.node.runtime, contents
        )
        if whole is None:
            return contents, answer
        return whole, await self._predictions.of(whole, inquiry, namespace=located.namespace)

    def at_hand(
        self,
        image: str,
        platform: Platform,
        overrides: Overrides = NO_OVERRIDES,
        node: NodeFacts = NO_FACTS,
        *,
        asker: Asker = ANYBODY,
    ) -> Linkage | None:
        """The answer without waiting for anything; None if this was not asked lately.

        What was predicted before needs the image's digest only, and not the image in memory.

        Raises:
            InputError: if ``image`` is not an image reference.
        """
        located = self._locate(image, asker)
        digest, manifest = self._reader.pulled_lately(located, platform, node.runtime) or ("", "")
        answer = self._predictions.remembered(
            manifest, self._means.inquiry(platform, overrides, node)
        )
        if answer is None or not (answer.whole or self._by_upper()):
            return None
        until = self._reader.holds_until(located)
        prediction, variant = answer.prediction, answer.variant
        linkage = Linkage(image, digest, platform, prediction, manifest, variant, until)
        return self._unless_old(located, linkage)

    def _unless_old(self, located: Located, linkage: Linkage) -> Linkage:
        """A linkage; unknown where it would refuse by a tag that may have moved meanwhile."""
        if linkage.outcome is not Outcome.CANNOT_START or not self._reader.is_old(located):
            return linkage
        message = f"{linkage.image} could not start when its registry last answered"
        return replace(linkage, prediction=unknown(message, UnknownReason.REGISTRY_UNREACHABLE))

    async def read_ahead(self, image: str, platform: Platform) -> None:
        """Read all of an image for a platform, for those who will ask.

        Raises:
            InputError: if ``image`` is not an image reference.
            UnreadableError: if it cannot be read.
        """
        await self._reader.read(self._locate(image, _AHEAD), platform)

    async def load(self) -> None:
        """Recall what was found before this process began."""
        await self._predictions.load()

    def shed(self, shedding: bool) -> None:  # noqa: FBT001  # the one thing that it says
        """Whether to give up reading what nobody waits for (any longer)."""
        self._reader.shed(shedding)

    async def close(self) -> None:
        """Stop reading and predicting."""
        await self._predictions.close()
        await self._reader.close()
        await self._predictor.close()


def _least(one: float | None, other: float | None) -> float | None:
    return min((seconds for seconds in (one, other) if seconds is not None), default=None)
