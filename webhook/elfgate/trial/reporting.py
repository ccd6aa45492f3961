"""A trial's report: what its prediction does not need is left out."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from elfgate.linkage.report import Effect, Prediction
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
    inquiry = Inquiry(tried.linkage.platform, tried.asked.overrides, tried.node)
    contents, inquiry = await _reduced(tried.contents, inquiry, predictor)
    layers = tuple(layer.encode() for _, layer in contents.layers)
    return Report(
        question=Question(inquiry, contents.defaults, contents.declared),
        layers=layers,
        observed=_silent(tried.observed),
        predicted=_line(tried.linkage.prediction),
        digest=contents.digest,
    )


async def _reduced(
    contents: Contents, inquiry: Inquiry, predictor: Predictor
) -> tuple[Contents, Inquiry]:
    """Leave out each variable of the environment without which the prediction is the same."""
    wanted = _kind((await predictor.predict(contents, inquiry)).prediction)
    for number, name in enumerate(_names(contents.defaults.env, inquiry.overrides.env)):
        fewer = _without(name, contents, inquiry)
        if number < _MOST_ASKED:
            found = (await predictor.predict(*fewer)).prediction
            if _kind(found) != wanted:
                continue
        contents, inquiry = fewer
    return contents, inquiry


def _names(image: Mapping[str, str], pod: Mapping[str, str]) -> Iterator[str]:
    yield from dict.fromkeys((*image, *pod))


def _without(name: str, contents: Contents, inquiry: Inquiry) -> tuple[Contents, Inquiry]:
    defaults = replace(contents.defaults, env=_left(contents.defaults.env, name))
    overrides = replace(inquiry.overrides, env=_left(inquiry.overrides.env, name))
    return replace(contents, defaults=defaults), replace(inquiry, overrides=overrides)


def _left(env: Mapping[str, str], name: str) -> dict[str, str]:
    return {each: value for each, value in env.items() if each != name}


def _kind(prediction: Prediction) -> tuple[object, ...]:
    """A prediction's outcome, and what it rests on."""
    found = [(each.code, each.effect, each.reason, each.path) for each in prediction.findings]
    return (prediction.outcome, prediction.argv, found)


def _silent(observed: Observed) -> Observed:
    """Tell what happened in a loader's or the kernel's words alone: a program's own may be secret."""
    return observed if observed.code else Observed(observed.started, None, "")


def _line(prediction: Prediction) -> str:
    telling = [each for each in prediction.findings if each.effect is not Effect.NOTE]
    return f"{prediction.outcome}: {telling[0].message}" if telling else str(prediction.outcome)
