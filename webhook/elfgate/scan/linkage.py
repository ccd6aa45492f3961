"""The prediction of one image's start on one platform, and which image that was."""

from dataclasses import dataclass

from elfgate.linkage.report import Distro, Outcome, Prediction
from elfgate.linkage.survey import Surveyed
from elfgate.platforms import Platform
from elfgate.scan.inquiry import Foreseen, Inquiry
from elfgate.scan.located import Contents

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
