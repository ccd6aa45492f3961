"""A base's answer to a program's needs, by the shipped table."""

import re
from dataclasses import dataclass
from enum import StrEnum

from elfgate.bases.offer import has, numbers
from elfgate.bases.table import FAMILIES, Base
from elfgate.needs.facts import Needs
from elfgate.platforms import ARCHITECTURES, Platform

# What glibc itself installs, and musl answers for itself (``ldso/dynlink.c``, reserved names).
_OF_THE_LIBC = re.compile(
    r"(libc|libm|libpthread|libdl|librt|libutil|ld-linux[^/]*|ld64|libc\.musl-[^/]+)\.so(\.\d+)?"
)
_OF_THE_COMPILER = frozenset({"libstdc++.so.6", "libgcc_s.so.1"})


class Gives(StrEnum):
    """Whether a base gives all that a program needs."""

    ALL = "all"
    NOT = "not"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """A base's answer on one platform.

    Attributes:
        gives: Whether it has all.
        because: Why not, or what is not known, in one clause; empty where it gives all.
    """

    gives: Gives
    because: str = ""


_ALL = Answer(Gives.ALL)


def answer(base: Base, needs: Needs, platform: Platform) -> Answer:
    """Tell whether a base gives what a program needs on a platform, as far as the table tells.

    Files and libraries beyond the C library's and the compiler's are not in the table: where the
    program needs some, the answer is unknown, and says which.
    """
    architecture = platform.architecture
    if architecture not in base.architectures:
        return Answer(Gives.NOT, f"is not published for {architecture}")
    if not needs.own:
        return Answer(Gives.UNKNOWN, "what the program needs is not known")
    return _loader(base, needs, architecture) or _libraries(base, needs, architecture)


def _loader(base: Base, needs: Needs, architecture: str) -> Answer | None:
    """Judge the loaders; None if there is nothing against them."""
    row = ARCHITECTURES[architecture]
    own = f"/lib/ld-musl-{row.musl_name}.so.1"
    there = row.glibc_loaders if base.libc == "glibc" else (own,)
    missing = next((path for path in needs.loaders if path not in there), None)
    if missing is None:
        return None
    if missing in (*row.glibc_loaders, own):
        return Answer(Gives.NOT, f"has {base.libc}, not the loader {missing}")
    return Answer(Gives.UNKNOWN, f"may not have the loader {missing}")


def _libraries(base: Base, needs: Needs, architecture: str) -> Answer:
    lacking = _lacking(base, needs, architecture)
    if lacking is not None:
        return lacking
    names = (library.name for library in needs.libraries)
    further = [name for name in names if not _is_known(name)]
    further += needs.files
    if further:
        return Answer(Gives.UNKNOWN, f"must have {', '.join(further)} too")
    if _is_open(needs):
        return Answer(Gives.UNKNOWN, needs.unknown[0])
    return _ALL


def _is_open(needs: Needs) -> bool:
    """Tell whether more may be needed than was found, for another reason than a missing loader."""
    starts_elsewhere = bool(needs.loaders) and not needs.files
    return bool(needs.unknown) and not starts_elsewhere


def _lacking(base: Base, needs: Needs, architecture: str) -> Answer | None:
    """Name what the base lacks; None if nothing that the table tells."""
    asked = {library.name for library in needs.libraries}
    without = sorted(asked & set(base.lacks))
    if without:
        return Answer(Gives.NOT, f"has no {without[0]}")
    if base.libc == "musl":
        return _musl(base, needs)
    known = [version for version in needs.versions if _family(version) in FAMILIES]
    absent = [version for version in known if not has(base, [version], architecture)]
    for version in absent:
        family = _family(version)
        newest = base.newest(family, architecture)
        if newest is not None:
            return Answer(Gives.NOT, f"ends at {family}_{newest}, not {version}")
    if absent:
        return Answer(Gives.UNKNOWN, f"may not have {absent[0]}")
    return None


def _family(version: str) -> str:
    return version.partition("_")[0]


def _musl(base: Base, needs: Needs) -> Answer | None:
    wanted = numbers(needs.musl) if needs.loaders and needs.musl else None
    if wanted is None:
        return None
    if base.libc_version is None:
        return Answer(Gives.UNKNOWN, f"may have a musl before {needs.musl}")
    if (numbers(base.libc_version) or ()) < wanted:
        return Answer(Gives.NOT, f"has musl {base.libc_version}, not {needs.musl}")
    return None


def _is_known(library: str) -> bool:
    return library in _OF_THE_COMPILER or _OF_THE_LIBC.fullmatch(library) is not None
