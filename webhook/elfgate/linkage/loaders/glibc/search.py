"""The search of glibc's loader for a library.

Sources: glibc ``elf/dl-load.c`` (``_dl_map_object``, ``open_path``), ``elf/dl-cache.c``,
``elf/dl-hwcaps.c``; ld.so(8). The default directories are those written in the loader's own file;
/etc/ld.so.conf is ldconfig's business and is not read when a program starts.
"""

import posixpath
from dataclasses import replace
from fnmatch import fnmatchcase

from elfgate.errors import UnknownReason
from elfgate.linkage.environment import doubt_of, guess_of
from elfgate.linkage.kernel.machines import architecture_of
from elfgate.linkage.kernel.mapping import page_sizes
from elfgate.linkage.kernel.pages import taken_by_glibc, taken_by_old_glibc
from elfgate.linkage.kernel.program import Mapped
from elfgate.linkage.loaders.cpu import OLD_SUBDIRECTORIES
from elfgate.linkage.loaders.glibc.cache import CacheReader
from elfgate.linkage.loaders.glibc.candidates import Candidates
from elfgate.linkage.loaders.glibc.found import NotFound, Opened, Query, Refused
from elfgate.linkage.loaders.glibc.own_paths import OwnPaths
from elfgate.linkage.loaders.glibc.releases import assumed_kernel, release
from elfgate.linkage.loaders.glibc.subdirectories import Subdirectories
from elfgate.linkage.loaders.objects import Object
from elfgate.linkage.loaders.paths import (
    SearchPath,
    expand,
    expand_known,
    pattern_of,
)
from elfgate.linkage.record import Record
from elfgate.linkage.values import Doubt
from elfgate.linkage.work import CHARACTERS
from elfgate.linkage.world import Hidden, Process, World
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.ldconf import Cache, parse_cache
from elfgate.rootfs.tree import Found, Missing

CACHE = "/etc/ld.so.cache"
ALIGNMENT_CHECKED_BEFORE = (2, 35)
_CACHE_BYTES = 12  # of ld.so.cache that a unit of work reads
# DT_SONAME of the kernel's own library, which glibc lists as loaded (``setup_vdso``).
_VDSO = {"386": "linux-gate.so.1"} | dict.fromkeys(
    ("ppc64", "ppc64le", "s390x"), "linux-vdso64.so.1"
)
SEARCHING = ("LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "GLIBC_TUNABLES")
_SEARCH = 20  # units of work that a search takes besides its look-ups


class Search:
    """The search of one process.

    Args:
        world: The world.
        record: Takes what is found.
        process: Whose environment and working directory count.
        loader: glibc's loader.
        program: The program, by which LD_LIBRARY_PATH is expanded.
    """

    def __init__(
        self,
        world: World,
        record: Record,
        process: Process,
        loader: Mapped,
        program: Object,
    ) -> None:
        self._world = world
        self._record = record
        self._process = process
        self._loader = loader
        about = loader.facts.loader
        row = architecture_of(loader.facts)
        self.vdso = _VDSO.get(row.name if row else "", "linux-vdso.so.1")
        self._defaults = about.default_directories if about else ()
        self.version = release(about.version if about else "")
        self._row = architecture_of(loader.facts)
        self._paths = OwnPaths(world, process, self._defaults, program)
        self.doubt = doubt_of(*map(process.env.get, SEARCHING))  # about every search
        self._cache_doubt: Doubt | None = None
        self._cache = self._read_cache()
        assumed = assumed_kernel(guess_of(process.env.get("LD_ASSUME_KERNEL")))
        self.assumes_kernel = assumed is not None
        node = world.node if assumed is None else replace(world.node, kernel=assumed)
        self._cached_for = CacheReader(self._row, loader.facts.flags, self.version, node)
        self._subdirectories = Subdirectories(world, process.cwd, self._row, self.version)
        self._candidates = Candidates(
            world, record, process, loader, node, is_directory=self._subdirectories.is_directory
        )

    @property
    def levels(self) -> dict[str, None]:
        """Levels of the CPU that lead to files of a name that was searched.

        They matter where the node's level is not known.
        """
        return self._subdirectories.levels

    @property
    def audit(self) -> str:
        """LD_AUDIT, or empty."""
        return guess_of(self._process.env.get("LD_AUDIT"))

    def forbids(self, name: str) -> bool:
        """Tell whether the loader refuses the tokens in a needed name (``expand_dst``)."""
        return self._process.secure and pattern_of(name) is not None

    def expanded(self, name: str, needed_by: Object) -> str:
        """Substitute what is known of the tokens in a name of a dynamic section."""
        if "$" in name:
            return expand_known(name, self._paths.tokens(needed_by))
        return name

    def mapped(self, opened: Opened) -> Opened | None:
        """Map a file that may as well be missing; None if that fails, with a doubt if it may."""
        fits = taken_by_old_glibc if self.version < ALIGNMENT_CHECKED_BEFORE else taken_by_glibc
        answers = {fits(opened.facts, size) for size in page_sizes(self._world)}
        if answers == {True, False}:
            because = f"whether {opened.path} is mapped depends on the node's page size"
            doubt = opened.doubt or Doubt(UnknownReason.NODE_FACT_UNKNOWN, because)
            return replace(opened, doubt=doubt)
        if True in answers:
            return opened
        return None

    def find(self, name: str, needed_by: Object) -> Opened | Refused | NotFound:
        """Search for a DT_NEEDED (or preloaded) name that is not loaded yet."""
        self._world.work.spend(_SEARCH + len(name) // CHARACTERS)
        query = Query(needed_by.doubt)
        expanded = expand(name, self._paths.tokens(needed_by))
        if expanded is None:
            return NotFound(query.doubt or _undecided(name))
        if "/" in expanded:
            outcome, _ = self._candidates.open(expanded, expanded, query)
            return outcome or self._not_found(query)
        query.doubt = query.doubt or self.doubt
        for label, path in self._paths.of(needed_by):
            outcome = self._along(label, path, expanded, query)
            if outcome is not None:
                return outcome
        outcome = self._cached(expanded, needed_by, query)
        if outcome is None and not needed_by.facts.no_default_lib:
            outcome = self._along("default directory", SearchPath(self._defaults), expanded, query)
        if outcome is None and not self._defaults:
            doubt = Doubt(
                UnknownReason.SHAPE_UNKNOWN,
                f"{self._loader.path} does not tell its default directories",
            )
            query.doubt = query.doubt or doubt
        return outcome or self._not_found(query)

    @staticmethod
    def _not_found(query: Query) -> NotFound:
        return NotFound(query.doubt, query.passed, query.other_class, query.too_new)

    def _along(
        self, label: str, path: SearchPath, name: str, query: Query
    ) -> Opened | Refused | None:
        for directory in path.undecided:
            if query.doubt is None and self._may_have(directory.split("/"), name):
                query.doubt = _undecided(directory)
        for directory in path.directories:
            if self._subdirectories.depends_on_cpu(directory, name):
                query.doubt = query.doubt or _by_cpu(directory)
            goes_on = True  # unless the last of its places, the directory itself, says otherwise
            for subdirectory, level in self._subdirectories.of(directory, name):
                candidate = posixpath.join(directory, subdirectory, name)
                label_here = f"{candidate} ({label})"
                outcome, goes_on_here = self._candidates.open(candidate, label_here, query, level)
                if outcome is not None:
                    return outcome
                goes_on = goes_on if subdirectory else goes_on_here
            if not goes_on:
                break
        return None

    def _may_have(self, directory: list[str], name: str, above: str = "") -> bool:
        """Tell whether a directory with tokens that may stand for anything may lead to the file."""
        for index, part in enumerate(directory):
            if (pattern := pattern_of(part)) is not None:
                start = posixpath.join(
                    self._process.cwd,
                    above,
                    "/".join(directory[:index]) or ("." if index == 0 else "/"),
                )
                if isinstance(self._world.lookup(start), Hidden):
                    return True
                there = (
                    child for child in self._world.listdir(start) if fnmatchcase(child, pattern)
                )
                return any(
                    self._may_have(directory[index + 1 :], name, posixpath.join(start, child))
                    for child in there
                )
        path = posixpath.join(self._process.cwd, above, *directory)
        subdirectories = self._world.listdir(path).keys() & {
            "glibc-hwcaps",
            *OLD_SUBDIRECTORIES,
        }
        return bool(subdirectories) or not isinstance(
            self._world.lookup(posixpath.join(path, name)), Missing
        )

    def _cached(self, name: str, needed_by: Object, query: Query) -> Opened | Refused | None:
        """One entry of ld.so.cache is tried: the best for the CPU.

        If it does not open, the search goes on.
        """
        if self._cache is None:
            query.doubt = query.doubt or self._cache_doubt
            return None
        choice = self._cached_for.best(entries := self._cache.entries.get(name, ()))
        entry = choice.entry
        if choice.doubtful:
            query.doubt = query.doubt or _by_cpu(CACHE)
        if self._world.node.cpu_level is None and self._row is not None:
            asked = {candidate.hwcap for candidate in entries}
            self._subdirectories.levels.update(
                dict.fromkeys(level for level in reversed(self._row.hwcaps) if level in asked)
            )
        barred = (
            tuple(f"{directory}/" for directory in self._defaults)
            if needed_by.facts.no_default_lib
            else ()
        )
        if entry is None or entry.path.startswith(barred):
            return None
        return self._candidates.open(entry.path, f"{entry.path} ({CACHE})", query, choice.level)[0]

    def _read_cache(self) -> Cache | None:
        if self._process.inhibit_cache:
            return None
        found = self._world.lookup(CACHE)
        if isinstance(found, Hidden):
            self._cache_doubt = found.doubt
        if not isinstance(found, Found) or not self._world.opens(found):
            return None
        if found.entry.kind is Kind.UNREADABLE or (
            found.entry.text is None and found.entry.size
        ):  # or by another name
            self._cache_doubt = Doubt(UnknownReason.LIMIT_EXCEEDED, f"{CACHE} could not be read")
        text = found.entry.text or b""
        self._world.work.spend_once(CACHE, len(text) // _CACHE_BYTES)
        cache = parse_cache(text) if text else None
        if cache is not None and cache.byte_order == self._loader.facts.byte_order:
            return cache
        return None


def _by_cpu(path: str) -> Doubt:
    return Doubt(
        UnknownReason.NODE_FACT_UNKNOWN,
        f"the node's CPU may lead elsewhere in {path}",
    )


def _undecided(text: str) -> Doubt:
    return Doubt(UnknownReason.NODE_FACT_UNKNOWN, f"the node decides what {text} stands for")
