"""One trial: what was predicted of a start, and what happened."""

from dataclasses import dataclass

from elfgate.linkage.inputs import NodeFacts, Overrides
from elfgate.scan.linkage import Linkage
from elfgate.scan.located import Contents
from elfgate.trial.agreement import Agreement, agreement, contradicts
from elfgate.trial.expected import State
from elfgate.trial.observed import Observed
from elfgate.trial.start import Outcome

NOTHING = Outcome()


@dataclass(frozen=True, slots=True)
class Asked:
    """One container's start that is asked for.

    Attributes:
        image: As it was written.
        overrides: What the pod changes.
        container: Its name; empty where there is no pod.
    """

    image: str
    overrides: Overrides
    container: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial on one platform.

    Attributes:
        asked: What was asked for.
        node: What was known of the node, which is this machine.
        linkage: What was predicted.
        state: How what happened stands to what was expected.
        words: The same in a clause.
        outcome: The start's outcome.
        observed: What it means; None if it was not tried.
        caveats: What is otherwise here than on a node, and what has no say on the prediction.
        contents: The image; None if there is none for the platform.
    """

    asked: Asked
    node: NodeFacts
    linkage: Linkage
    state: State
    words: str
    outcome: Outcome = NOTHING
    observed: Observed | None = None
    caveats: tuple[str, ...] = ()
    contents: Contents | None = None

    @property
    def agreement(self) -> Agreement | None:
        """The prediction beside what happened; None if nothing did."""
        if self.observed is None:
            return None
        return agreement(self.linkage.prediction, self.observed)

    @property
    def contradicts(self) -> bool:
        """Whether the prediction is wrong, which is a bug of elfgate."""
        if self.observed is None or self.caveats:
            return False
        return contradicts(self.linkage.prediction, self.observed)
