"""The prediction of one image's start on one platform, and which image that was."""

from collections.abc import Sequence
from dataclasses import dataclass

from elfgate.errors import UnknownReason
from elfgate.linkage.report import Code, Distro, Finding, Outcome, Prediction, Surveyed
from elfgate.platforms import Platform
from elfgate.scan.inquiry import Foreseen, Inquiry, unknown
from elfgate.scan.located import Contents

# Of platforms such as wasip1/wasm: no node has it, and any may have a runtime for it.
_WEBASSEMBLY = "wasm"
_UNKNOWN_DISTRO = Distro("unknown")


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
        until: How long this holds, in monotonic seconds: a tag may move, and what could not be read
            may be soon.
        others: What else of the image would fail, if that was asked for.
    """

    image: str
    digest: str
    platform: Platform
    prediction: Prediction
    manifest: str = ""
    variant: Distro = _UNKNOWN_DISTRO
    until: float = 0.0
    others: tuple[Surveyed, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The prediction's outcome."""
        return self.prediction.outcome


def not_offered(platform: Platform, offers: Sequence[Platform]) -> Prediction:
    """The prediction of an image that has nothing for a platform."""
    offered = ", ".join(map(str, offers)) or "no platform at all"
    message = f"the image has nothing for {platform}; its index lists {offered}"
    if any(offer.architecture == _WEBASSEMBLY for offer in offers):
        message += ": a module, which a runtime of its own may start on any node"
        return unknown(message, UnknownReason.WEBASSEMBLY)
    remedy = f"build and push it for {platform} too"
    return Prediction((), (Finding(Code.PLATFORM_MISSING, "", message, remedy),))


def of_answer(
    image: str,
    digest: str,
    contents: Contents,
    *,
    inquiry: Inquiry,
    answer: Foreseen,
    until: float = 0.0,
) -> Linkage:
    """The linkage of an image, by a predictor's answer."""
    return Linkage(
        image,
        digest,
        inquiry.platform,
        answer.prediction,
        contents.digest,
        answer.variant,
        until,
    )
