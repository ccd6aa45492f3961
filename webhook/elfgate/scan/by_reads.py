"""Predictions by the variables that they turn on, for pods that differ in others.

A prediction is a function of the image and of what is asked. What it reads of a pod's variables is
one too: where it would read the same values, it reads the same names, and comes to the same end.
"""

import hashlib
from dataclasses import replace

from elfgate.linkage.reads import ANY
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.scan.inquiry import Foreseen, Inquiry

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

    def get(self, digest: str, inquiry: Inquiry) -> Foreseen | None:
        """The answer to a question that differs in variables that made no difference."""
        for reads in self._reads.get(_bare(digest, inquiry)) or ():
            key = _key(digest, inquiry, reads)
            answer = self._answers.get(key) if key else None
            if answer is not None:
                return answer
        return None

    def put(self, digest: str, inquiry: Inquiry, answer: Foreseen) -> None:
        """Keep an answer; nothing happens if all variables make a difference."""
        key = _key(digest, inquiry, answer.reads)
        if key is None:
            return
        bare = _bare(digest, inquiry)
        others = [reads for reads in self._reads.get(bare) or () if reads != answer.reads]
        self._reads.put(bare, (answer.reads, *others)[:_MOST])
        self._answers.put(key, answer)


def _bare(digest: str, inquiry: Inquiry) -> bytes:
    """Tells a question from others that do not differ in variables alone."""
    overrides = inquiry.overrides
    any_name = overrides.unknown_env & {ANY}
    return replace(inquiry, overrides=replace(overrides, env={}, unknown_env=any_name)).key(digest)


def _key(digest: str, inquiry: Inquiry, reads: frozenset[str]) -> bytes | None:
    """Tells a question by the variables that are read; None if all of them matter."""
    read = inquiry.reading(reads)
    if read is None:
        return None
    return hashlib.sha256(
        read.key(digest) + repr(sorted(reads)).encode(errors="surrogatepass")
    ).digest()
