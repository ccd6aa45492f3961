"""A prediction beside what happened."""

from enum import StrEnum

from elfgate.linkage.report import Code, Effect, Outcome, Prediction
from elfgate.trial.observed import Observed


class Agreement(StrEnum):
    """The stand of a prediction to what happened."""

    AGREES = "agrees"
    FALSE_DENY = "false deny"  # said to fail, and started: the one thing that must never be
    FALSE_START = "false start"  # said to start, and failed
    UNKNOWN = "unknown"
    WRONG_CODE = "wrong code"  # failed as said, but for another reason


_CONTRADICTIONS = {Agreement.FALSE_DENY, Agreement.FALSE_START, Agreement.WRONG_CODE}


def code_of(prediction: Prediction) -> Code | None:
    """The code of the first finding that fails."""
    failing = (each.code for each in prediction.findings if each.effect is Effect.FAILS)
    return next(failing, None)


def named_by(prediction: Prediction) -> set[Code]:
    """The code of the first finding that fails.

    If none does, those of what is worth saying of the start.
    """
    if prediction.outcome is Outcome.STARTS:
        return {finding.code for finding in prediction.findings}
    code = code_of(prediction)
    return {code} if code else set()


def agreement(prediction: Prediction, observed: Observed) -> Agreement:
    """The point where they part. A death without words has no code that could be wrong."""
    outcome = prediction.outcome
    if outcome is Outcome.UNKNOWN:
        return Agreement.UNKNOWN
    if observed.started:
        return Agreement.AGREES if outcome is Outcome.STARTS else Agreement.FALSE_DENY
    if outcome is Outcome.STARTS:
        return Agreement.FALSE_START
    right = observed.code in {None, code_of(prediction)}
    return Agreement.AGREES if right else Agreement.WRONG_CODE


def contradicts(prediction: Prediction, observed: Observed) -> bool:
    """Whether a prediction is wrong.

    It does not agree, and does not name as a note what ended the program.
    """
    if agreement(prediction, observed) not in _CONTRADICTIONS:
        return False
    return observed.code is None or observed.code not in named_by(prediction)
