"""Predicts the start of images on platforms.

What cannot be read is an *unknown* with its reason, no exception.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.source import Descriptor
from elfgate.linkage.inputs import NodeFacts, Overrides, Snapshotter
from elfgate.linkage.report import Outcome, Prediction
from elfgate.linkage.survey import Surveyed
from elfgate.needs.facts import Needs
from elfgate.platforms import ARCHITECTURES, Platform
from elfgate.scan.alike import alike
from elfgate.scan.asker import ANYBODY, Asker
from elfgate.scan.inquiry import (
    BusyError,
    DamagedError,
    Foreseen,
    Inquiry,
    KilledError,
    Predictor,
    unknown,
)
from elfgate.scan.linkage import Linkage, not_offered, of_answer
from elfgate.scan.overruns import Overruns
from elfgate.scan.predictions import Predictions
from elfgate.scan.reader import Contents, Locate, Located, Reader

__all__ = ["Linkage", "Scanner"]

_NO_OVERRIDES = Overrides()
_NO_FACTS = NodeFacts()
_MAX_ALTERNATIVES = 2
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
        self._snapshotter: Snapshotter | None = snapshotter
        self._predictor = predictor
        self._predictions = Predictions(predictor, Overruns(*reader.stores))

    async def linkage(
        self,
        image: str,
        platform: Platform,
        overrides: Overrides = _NO_OVERRIDES,
        node: NodeFacts = _NO_FACTS,
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
        try:
            return await self._linkage(
                image,
                self._inquiry(platform, overrides, node, explain=explain),
                asker,
                within,
            )
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
                missing = not_offered(platform, await self._reader.platforms(located))
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
        overrides: Overrides = _NO_OVERRIDES,
        node: NodeFacts = _NO_FACTS,
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
        answer = self._predictions.remembered(manifest, self._inquiry(platform, overrides, node))
        if answer is None or not (answer.whole or self._by_upper()):
            return None
        until = self._reader.holds_until(located)
        prediction, variant = answer.prediction, answer.variant
        linkage = Linkage(image, digest, platform, prediction, manifest, variant, until)
        return self._unless_old(located, linkage)

    async def known(
        self,
        image: str,
        digest: str,
        platform: Platform,
        overrides: Overrides = _NO_OVERRIDES,
        *,
        asker: Asker = ANYBODY,
    ) -> Linkage | None:
        """The answer for an image of that digest, from the store alone.

        None if the store does not have it all.

        Raises:
            InputError: if ``image`` is not an image reference.
        """
        if not digest:
            return None
        located, upper = self._locate(image, asker), self._by_upper()
        contents = self._reader.known(located, digest, platform, upper=upper)
        if contents is None:
            return None
        inquiry = self._inquiry(platform, overrides)
        try:
            answer = await self._predictions.of(contents, inquiry, namespace=asker.namespace)
        except DamagedError:
            return None
        if contents.unread and answer.prediction.outcome is Outcome.UNKNOWN:
            return None
        return of_answer(image, digest, contents, inquiry=inquiry, answer=answer)

    async def platforms(self, image: str) -> tuple[Platform, ...]:
        """The Linux platforms that an image offers.

        As its index lists them, or as its only config says.

        Raises:
            InputError: if ``image`` is not an image reference.
            UnreadableError: if it cannot be read.
        """
        offered = await self._reader.platforms(self._locate(image))
        return tuple(platform for platform in offered if platform.os == "linux")

    async def others(
        self, image: str, platform: Platform, node: NodeFacts = _NO_FACTS
    ) -> tuple[Surveyed, ...]:
        """Tell what else of the image would fail on that platform.

        For people, never a reason to deny.

        Raises:
            InputError: if ``image`` is not an image reference.
            UnreadableError: if it cannot be read.
        """
        contents = await self.contents(image, platform, node.runtime)
        if contents is None or not contents.startable or not _is_known(platform):
            return ()
        with _in_time():
            return await self._predictor.survey(contents, platform, node)

    async def needs(
        self, image: str, platform: Platform, overrides: Overrides = _NO_OVERRIDES
    ) -> Needs | None:
        """Tell what an image's program needs from its surroundings on a platform.

        None if the image has nothing to start there.

        Raises:
            InputError: if ``image`` is not an image reference.
            UnreadableError: if it cannot be read.
        """
        contents = await self.contents(image, platform)
        if contents is None or not contents.startable or not _is_known(platform):
            return None
        with _in_time():
            return await self._predictor.needs(contents, self._inquiry(platform, overrides))

    async def tags(self, image: str) -> tuple[str, ...]:
        """The tags of an image's repository that its registry lists; none if it is in no registry.

        Raises:
            InputError: if ``image`` is not an image reference.
            UnreadableError: if the list cannot be had.
        """
        return await self._reader.listed(self._locate(image))

    async def contents(
        self, image: str, platform: Platform, runtime: str | None = None
    ) -> Contents | None:
        """All that a node of a platform would run of an image, none of its layers in part.

        None if it has nothing for the platform.

        Raises:
            InputError: if ``image`` is not an image reference.
            UnreadableError: if it cannot be read.
        """
        located = self._locate(image)
        _, contents = await self._reader.read(located, platform, runtime)
        if contents is not None and contents.partial:
            _, contents = await self._reader.read_whole(located, platform, runtime, contents)
        return contents

    async def manifest(self, image: str, platform: Platform) -> Descriptor | None:
        """The manifest that a node of a platform pulls, with its size; None if there is none.

        Raises:
            InputError: if ``image`` is not an image reference.
            UnreadableError: if it cannot be read.
        """
        return await self._reader.manifest(self._locate(image), platform)

    async def size(self, image: str, platform: Platform) -> int:
        """The packed bytes that a node of a platform pulls of an image; 0 if that is not known.

        Raises:
            InputError: if ``image`` is not an image reference.
            UnreadableError: if it cannot be read.
        """
        return await self._reader.size(self._locate(image), platform)

    async def predicted(self, contents: Contents, platform: Platform) -> Prediction:
        """Predict the start of an image that is put together here, by its own defaults.

        Raises:
            UnreadableError: if that takes too much.
        """
        with _in_time():
            answer = await self._predictor.predict(contents, self._inquiry(platform, _NO_OVERRIDES))
        return answer.prediction

    async def alternatives(
        self,
        image: str,
        platform: Platform,
        overrides: Overrides = _NO_OVERRIDES,
        node: NodeFacts = _NO_FACTS,
        *,
        asker: Asker = ANYBODY,
    ) -> list[str]:
        """Other tags of the same repository that are known to start there; the most alike first.

        Looks at what was read before, here or by a replica, so that it asks no registry and
        suggests nothing that was not checked.
        """
        located = self._locate(image, asker)
        await self._reader.recall(located, platform)
        found: list[str] = []
        inquiry = self._inquiry(platform, overrides, node)
        for tag, digest in alike(located.tag, self._reader.tags(located.repository)):
            contents = self._reader.known(
                located, digest, platform, node.runtime, upper=self._by_upper()
            )
            if contents and await self._starts(contents, inquiry, asker.namespace):
                found.append(f"{located.repository}:{tag}")
            if len(found) == _MAX_ALTERNATIVES:
                break
        return found

    async def _starts(self, contents: Contents, inquiry: Inquiry, namespace: str) -> bool:
        try:
            answer = await self._predictions.of(contents, inquiry, namespace=namespace)
        except DamagedError:
            return False
        return answer.prediction.outcome is Outcome.STARTS

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

    def _inquiry(
        self,
        platform: Platform,
        overrides: Overrides,
        node: NodeFacts = _NO_FACTS,
        *,
        explain: bool = False,
    ) -> Inquiry:
        """A question, with what is known of all nodes."""
        if self._snapshotter is not None:
            node = replace(node, snapshotter=self._snapshotter)
        return Inquiry(platform, overrides, node, explain)

    def shed(self, shedding: bool) -> None:  # noqa: FBT001  # the one thing that it says
        """Whether to give up reading what nobody waits for (any longer)."""
        self._reader.shed(shedding)

    async def close(self) -> None:
        """Stop reading and predicting."""
        await self._predictions.close()
        await self._reader.close()
        await self._predictor.close()


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


def _least(one: float | None, other: float | None) -> float | None:
    return min((seconds for seconds in (one, other) if seconds is not None), default=None)
