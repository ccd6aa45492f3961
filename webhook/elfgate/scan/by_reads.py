"""Predictions by the variables that they turn on, for pods that differ in others.

A prediction is a function of the image and of what is asked. What it reads of a pod's variables is
one too: where it would read the same values, it reads the same names, and comes to the same end.
"""

from elfgate.linkage.reads import reduced
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.scan.inquiry import Foreseen, Inquiry, key_of

_MOST = 4  # sets of names for one question: a script may read others for each value

READS = declare(
    "reads",
    "names of the variables that predictions turn on, by image and all else that is asked",
    max_bytes=1 << 20,
)


class ByReads:
    """Finds answers that were given to a question with other variables.

    Args:
        answers: Where answers are kept.
    """

    def __init__(self, answers: Recent[bytes, Foreseen]) -> None:
        self._answers = answers
        self._reads: Recent[bytes, tuple[frozenset[str], ...]] = Recent(READS)

    def get(self, beside: str, inquiry: Inquiry) -> Foreseen | None:
        """The answer to a question that differs in variables that made no difference.

        Args:
            beside: All else that is asked (``Inquiry.beside``).
            inquiry: The question.
        """
        for reads in self._reads.get(key_of(beside)) or ():
            key = _key(beside, inquiry, reads)
            answer = self._answers.get(key) if key else None
            if answer is not None:
                return answer
        return None

    def put(self, beside: str, inquiry: Inquiry, answer: Foreseen) -> None:
        """Keep an answer; nothing happens if all variables make a difference."""
        key = _key(beside, inquiry, answer.reads)
        if key is None:
            return
        bare = key_of(beside)
        others = [reads for reads in self._reads.get(bare) or () if reads != answer.reads]
        self._reads.put(bare, (answer.reads, *others)[:_MOST])
        self._answers.put(key, answer)


def _key(beside: str, inquiry: Inquiry, reads: frozenset[str]) -> bytes | None:
    """Tells a question by the variables that are read; None if all of them matter."""
    read = reduced(inquiry.overrides, reads)
    return None if read is None else key_of(beside, read.variables(), sorted(reads))
