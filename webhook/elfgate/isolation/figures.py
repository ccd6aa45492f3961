"""Numbers about untrusted work, for metrics."""

from collections import Counter
from dataclasses import dataclass, field

from elfgate.isolation.messages import Hello


@dataclass(slots=True)
class Figures:
    """Counts since the start.

    Attributes:
        kills: Processes that were killed or did not survive their work, by reason.
        hello: The locks of the process that began last; None if untrusted work is done in this
            process.
    """

    kills: Counter[str] = field(default_factory=Counter)
    hello: Hello | None = None

    def killed(self, reason: str) -> None:
        """Count a process that was killed."""
        self.kills[reason] += 1

    def began(self, hello: Hello) -> None:
        """Note the locks of a process that began."""
        self.hello = hello

    @property
    def confined(self) -> bool:
        """Whether untrusted work is done behind the sandbox."""
        return self.hello is not None and self.hello.seccomp
