"""Losses and gains of an update: two images side by side, platform by platform."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from elfgate.linkage.report import Code, Effect, Finding, Outcome
from elfgate.platforms import Platform
from elfgate.scan.scanner import Linkage, Scanner


class Change(StrEnum):
    """The meaning of an update for a platform, the worst first."""

    LOST = "lost"  # it started, and does not start any more
    DOUBTED = "doubted"  # it started, and whether it still does is not known
    CHANGED = "changed"  # it starts, or not, as before, and needs something else
    GAINED = "gained"  # it starts, and did not before
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Row:
    """One platform.

    Attributes:
        old: The image before.
        new: The image after.
    """

    old: Linkage
    new: Linkage

    @property
    def platform(self) -> Platform:
        """Which."""
        return self.new.platform

    @property
    def change(self) -> Change:
        """The meaning of the update."""
        before, after = (each.outcome is Outcome.STARTS for each in (self.old, self.new))
        if before and not after:
            return Change.LOST if self.new.outcome is Outcome.CANNOT_START else Change.DOUBTED
        if after and not before:
            return Change.GAINED
        is_same = self.old.outcome is self.new.outcome and not self.notes
        return Change.SAME if is_same else Change.CHANGED

    @property
    def notes(self) -> tuple[str, ...]:
        """Needs that it did not have before, each in one clause."""
        if not (offered(self.old) and offered(self.new)):
            return ()
        told = []
        before, after = self.old.prediction.needs_glibc, self.new.prediction.needs_glibc
        starts = self.old.outcome is self.new.outcome is Outcome.STARTS
        if starts and before != after:
            told.append(f"needs {_glibc(after)} ({_glibc(before)} before)")
        if self.old.variant.libc != self.new.variant.libc:
            told.append(
                f"has the loader of {self.new.variant.libc} ({self.old.variant.libc} before)"
            )
        if self.old.variant != self.new.variant:
            told.append(f"is {self.new.variant} ({self.old.variant} before)")
        return tuple(told)

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """The findings for which a start is lost, or not known any more."""
        if self.change not in {Change.LOST, Change.DOUBTED}:
            return ()
        found = self.new.prediction.findings
        return tuple(each for each in found if each.effect is not Effect.NOTE)


def offered(linkage: Linkage) -> bool:
    """Whether an image has something for a platform."""
    return all(each.code is not Code.PLATFORM_MISSING for each in linkage.prediction.findings)


def _glibc(version: tuple[int, ...]) -> str:
    return f"glibc {'.'.join(map(str, version))}" if version else "no version of glibc"


async def compare(
    scanner: Scanner, old: str, new: str, platforms: Sequence[Platform] = ()
) -> tuple[Row, ...]:
    """Predict the start of two images on each platform.

    Args:
        scanner: Predicts starts.
        old: The image before, as a command line names it.
        new: The image after.
        platforms: Which; if none are given, every platform that one of the two offers.

    Raises:
        InputError: if one of them is no image reference.
        UnreadableError: if one of them cannot be read.
    """
    offers = await asyncio.gather(scanner.images.platforms(old), scanner.images.platforms(new))
    asked = platforms or sorted({platform for offer in offers for platform in offer})
    pairs = (
        asyncio.gather(scanner.linkage(old, platform), scanner.linkage(new, platform))
        for platform in asked
    )
    return tuple(Row(*pair) for pair in await asyncio.gather(*pairs))
