"""Answers to questions about images.

Remembered, asked once for all who ask meanwhile, and never an exception.
"""

import asyncio

from elfgate.errors import UnknownReason
from elfgate.images.digests import is_digest, short
from elfgate.linkage.report import Distro, Outcome
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.platforms import ARCHITECTURES
from elfgate.scan.by_reads import ByReads
from elfgate.scan.inquiry import (
    BusyError,
    DamagedError,
    Foreseen,
    Inquiry,
    KilledError,
    Predictor,
    unknown,
)
from elfgate.scan.located import Contents
from elfgate.scan.overruns import Overruns
from elfgate.traces import step

_UNKNOWN_DISTRO = Distro("unknown")

PREDICTIONS = declare(
    "predictions", "predictions, by image, platform and all that is asked", max_bytes=8 << 20
)


class Predictions:
    """Answers of a predictor, by an image's digest and a question. Belongs to one event loop.

    Args:
        predictor: Whom to ask.
        overruns: The questions that are not to be asked.
    """

    def __init__(self, predictor: Predictor, overruns: Overruns) -> None:
        self._predictor = predictor
        self._overruns = overruns
        self._answers: Recent[bytes, Foreseen] = Recent(PREDICTIONS)
        self._by_reads = ByReads(self._answers)
        self._again: set[asyncio.Task[None]] = set()
        self._under_way: dict[bytes, asyncio.Task[Foreseen]] = {}

    async def load(self) -> None:
        """Recall what is not to be asked."""
        await self._overruns.load()

    def remembered(self, digest: str, inquiry: Inquiry) -> Foreseen | None:
        """The answer, if it was given lately.

        All of an image with a content address is in its digest.
        """
        if not is_digest(digest):
            return None
        beside = inquiry.beside(digest)
        answer = self._answers.get(inquiry.with_variables(beside))
        return answer or self._by_reads.get(beside, inquiry)

    async def of(self, contents: Contents, inquiry: Inquiry, *, namespace: str = "") -> Foreseen:
        """The answer; an unknown with its reason, if there is none.

        Args:
            contents: The image.
            inquiry: How it is started, and where.
            namespace: On whose behalf.

        Raises:
            DamagedError: if a layer's index proves damaged.
        """
        answer = _without_asking(contents, inquiry)
        if answer is not None:
            return answer
        if inquiry.explain or not is_digest(contents.digest):
            return await self._asked(contents, inquiry, namespace)
        key = _key(contents, inquiry)
        answer = self._answers.get(key)
        if answer is not None and not (answer.whole or contents.unread):
            answer = None  # upper layers told it, and not the image's nature
        answer = answer or self._by_reads.get(inquiry.beside(contents.digest), inquiry)
        if answer is None and self._overruns.known(contents.digest, key):
            answer = _overrun("it took too much to predict before")
        return answer or await self._joined(key, contents, inquiry, namespace)

    async def _joined(
        self, key: bytes, contents: Contents, inquiry: Inquiry, namespace: str
    ) -> Foreseen:
        """Ask once for all; one who gives up waiting does not end it."""
        task = self._under_way.get(key)
        if task is None:
            asking = self._asked(contents, inquiry, namespace, key)
            task = self._under_way[key] = asyncio.ensure_future(asking)
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return await asyncio.shield(task)

    async def _asked(
        self, contents: Contents, inquiry: Inquiry, namespace: str, key: bytes | None = None
    ) -> Foreseen:
        try:
            with step("predict", platform=inquiry.platform):
                answer = await self._predictor.predict(contents, inquiry, namespace=namespace)
        except BusyError as error:
            return Foreseen(unknown(error.message, UnknownReason.NOT_SCANNED), _UNKNOWN_DISTRO)
        except KilledError as error:
            answer = _overrun(error.message)
            if key is not None and not contents.unread:
                self._ask_again(key, contents, inquiry)
        except ValueError as error:
            message = f"what is kept of the image {short(contents.digest)} is damaged: {error}"
            raise DamagedError(message, reason=UnknownReason.IMAGE_INVALID) from error
        self._remember(key, contents, inquiry, answer)
        return answer

    def _remember(
        self, key: bytes | None, contents: Contents, inquiry: Inquiry, answer: Foreseen
    ) -> None:
        """Keep an answer, unless the image is read on for want of it and asked about again."""
        is_final = not contents.wanting or answer.prediction.outcome is not Outcome.UNKNOWN
        if key is None or not is_final:
            return
        self._answers.put(key, answer)
        if answer.whole and not contents.unread:
            self._by_reads.put(inquiry.beside(contents.digest), inquiry, answer)
        of_all = inquiry.key(contents.digest)
        if self._answers.get(of_all) is None:
            self._answers.put(of_all, answer)

    def _ask_again(self, key: bytes, contents: Contents, inquiry: Inquiry) -> None:
        """Ask with more patience, when there is nothing else to do; then it is final."""
        self._overruns.count(contents.digest, key)
        task = asyncio.ensure_future(self._patient(key, contents, inquiry))
        self._again.add(task)
        task.add_done_callback(self._again.discard)

    async def _patient(self, key: bytes, contents: Contents, inquiry: Inquiry) -> None:
        if await self._overruns.told(key):
            return
        try:
            answer = await self._predictor.predict(contents, inquiry, patient=True)
        except (BusyError, ValueError):
            self._answers.pop(key)  # the next to ask begins anew
        except KilledError:
            await self._overruns.note(key)
        else:
            self._remember(key, contents, inquiry, answer)

    async def close(self) -> None:
        """Give up what nobody waits for."""
        for task in (*self._again, *self._under_way.values()):
            task.cancel()
        await asyncio.gather(*self._again, *self._under_way.values(), return_exceptions=True)


def _without_asking(contents: Contents, inquiry: Inquiry) -> Foreseen | None:
    if not contents.startable:
        message = "this image holds data, with nothing to start"
        prediction = unknown(message, UnknownReason.IMAGE_UNSUPPORTED)
        return Foreseen(prediction, Distro("data"))
    platform = inquiry.platform
    if platform.os == "linux" and platform.architecture in ARCHITECTURES:
        return None
    message = f"elfgate does not know how {platform} starts programs"
    return Foreseen(unknown(message, UnknownReason.SHAPE_UNKNOWN), _UNKNOWN_DISTRO)


def _overrun(message: str) -> Foreseen:
    return Foreseen(unknown(message, UnknownReason.LIMIT_EXCEEDED), _UNKNOWN_DISTRO)


def _key(contents: Contents, inquiry: Inquiry) -> bytes:
    """A key of an answer by these layers.

    Whoever was given the upper ones is told what those say, and no more.
    """
    upper = f" {len(contents.layers)} upper layers" if contents.unread else ""
    return inquiry.key(contents.digest + upper)
