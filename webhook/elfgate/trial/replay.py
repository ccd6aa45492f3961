"""A report's prediction, made again and held against what happened."""

from dataclasses import dataclass

from elfgate.errors import InputError
from elfgate.linkage.report import Prediction
from elfgate.scan.inquiry import Predictor
from elfgate.trial.agreement import Agreement, agreement, contradicts
from elfgate.trial.observed import Observed
from elfgate.trial.report import Report


@dataclass(frozen=True, slots=True)
class Replayed:
    """One report, predicted again.

    Attributes:
        place: The report's file.
        platform: Where it was started.
        observed: What happened.
        prediction: What is predicted now.
    """

    place: str
    platform: str
    observed: Observed
    prediction: Prediction

    @property
    def agreement(self) -> Agreement:
        """The prediction beside what happened."""
        return agreement(self.prediction, self.observed)

    @property
    def contradicts(self) -> bool:
        """Whether the prediction is wrong."""
        return contradicts(self.prediction, self.observed)


async def replay(place: str, report: Report, predictor: Predictor) -> Replayed:
    """Predict again.

    Args:
        place: The report's file.
        report: The report.
        predictor: Predicts.

    Raises:
        InputError: if its facts are damaged, or another version of elfgate has written them.
    """
    inquiry = report.question.inquiry
    try:
        foreseen = await predictor.predict(report.contents, inquiry)
    except ValueError as error:
        raise InputError(
            f"{place}: {error}", hint="replay the report with the version of elfgate that wrote it"
        ) from error
    return Replayed(place, str(inquiry.platform), report.observed, foreseen.prediction)
