"""Symbol versions.

What each object needs of another by name of version, against what that one defines.

Source: glibc ``elf/dl-version.c`` (``_dl_check_map_versions``, ``match_symbol``), LSB "Symbol
Versioning". musl does not look at them.
"""

import re
from collections import defaultdict
from functools import lru_cache

from elfgate.elf.facts import ElfFacts
from elfgate.elf.versions import is_numbered, newest_of_each, number
from elfgate.linkage import messages
from elfgate.linkage.loaders.objects import Object, Objects
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code
from elfgate.linkage.values import Doubt
from elfgate.linkage.world import World

_GLIBC = "GLIBC_"
_COMPARED = 30  # names that a unit of work compares
_LIBC = "libc.so.6"
_ACCEPTED_SINCE = (2, 41)  # commit bdaf500353
_RELEASE = re.compile(r"GLIBC_(\d{1,4})\.(\d{1,4})(?:\.\d+)*")


def check_versions(
    world: World, record: Record, objects: Objects, loader: Object, doubt: Doubt | None
) -> bool:
    """Judge the needed versions of all objects, in the loader's order; report what is missing.

    Args:
        world: Where findings go.
        record: Takes what is found.
        objects: The process's objects.
        loader: The dynamic loader, which is an object too.
        doubt: Why there may be more objects than these.

    Returns:
        Whether all are there.
    """
    fine = True
    for item in (*objects, loader):
        missing: defaultdict[Object, list[str]] = defaultdict(list)
        strays: dict[str, str] = {}
        for need in item.facts.version_needs:
            target = objects.named(need.file)
            world.work.spend(
                1 + (len(target.facts.version_definitions) if target else 0) // _COMPARED
            )
            if target is None:
                strays.setdefault(need.file, need.version)
                continue
            if not _defines(target.facts, need.version) and not need.weak:
                missing[target].append(need.version)
        for file, version in strays.items():
            _report_stray(record, item, file, version, doubt)
            fine = False
        for target, versions in missing.items():
            _report(record, item, target, versions, loader)
            fine = False
    return fine


def check_relr(record: Record, objects: Objects) -> bool:
    """Judge objects with DT_RELR: with version needs they must name GLIBC_ABI_DT_RELR (since 2.36).

    Source: ``_dl_check_map_versions``, "DT_RELR without GLIBC_ABI_DT_RELR dependency".
    """
    for item in objects:
        facts = item.facts
        asked = any(need.version == "GLIBC_ABI_DT_RELR" for need in facts.version_needs)
        if facts.relr and facts.version_needs and _LIBC in facts.needed and not asked:
            message = f"{item.path} has DT_RELR relocations without needing GLIBC_ABI_DT_RELR"
            record.failed(Code.LIBRARY_MISMATCH, item.path, message, messages.FIX_RELR, item.doubt)
            return False
    return True


def check_unversioned(
    world: World, record: Record, objects: Objects, release: tuple[int, ...], *, now: bool
) -> bool:
    """Judge needs of versions of a library that has no DT_VERSYM.

    The first such look-up ends on an assertion.

    ``check_match`` in glibc ``elf/dl-lookup.c``, up to 2.40. A library that merely defines no
    versions has a DT_VERSYM still, for what it needs itself, and is taken with a warning. What is
    bound lazily may never be looked up, and is worth a note, as a symbol is that is nowhere.

    Args:
        world: Where findings go.
        record: Takes what is found.
        objects: The process's objects.
        release: The loader's.
        now: Functions are bound at start whatever the objects say.

    Returns:
        Whether nothing is wrong.
    """
    fine = True
    if release >= _ACCEPTED_SINCE:
        return fine
    for item in objects:
        for file in dict.fromkeys(need.file for need in item.facts.version_needs if not need.weak):
            target = objects.named(file)
            if target is None or target.facts.versioned or target.facts.incomplete:
                continue
            world.work.spend(len(item.facts.undefined) * (1 + len(objects.items) // 4))
            others = [other.facts for other in objects if other is not target]
            taken = [
                symbol
                for symbol in item.facts.undefined
                if not symbol.weak
                and target.facts.exports(symbol.name)
                and not any(other.exports(symbol.name) for other in others)
            ]
            if taken:
                at_start = now or item.facts.bind_now or not all(symbol.lazy for symbol in taken)
                _report_unversioned(record, item, target, at_start=at_start)
                fine = fine and not at_start
    return fine


def _report_unversioned(record: Record, item: Object, target: Object, *, at_start: bool) -> None:
    message = (
        f"{item.path} needs versions of {_wanted(target)}, but {target.path} is built without "
        "symbol versions"
    )
    if at_start:
        doubt = item.doubt or target.doubt
        record.failed(Code.SYMBOL_VERSION_MISSING, item.path, message, messages.FIX_SYMBOL, doubt)
    else:
        message = f"{message}: it fails at the first call"
        record.note(Code.SYMBOL_VERSION_MISSING, item.path, message, messages.FIX_SYMBOL)


def needs_glibc(objects: Objects) -> tuple[int, ...]:
    """The newest release of glibc that the process's objects need, such as (2, 34).

    Empty if they need none by version.

    What glibc's own libraries need of one another does not count: they come as one.
    """
    newest: tuple[int, ...] = ()
    for item in objects:
        if not any(version.startswith(_GLIBC) for version in item.facts.version_definitions):
            releases = [_release_of(need.version) for need in item.facts.version_needs]
            newest = max([newest, *releases])
    return newest


@lru_cache(maxsize=256)
def _release_of(version: str) -> tuple[int, ...]:
    """The release that a version is named for, such as (2, 34); empty if it is none of glibc's."""
    match = _RELEASE.fullmatch(version)
    return tuple(map(int, match.groups())) if match else ()


def _defines(target: ElfFacts, version: str) -> bool:
    """A target without any version definition is taken as it is, with a warning.

    The warning is "no version information".
    """
    return (
        not target.version_definitions or target.incomplete or version in target.version_definitions
    )


def _report_stray(
    record: Record, item: Object, file: str, version: str, doubt: Doubt | None
) -> None:
    """A file's version is needed, be it weakly, but nothing loads the file.

    ``assert (needed != NULL)``.
    """
    message = f"{item.path} needs {version} of {file}, which nothing in the process loads"
    record.failed(Code.SYMBOL_VERSION_MISSING, item.path, message, messages.FIX_STRAY, doubt)


def _report(
    record: Record, item: Object, target: Object, versions: list[str], loader: Object
) -> None:
    versions = sorted(versions, key=number, reverse=True)
    family = versions[0].partition("_")[0]
    defined = [
        name for name in target.facts.version_definitions if name.partition("_")[0] == family
    ]
    numbered = [name for name in defined if is_numbered(name)]
    newest = max(numbered, key=number, default="")
    which = f"{target.path}{_release(target, loader)}"
    ends = f"ends at {newest}" if newest else "does not define it"
    message = (
        f"{item.path} needs {messages.listed(versions)} of {_wanted(target)}, but {which} {ends}"
    )
    doubt = item.doubt or target.doubt
    lacking = newest_of_each(versions)
    fix = messages.FIX_VERSION
    record.failed(Code.SYMBOL_VERSION_MISSING, item.path, message, fix, doubt, versions=lacking)


def _wanted(target: Object) -> str:
    return target.facts.soname or target.name.rpartition("/")[2]


def _release(target: Object, loader: Object) -> str:
    known = loader.facts.loader
    if (
        known is None
        or not known.version
        or target.facts.soname not in ("libc.so.6", "libm.so.6", "libpthread.so.0")
    ):
        return ""
    return f" (glibc {known.version})"
