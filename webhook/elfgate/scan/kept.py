"""Answers from what stores have, without asking any source."""

from elfgate.linkage.inputs import NodeFacts, Overrides
from elfgate.linkage.report import Outcome
from elfgate.platforms import Platform
from elfgate.scan.alike import alike
from elfgate.scan.asker import ANYBODY, Asker
from elfgate.scan.inquiry import DamagedError, Inquiry
from elfgate.scan.linkage import Linkage, of_answer
from elfgate.scan.located import Contents
from elfgate.scan.means import NO_FACTS, NO_OVERRIDES, Means

_MAX_ALTERNATIVES = 2


class Kept:
    """Predicts starts of images that were read before.

    Args:
        means: How images are found, read, and asked about.
    """

    def __init__(self, means: Means) -> None:
        self._means = means

    async def linkage(
        self,
        image: str,
        digest: str,
        platform: Platform,
        overrides: Overrides = NO_OVERRIDES,
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
        means = self._means
        located, upper = means.locate(image, asker), means.by_upper()
        contents = means.reader.stored.contents(located, digest, platform, upper=upper)
        if contents is None:
            return None
        inquiry = means.inquiry(platform, overrides)
        try:
            answer = await means.predictions.of(contents, inquiry, namespace=asker.namespace)
        except DamagedError:
            return None
        if contents.unread and answer.prediction.outcome is Outcome.UNKNOWN:
            return None
        return of_answer(image, digest, contents, inquiry=inquiry, answer=answer)

    async def alternatives(
        self,
        image: str,
        platform: Platform,
        overrides: Overrides = NO_OVERRIDES,
        node: NodeFacts = NO_FACTS,
        *,
        asker: Asker = ANYBODY,
    ) -> list[str]:
        """Other tags of the same repository that are known to start there; the most alike first.

        Looks at what was read before, here or by a replica, so that it asks no registry and
        suggests nothing that was not checked.
        """
        stored = self._means.reader.stored
        located = self._means.locate(image, asker)
        await stored.recall(located, platform)
        found: list[str] = []
        inquiry = self._means.inquiry(platform, overrides, node)
        for tag, digest in alike(located.tag, stored.tags(located.repository)):
            contents = stored.contents(
                located, digest, platform, node.runtime, upper=self._means.by_upper()
            )
            if contents and await self._starts(contents, inquiry, asker.namespace):
                found.append(f"{located.repository}:{tag}")
            if len(found) == _MAX_ALTERNATIVES:
                break
        return found

    async def _starts(self, contents: Contents, inquiry: Inquiry, namespace: str) -> bool:
        try:
            answer = await self._means.predictions.of(contents, inquiry, namespace=namespace)
        except DamagedError:
            return False
        return answer.prediction.outcome is Outcome.STARTS
