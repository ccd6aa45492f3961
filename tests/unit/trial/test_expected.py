"""What a user expects of a start, and how what happened stands to it."""

import pytest

from elfgate.linkage.report import Code, Effect, Finding, Prediction
from elfgate.trial.agreement import Agreement, agreement, contradicts
from elfgate.trial.expected import Expected, State
from elfgate.trial.observed import Observed, observe
from elfgate.trial.start import Outcome
from elfgate.trial.trying import meant

STARTS = Prediction(("/app",))
MISSES = Prediction(("/app",), (Finding(Code.LIBRARY_MISSING, "/app", "it needs libx.so"),))
WARNS = Prediction(("/app",), (Finding(Code.CPU_LEVEL, "/app", "it needs v3", effect=Effect.NOTE),))
UNKNOWN = Prediction(
    ("/app",), (Finding(Code.LINKAGE_UNKNOWN, "", "who knows", effect=Effect.UNKNOWN),)
)


@pytest.mark.parametrize(
    ("expected", "outcome", "state", "words"),
    [
        (Expected(), Outcome(status=0), State.STARTED, "exited with 0"),
        (Expected(), Outcome(timed_out=True), State.STARTED, "stayed up 3 s"),
        (Expected(), Outcome(status=4), State.ENDED, "exited with 4"),
        (Expected(status=4), Outcome(status=4), State.STARTED, "exited with 4"),
        (Expected(status=0), Outcome(timed_out=True), State.ENDED, "stayed up 3 s"),
        (Expected(), Outcome(signal="SIGTERM"), State.ENDED, "was ended by SIGTERM"),
        (Expected(), Outcome(signal="SIGSEGV"), State.FAILED, "SIGSEGV"),
        (Expected(), Outcome(errno="ENOENT", culprit="loader"), State.FAILED, "ENOENT"),
        (
            Expected(ready="tcp:80"),
            Outcome(ready=True, seconds=1.26),
            State.STARTED,
            "answered tcp:80 after 1.3 s",
        ),
        (
            Expected(ready="tcp:80"),
            Outcome(timed_out=True),
            State.ENDED,
            "stayed up 3 s, and did not answer tcp:80",
        ),
        (Expected(ready="tcp:80"), Outcome(status=0), State.ENDED, "exited with 0"),
        (
            Expected(),
            Outcome(exceeded="512 processes"),
            State.ENDED,
            "was ended as it had more than 512 processes",
        ),
    ],
)
def test_an_end_is_told_as_what_was_expected_or_not(
    expected: Expected, outcome: Outcome, state: State, words: str
) -> None:
    observed = observe(outcome, "/app")
    assert expected.state(outcome, observed) is state
    assert expected.words(outcome, observed) == words


def test_what_a_program_says_after_it_was_ready_is_its_own_affair() -> None:
    outcome = Outcome(ready=True, stderr="sh: 1: helper: not found\n")
    assert observe(outcome, "/app").started


def test_a_shells_not_found_does_not_tell_what_is_missing() -> None:
    outcome = Outcome(status=127, stderr="/entrypoint.sh: line 3: /app/x: not found\n")
    assert meant(outcome, observe(outcome, "/entrypoint.sh")).code is None
    refused = Outcome(errno="ENOENT", culprit="command")
    assert meant(refused, observe(refused, "/app")).code is Code.COMMAND_MISSING


@pytest.mark.parametrize(
    ("prediction", "observed", "stands", "wrong"),
    [
        (STARTS, Observed(started=True), Agreement.AGREES, False),
        (STARTS, Observed(False, Code.LIBRARY_MISSING), Agreement.FALSE_START, True),
        (WARNS, Observed(False, Code.CPU_LEVEL), Agreement.FALSE_START, False),
        (MISSES, Observed(False, Code.LIBRARY_MISSING), Agreement.AGREES, False),
        (MISSES, Observed(False, None), Agreement.AGREES, False),
        (MISSES, Observed(False, Code.SYMBOL_MISSING), Agreement.WRONG_CODE, True),
        (MISSES, Observed(started=True), Agreement.FALSE_DENY, True),
        (UNKNOWN, Observed(started=True), Agreement.UNKNOWN, False),
    ],
)
def test_a_prediction_agrees_is_contradicted_or_claims_nothing(
    prediction: Prediction, observed: Observed, stands: Agreement, wrong: bool
) -> None:
    assert agreement(prediction, observed) is stands
    assert contradicts(prediction, observed) is wrong
