"""The parts of a reading."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elfgate.linkage.report import Code

Facts = Mapping[str, Any]
STRENGTH = ["off", "dryrun", "warn", "deny"]
SEVERITY = ["fails", "violates", "unknown", "note"]
PREDICTED = {code.value for code in Code}
ROLES = {
    "main": "",
    "init": "init container ",
    "sidecar": "sidecar ",
    "ephemeral": "ephemeral container ",
}
BLANK = "\ue003"


@dataclass(frozen=True)
class Finding:
    """A finding, whichever rule it is of."""

    code: str
    container: str
    platform: str
    position: int
    effect: str
    reason: str
    message: str
    remedy: str
    image: str = ""
    differs: str = ""


@dataclass(frozen=True)
class Told:
    """A violation."""

    code: str
    container: str
    platforms: tuple[str, ...]
    headline: str
    lines: tuple[str, ...]
    remedy: str


@dataclass(frozen=True)
class Group:
    """One finding of a container, or several that are alike, and where."""

    level: str
    container: str
    effect: str
    image: str
    parts: tuple[tuple[int, str, str, str], ...]
