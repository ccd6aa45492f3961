"""The answer of policies: total, versioned, and echoing the bundle's revision."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Violation(BaseModel):
    """One denial or warning, in the words of its rule.

    ``headline`` names container, image and platform with its nodes; ``lines`` say what is missing;
    ``remedy`` is the way out; ``help`` is what the cluster's owner says beside a denial. Doors join
    them: over several lines in a denial, on a few in a warning.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    container: str = ""
    platforms: list[str] = []
    headline: str
    lines: list[str] = []
    remedy: str = ""
    help: str = ""


KINDS = ("denials", "warnings", "dryrun", "would_deny")
"""The fields of a verdict that hold violations."""


class Verdict(BaseModel):
    """The answer of a bundle to a document.

    Attributes:
        version: Of this shape. A bundle that comes to no decision says 0, which is no verdict.
        revision: The bundle's.
        allowed: There are no denials.
        denials: The most important first.
        warnings: Likewise.
        dryrun: What rules in mode ``dryrun`` would have said: for metrics and audits, never for the
            user.
        failed: Why rules of the user's own gave no findings that can be used, or were left out.
        would_deny: What would be denied if all that warns or runs dry denied; empty if the verdict
            denies anyway.
        spared: The positions, in ``data.elfgate.config.exemptions``, of those that spared
            something.
        unknown: There is a container of which it cannot be told whether it starts.
        steer: The architectures that are left when those are kept off on which the pod fails; empty
            if it need or can not be steered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    revision: str
    allowed: bool
    denials: list[Violation]
    warnings: list[Violation]
    dryrun: list[Violation] = []
    would_deny: list[Violation] = []
    unknown: bool = False
    steer: list[str] = []
    failed: dict[str, str] = {}
    spared: list[int] = []
