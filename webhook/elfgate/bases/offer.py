"""Bases that have what a program lacks."""

from collections.abc import Sequence
from datetime import date

from elfgate.bases.table import Base, bases


def having(versions: Sequence[str], architecture: str, day: date) -> tuple[str, ...]:
    """Name bases that define some symbol versions.

    Of each distribution the oldest that is supported.

    Args:
        versions: Such as ``GLIBC_2.38``.
        architecture: The OCI name of a node's.
        day: The day on which they are to be supported.

    Returns:
        Their names in the table's order; none if one of the versions is of no family that the table
        knows.
    """
    found: dict[str, str] = {}
    if not versions:
        return ()
    for base in bases():
        if not base.is_supported(day):
            continue
        if has(base, versions, architecture):
            found.setdefault(base.family, base.name)
    return tuple(found.values())


def has(base: Base, versions: Sequence[str], architecture: str) -> bool:
    """Tell whether a base is known to define some symbol versions."""
    return architecture in base.architectures and all(
        _reaches(base, version, architecture) for version in versions
    )


def called(family: str, release: str) -> str:
    """The name of the base with that os-release; empty if the table has none."""
    for base in bases():
        if family == base.family and _is_of(release, base.release):
            return base.name
    return ""


def _is_of(release: str, wanted: str) -> bool:
    if not wanted:
        return False
    return release == wanted or release.startswith(f"{wanted}.")


def _reaches(base: Base, version: str, architecture: str) -> bool:
    family, _, number = version.partition("_")
    newest = base.newest(family, architecture)
    wanted = numbers(number)
    if newest is None or wanted is None:
        return False
    return wanted <= (numbers(newest) or ())


def numbers(version: str) -> tuple[int, ...] | None:
    """The numbers of a version such as ``2.38``; None if it is not made of numbers."""
    parts = version.split(".")
    is_plain = len(parts) <= 4 and all(part.isdecimal() and len(part) < 6 for part in parts)
    return tuple(map(int, parts)) if is_plain else None
