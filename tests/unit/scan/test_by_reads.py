"""A question about an image is asked once for all variables that make no difference to it."""

import asyncio
from typing import Any

import pytest

from elfgate.linkage.inputs import ImageDefaults, Overrides
from elfgate.linkage.report import Outcome
from elfgate.platforms import Platform
from elfgate.scan.inquiry import Foreseen, Inquiry
from elfgate.scan.local import LocalPredictor
from elfgate.scan.located import Contents
from elfgate.scan.overruns import Overruns
from elfgate.scan.predictions import Predictions
from support import tarball
from support.starts import script

AMD64 = Platform("linux", "amd64")
FILES = script('exec "${PROGRAM:-/app/p}"')
IMAGE = Contents(
    "sha256:" + "0" * 64,
    AMD64,
    ImageDefaults(entrypoint=("/run.sh",)),
    (("sha256:" + "1" * 64, tarball.layer(FILES)),),
)


def answers(*overrides: Overrides, image: Contents = IMAGE) -> tuple[int, list[Foreseen]]:
    """How often a predictor is asked, and what is answered."""
    return asyncio.run(_answers(*overrides, image=image))


class Counted(LocalPredictor):
    """Predicts, and counts how often it is asked."""

    asked = 0

    async def predict(self, *args: Any, **more: Any) -> Foreseen:
        self.asked += 1
        return await super().predict(*args, **more)


async def _answers(*overrides: Overrides, image: Contents) -> tuple[int, list[Foreseen]]:
    predictor = Counted()
    predictions = Predictions(predictor, Overruns())
    found = [await predictions.of(image, Inquiry(AMD64, each)) for each in overrides]
    for each, answer in zip(overrides, found, strict=True):
        assert predictions.remembered(image.digest, Inquiry(AMD64, each)) == answer
    return predictor.asked, found


def test_pods_that_differ_in_options_are_one_question() -> None:
    pods = [Overrides(env={"OPTION": str(number)}) for number in range(20)]
    asked, found = answers(Overrides(), *pods, Overrides(unknown_env=frozenset({"SECRET"})))
    assert asked == 1
    assert {each.prediction.outcome for each in found} == {Outcome.STARTS}


@pytest.mark.parametrize(
    "other",
    [
        Overrides(env={"PROGRAM": "/none"}),
        Overrides(unknown_env=frozenset({"PROGRAM"})),
        Overrides(unknown_env=frozenset({"*"})),
        Overrides(command=("/none",)),
        Overrides(env={"OPTION": "x" * 5000}),
    ],
    ids=["a variable", "an unknown one", "any", "a command", "a long one"],
)
def test_what_may_make_a_difference_is_another_question(other: Overrides) -> None:
    asked, found = answers(Overrides(), other)
    assert asked == 2
    assert found[1] == answers(other)[1][0]


def test_each_value_has_an_answer_of_its_own() -> None:
    values = ["/app/p", "/none", "/app/p", "/none", "/bin/sh"]
    pods = [
        Overrides(env={"PROGRAM": value, "OPTION": str(number)})
        for number, value in enumerate(values)
    ]
    asked, found = answers(*pods)
    fails, starts = Outcome.CANNOT_START, Outcome.STARTS
    assert asked == len(set(values))
    assert [each.prediction.outcome for each in found] == [starts, fails, starts, fails, starts]
