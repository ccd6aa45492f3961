"""Predicts the start of images on platforms. What cannot be read is an *unknown* with its reason, no exception."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.digests import is_digest
from elfgate.images.keyring import Keyring
from elfgate.linkage.injected import INJECTED
from elfgate.linkage.predict import predict
from elfgate.linkage.report import Code, Effect, Finding, Outcome, Prediction, Variant
from elfgate.linkage.start import NodeFacts, Overrides
from elfgate.linkage.survey import Surveyed, survey
from elfgate.platforms import ARCHITECTURES, Platform
from elfgate.scan.flights import Recent
from elfgate.scan.reader import Contents, Locate, Located, Reader

_NO_OVERRIDES = Overrides()
_NO_FACTS = NodeFacts()
_UNKNOWN_VARIANT = Variant("unknown")
_MAX_ALTERNATIVES = 2


@dataclass(frozen=True, slots=True)
class Linkage:
    """Whether one image, started in one way, starts on one platform.

    Attributes:
        image: As it was asked for.
        digest: The index's, or the only manifest's; empty if it could not be read.
        platform: Where.
        prediction: What would happen, and why.
        manifest: The digest of the manifest that a node of that platform would pull; empty if none.
        variant: The image's nature there.
        until: How long this holds, in monotonic seconds: a tag may move, and what could not be read may be soon.
        others: What else of the image would fail, if that was asked for.
    """

    image: str
    digest: str
    platform: Platform
    prediction: Prediction
    manifest: str = ""
    variant: Variant = _UNKNOWN_VARIANT
    until: float = 0.0
    others: tuple[Surveyed, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The prediction's outcome."""
        return self.prediction.outcome


class Scanner:
    """Predicts starts.

    Args:
        locate: Finds an image's source.
        reader: Reads images.
        wait: Seconds to wait for an image that is seen for the first time; after that it is unknown, while the reading
            goes on. None waits for as long as the sources' limits allow.
        injected: Patterns of libraries that the nodes add to containers, besides those that elfgate knows.
        on_unread: Told of each image that cannot be read (yet), with the unknown's reason.
    """

    def __init__(
        self,
        *,
        locate: Locate,
        reader: Reader,
        wait: float | None = None,
        injected: Sequence[str] = (),
        on_unread: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._locate = locate
        self._reader = reader
        self._wait = wait
        self._on_unread = on_unread
        self._injected = (*INJECTED, *injected)
        self._predictions: Recent[bytes, tuple[Prediction, Variant]] = Recent(4096)

    async def linkage(
        self,
        image: str,
        platform: Platform,
        overrides: Overrides = _NO_OVERRIDES,
        node: NodeFacts = _NO_FACTS,
        *,
        explain: bool = False,
        keyring: Keyring | None = None,
        within: float | None = None,
    ) -> Linkage:
        """Predict the start of an image on a platform.

        Args:
            image: As a manifest or a command line names it.
            platform: Of the node.
            overrides: What the pod changes of the image's start.
            node: What is known of the node beyond its platform.
            explain: Keep every look-up.
            keyring: The credentials of whoever asks, besides those that all share.
            within: The most seconds that there are for it; None for no more than the scanner's own ``wait``.

        Raises:
            InputError: if ``image`` is not an image reference.
        """
        try:
            at_hand = (
                None if explain else self.at_hand(image, platform, overrides, node, keyring=keyring)
            )
            if at_hand is not None:
                return at_hand
            located = self._locate(image, keyring)
            async with asyncio.timeout(_least(self._wait, within)):
                digest, contents = await self._reader.read(located, platform, node.runtime)
                until = self._reader.holds_until(located)
                if contents is not None and contents.partial:
                    prediction = self._prediction(contents, platform, overrides, node)
                    if prediction.outcome is Outcome.UNKNOWN:
                        digest, contents = await self._reader.read_whole(
                            located, platform, node.runtime, contents
                        )
                if contents is None:
                    missing = await self._platform_missing(located, platform)
                    return Linkage(image, digest, platform, missing, until=until)
        except UnreadableError as error:
            self._on_unread(error.reason)
            return Linkage(image, "", platform, _unknown(error.message, error.reason, error.hint))
        except TimeoutError:
            self._on_unread(UnknownReason.NOT_SCANNED)
            message = f"{image} is seen for the first time and is still being read"
            return Linkage(image, "", platform, _unknown(message, UnknownReason.NOT_SCANNED))
        if explain:
            prediction = self._judge(contents, platform, overrides, node, explain=True)
        else:
            prediction = self._prediction(contents, platform, overrides, node)
        return Linkage(
            image, digest, platform, prediction, contents.digest, contents.variant, until
        )

    def at_hand(
        self,
        image: str,
        platform: Platform,
        overrides: Overrides = _NO_OVERRIDES,
        node: NodeFacts = _NO_FACTS,
        *,
        keyring: Keyring | None = None,
    ) -> Linkage | None:
        """The same without waiting for anything; None if the image was not read lately.

        What was predicted before needs the image's digest only, and not the image in memory.

        Raises:
            InputError: if ``image`` is not an image reference.
        """
        located = self._locate(image, keyring)
        digest, manifest = self._reader.pulled_lately(located, platform, node.runtime) or ("", "")
        known = (
            self._predictions.get(_asked(manifest, platform, overrides, node)) if manifest else None
        )
        if known is None:
            _, contents = self._reader.at_hand(located, platform, node.runtime) or ("", None)
            if contents is None:
                return None
            prediction, variant = (
                self._prediction(contents, platform, overrides, node),
                contents.variant,
            )
            if contents.partial and prediction.outcome is Outcome.UNKNOWN:
                return None
        else:
            prediction, variant = known
        return Linkage(
            image,
            digest,
            platform,
            prediction,
            manifest,
            variant,
            self._reader.holds_until(located),
        )

    def known(
        self, image: str, digest: str, platform: Platform, overrides: Overrides = _NO_OVERRIDES
    ) -> Linkage | None:
        """The same for an image of that digest, from the store alone; None if the store does not have it all."""
        contents = self._reader.known(digest, platform)
        if contents is None:
            return None
        prediction = self._prediction(contents, platform, overrides, _NO_FACTS)
        return Linkage(image, digest, platform, prediction, contents.digest, contents.variant)

    async def platforms(self, image: str) -> tuple[Platform, ...]:
        """The Linux platforms that an image offers: as its index lists them, or as its only config says.

        Raises:
            InputError: if ``image`` is not an image reference.
            UnreadableError: if it cannot be read.
        """
        offered = await self._reader.platforms(self._locate(image))
        return tuple(platform for platform in offered if platform.os == "linux")

    async def others(
        self, image: str, platform: Platform, node: NodeFacts = _NO_FACTS
    ) -> tuple[Surveyed, ...]:
        """What else of the image would fail on that platform: for people, never a reason to deny.

        Raises:
            InputError: if ``image`` is not an image reference.
            UnreadableError: if it cannot be read.
        """
        located = self._locate(image)
        _, contents = await self._reader.read(located, platform, node.runtime)
        if contents is not None and contents.partial:
            _, contents = await self._reader.read_whole(located, platform, node.runtime, contents)
        if contents is None or not contents.startable or not _is_known(platform):
            return ()
        return tuple(
            survey(contents.tree, contents.defaults, platform, node, injected=self._injected)
        )

    async def alternatives(
        self,
        image: str,
        platform: Platform,
        overrides: Overrides = _NO_OVERRIDES,
        node: NodeFacts = _NO_FACTS,
    ) -> list[str]:
        """Other tags of the same repository that are known to start there; the most alike first.

        Looks at what was read before, here or by a replica, so that it asks no registry and suggests nothing that was
        not checked.
        """
        located = self._locate(image)
        await self._reader.recall(located.repository, platform)
        found: list[str] = []
        for tag, digest in _alike(located.tag, self._reader.tags(located.repository)):
            contents = self._reader.known(digest, platform, node.runtime)
            if (
                contents
                and self._prediction(contents, platform, overrides, node).outcome is Outcome.STARTS
            ):
                found.append(f"{located.repository}:{tag}")
            if len(found) == _MAX_ALTERNATIVES:
                break
        return found

    def _prediction(
        self, contents: Contents, platform: Platform, overrides: Overrides, node: NodeFacts
    ) -> Prediction:
        """Predict, or remember: all of an image with a content address is in its digest."""
        if not is_digest(contents.digest):
            return self._judge(contents, platform, overrides, node)
        key = _asked(contents.digest, platform, overrides, node)
        prediction, _ = self._predictions.get(key) or (None, None)
        if prediction is None:
            prediction = self._judge(contents, platform, overrides, node)
            if not (
                contents.partial and prediction.outcome is Outcome.UNKNOWN
            ):  # then it is read whole
                self._predictions.put(key, (prediction, contents.variant))
        return prediction

    def _judge(
        self,
        contents: Contents,
        platform: Platform,
        overrides: Overrides,
        node: NodeFacts,
        *,
        explain: bool = False,
    ) -> Prediction:
        if not contents.startable:
            return _unknown(
                "this image holds data, with nothing to start", UnknownReason.IMAGE_UNSUPPORTED
            )
        if not _is_known(platform):
            return _unknown(
                f"how {platform} starts programs is not known to elfgate",
                UnknownReason.SHAPE_UNKNOWN,
            )
        prediction = predict(
            contents.tree,
            contents.defaults,
            overrides,
            platform,
            node,
            injected=self._injected,
            explain=explain,
        )
        declared = contents.declared
        if prediction.outcome is not Outcome.STARTS or declared.architecture in (
            "",
            platform.architecture,
        ):
            return prediction
        note = Finding(
            Code.PLATFORM_LABEL_WRONG,
            "",
            f"the image's config says {declared}, but what it starts runs on {platform}",
            "set the platform when building, so that the label agrees with the content",
            effect=Effect.NOTE,
        )
        return replace(prediction, findings=(*prediction.findings, note))

    async def _platform_missing(self, located: Located, platform: Platform) -> Prediction:
        offered = (
            ", ".join(str(offer) for offer in await self._reader.platforms(located))
            or "no platform at all"
        )
        message = f"the image has nothing for {platform}; its index lists {offered}"
        finding = Finding(
            Code.PLATFORM_MISSING, "", message, f"build and push it for {platform} too"
        )
        return Prediction((), (finding,))

    def shed(self, shedding: bool) -> None:  # noqa: FBT001  # the one thing that it says
        """Whether to give up reading what nobody waits for (any longer)."""
        self._reader.shed(shedding)

    async def close(self) -> None:
        """Stop reading."""
        await self._reader.close()


def _asked(digest: str, platform: Platform, overrides: Overrides, node: NodeFacts) -> bytes:
    """Tells one question about an image from another."""
    told = repr((digest, str(platform), overrides.told(), node.told()))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()


def _is_known(platform: Platform) -> bool:
    return platform.os == "linux" and platform.architecture in ARCHITECTURES


def _unknown(message: str, reason: UnknownReason, remedy: str = "") -> Prediction:
    finding = Finding(
        Code.LINKAGE_UNKNOWN, "", message, remedy, effect=Effect.UNKNOWN, reason=reason
    )
    return Prediction((), (finding,))


def _least(one: float | None, other: float | None) -> float | None:
    return min((seconds for seconds in (one, other) if seconds is not None), default=None)


def _alike(tag: str, tags: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Other tags, those that begin most alike first."""
    others = [pair for pair in tags if pair[0] != tag]
    return sorted(others, key=lambda pair: _common_beginning(tag, pair[0]), reverse=True)


def _common_beginning(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
