"""The end that a user expects of a start, and how what happened stands to it."""

from dataclasses import dataclass, replace
from enum import StrEnum

from elfgate.trial.observed import Observed
from elfgate.trial.start import Outcome, Start


class State(StrEnum):
    """The stand of what happened to what was expected."""

    STARTED = "started"  # as expected
    ENDED = "ended"  # it started, and ended otherwise
    FAILED = "failed"  # the kernel, a loader or a runtime refused it
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Expected:
    """An expectation.

    Attributes:
        seconds: How long it has to stay up, or has for getting ready.
        status: The exit status; None if staying up will do, and so will 0.
        ready: What shows that it is ready (``ready.Probe``); empty for nothing.
    """

    seconds: float = 3.0
    status: int | None = None
    ready: str = ""

    def of(self, start: Start) -> Start:
        """A start that is watched for it."""
        return replace(start, timeout=self.seconds, ready=self.ready)

    def state(self, outcome: Outcome, observed: Observed) -> State:
        """Whether it was met."""
        if not observed.started:
            return State.FAILED
        return State.STARTED if self._is_met(outcome) else State.ENDED

    def words(self, outcome: Outcome, observed: Observed) -> str:
        """Tell in a clause what happened."""
        if not observed.started:
            return observed.words
        if outcome.exceeded:
            return f"was ended as it had more than {outcome.exceeded}"
        if outcome.ready:
            return f"answered {self.ready} after {outcome.seconds:.1f} s"
        if outcome.timed_out:
            missing = f", and did not answer {self.ready}" if self.ready else ""
            return f"stayed up {self.seconds:g} s{missing}"
        if outcome.signal:
            return f"was ended by {outcome.signal}"
        return f"exited with {outcome.status}"

    def _is_met(self, outcome: Outcome) -> bool:
        if self.ready:
            return outcome.ready
        if self.status is not None:
            return outcome.status == self.status
        return outcome.timed_out or outcome.status == 0
