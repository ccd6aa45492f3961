"""A trial's report: what its prediction does not need is left out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

from elfgate.linkage.report import Effect, Finding, Prediction
from elfgate.scan.inquiry import Inquiry, Predictor
from elfgate.scan.located import Contents
from elfgate.trial.observed import Observed
from elfgate.trial.report import Question, Report
from elfgate.trial.tried import Tried

_MOST_ASKED = 200  # predictions that are made to find out which variables matter


async def report_of(tried: Tried, predictor: Predictor) -> Report:
    """The report of a trial that was made.

    Raises:
        KilledError: if a prediction took too much.
        ValueError: if nothing happened.
    """
    if tried.contents is None or tried.observed is None:
        raise ValueError("nothing happened")
    inquiry = Inquiry(
        tried.linkage.platform,
        tried.asked.overrides,
        tried.node,
    )
    whole = _Asked(tried.contents, inquiry)
    asked = await _reduced(whole, predictor)
    contents = asked.contents
    question = Question(
        asked.inquiry,
        contents.defaults,
        contents.declared,
    )
    return Report(
        question=question,
        layers=tuple(layer.encode() for _, layer in contents.layers),
        observed=_silent(tried.observed),
        predicted=_line(tried.linkage.prediction),
        digest=contents.digest,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, with the image that it is about."""

    contents: Contents
    inquiry: Inquiry

    @property
    def names(self) -> list[str]:
        """The variables of the image's and the pod's environment."""
        image = self.contents.defaults.env
        pod = self.inquiry.overrides.env
        names = (*image, *pod)
        return list(dict.fromkeys(names))

    def without(self, names: Collection[str]) -> Self:
        """Leave some variables out."""
        defaults = self.contents.defaults
        defaults = replace(defaults, env=_left(defaults.env, names))
        contents = replace(self.contents, defaults=defaults)
        overrides = self.inquiry.overrides
        overrides = replace(overrides, env=_left(overrides.env, names))
        inquiry = replace(self.inquiry, overrides=overrides)
        return replace(self, contents=contents, inquiry=inquiry)


async def _reduced(asked: _Asked, predictor: Predictor) -> _Asked:
    """Leave out each variable of the environment without which the prediction is the same."""
    wanted = await _predicted(asked, predictor)
    names = asked.names
    nothing = asked.without(names)
    if await _predicted(nothing, predictor) == wanted:
        return nothing
    asked = asked.without(names[_MOST_ASKED:])
    for name in names[:_MOST_ASKED]:
        fewer = asked.without([name])
        if await _predicted(fewer, predictor) == wanted:
            asked = fewer
    return asked


def _left(env: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """An environment without some variables."""
    kept = [name for name in env if name not in names]
    return {name: env[name] for name in kept}


async def _predicted(asked: _Asked, predictor: Predictor) -> tuple[object, ...]:
    """A prediction's outcome, and what it rests on."""
    foreseen = await predictor.predict(asked.contents, asked.inquiry)
    prediction = foreseen.prediction
    found = [_told(finding) for finding in prediction.findings]
    return (
        prediction.outcome,
        prediction.argv,
        found,
    )


def _told(finding: Finding) -> tuple[object, ...]:
    """The parts of a finding that its message is made from."""
    return (
        finding.code,
        finding.effect,
        finding.reason,
        finding.path,
    )


def _silent(observed: Observed) -> Observed:
    """Tell what happened in a loader's or the kernel's words alone.

    A program's own may be secret.
    """
    if observed.code:
        return observed
    return Observed(observed.started)


def _line(prediction: Prediction) -> str:
    """The outcome, and the first reason for it."""
    for finding in prediction.findings:
        if finding.effect is not Effect.NOTE:
            return f"{prediction.outcome}: {finding.message}"
    return str(prediction.outcome)
