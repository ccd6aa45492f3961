"""musl's dynamic loader.

Source: musl ``ldso/dynlink.c``: ``load_library`` (reserved names, search order), ``path_open``,
``fixup_rpath``, ``map_library``, ``load_deps``, ``do_relocs``. There is no cache, no version check
and no lazy binding at start.
"""

import posixpath
import re

from elfgate.elf.facts import LoaderFacts
from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.environment import doubt_of, guess_of
from elfgate.linkage.kernel.machines import architecture_of, describe
from elfgate.linkage.kernel.pages import SMALLEST, collide, mappable, taken_by_musl
from elfgate.linkage.kernel.program import Mapped, Program
from elfgate.linkage.loaders.musl.search import Query, Search
from elfgate.linkage.loaders.musl.taken import TAKEN, is_harmless, maps, refusal, tolerance
from elfgate.linkage.loaders.objects import (
    MOST_OBJECTS,
    Object,
    Objects,
    judge_relr,
    mapped,
    report_incomplete,
    report_mismatch,
    report_missing,
)
from elfgate.linkage.loaders.symbols import BY_NAME, undefined
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code, Role
from elfgate.linkage.values import Doubt
from elfgate.linkage.work import CHARACTERS
from elfgate.linkage.world import Process, World
from elfgate.rootfs.entry import Entry

_RESERVED = re.compile(r"lib(?:c|pthread|rt|m|dl|util|xnet)\.")
_PRELOADS = re.compile("[ \\t\\n\\v\\f\\r:]+")  # isspace(3) of the C locale
_RELR_SINCE = (1, 2, 4)
_DONATED_SINCE = (1, 2, 1)
_LIBC = ("__libc_start_main", "stdin")  # symbols by which musl knows a second libc
_TWIN = Doubt(UnknownReason.SHAPE_UNKNOWN, "two names may be links to one file, or to two copies")


def load(
    world: World, record: Record, program: Program, loader: Mapped, about: LoaderFacts
) -> None:
    """Load and link a program; report what fails.

    Args:
        world: The world.
        record: Takes what is found.
        program: What the kernel has mapped.
        loader: musl's loader, which is its libc too.
        about: What the loader's file says of itself.
    """
    linker = _Linker(world, record, program.process, loader, about)
    if linker.overwrites(program.image):
        return
    objects = linker.closure(
        Object(program.name, program.image.path, program.image.facts, doubt=program.process.doubt)
    )
    if objects is None or not linker.bind(objects) or not linker.relative_relocations(objects):
        return
    if not linker.entered(objects) or not linker.foreign_unused(objects):
        return
    report_incomplete(record, objects)


class _Linker:
    """The loader's state."""

    def __init__(
        self, world: World, record: Record, process: Process, loader: Mapped, about: LoaderFacts
    ) -> None:
        self._world = world
        self._record = record
        self._process = process
        self._loader = loader
        self._about = about
        self._version = tuple(int(part) for part in re.findall(r"\d+", about.version)[:3])
        self._itself = Object(loader.name, loader.path, loader.facts)
        self._is_needed = False  # as the C library, by anyone: else its symbols are not in scope
        self._search = Search(world, record, process, loader)
        self._env_doubt = doubt_of(*map(process.env.get, ("LD_LIBRARY_PATH", "LD_PRELOAD")))
        self._foreign: list[Object] = []
        self._digests: dict[str, bytes] = {}
        self._twins: dict[str, Doubt] = {}

    def overwrites(self, image: Mapped) -> bool:
        """Judge a dynamic section behind its segment, as patchelf leaves it.

        The page's rest is given to ``malloc``.

        ``reclaim_gaps``, before anything is loaded; ``donate`` of mallocng, in musl since 1.2.1,
        fills it with zeros. So nothing is loaded or bound, and the first call of another object's
        function ends in nowhere.
        """
        takes = any(not symbol.weak for symbol in image.facts.undefined)
        if not (image.facts.dynamic_behind and takes) or self._version < _DONATED_SINCE:
            return False
        message = (
            f"{image.path} has its dynamic section behind a segment, where musl puts its heap: it "
            "crashes"
        )
        self._record.failed(
            Code.LOADER_MISMATCH, image.path, message, messages.FIX_BEHIND, self._process.doubt
        )
        return True

    def closure(self, program: Object) -> Objects | None:
        """Load what is needed, breadth first (``load_deps``); None if something is not there."""
        objects = Objects()
        objects.add(program)
        listed = guess_of(self._process.env.get("LD_PRELOAD"))
        self._world.work.spend(len(listed) // CHARACTERS)
        for name in dict.fromkeys(_PRELOADS.split(listed)):
            if name:
                self._load(objects, program, name, preload=True)
        complete = True
        for item in objects:
            for name in item.facts.needed:
                complete &= self._load(objects, item, name)
            if len(objects.items) > MOST_OBJECTS:
                self._record.unknown(
                    program.path, "it needs too many libraries", UnknownReason.LIMIT_EXCEEDED
                )
                return None
        if complete:
            return objects
        return None

    def _load(
        self, objects: Objects, needed_by: Object, name: str, *, preload: bool = False
    ) -> bool:
        """``load_library``. Tell whether the name is satisfied.

        A preload that is not is passed over.
        """
        self._world.work.spend(1 + len(name) // CHARACTERS)
        if self._is_itself(name) or ("/" not in name and objects.named(name) is not None):
            return True
        query = Query(needed_by.doubt or self._env_doubt)
        opened = self._search.find(name, () if preload else needed_by.chain(), query)
        if opened is None:
            if not preload:
                doubt = query.doubt or self._twins.get(name)
                detail, remedy = query.why
                report_missing(
                    self._world,
                    self._record,
                    needed_by,
                    name,
                    doubt,
                    detail=detail,
                    remedy=remedy,
                )
            self._env_doubt = self._env_doubt or (query.doubt if preload else None)
            return preload
        path, found = opened
        known = objects.at(found.path)
        if known is not None:
            if "/" not in name and not known.names:  # the first search that finds it names it
                objects.alias(known, {posixpath.basename(known.name)})
            return True
        facts = self._world.facts(found)
        wrong = refusal(found.entry, facts, self._loader.facts)
        foreign = (
            facts is not None
            and bool(wrong)
            and is_harmless(found.entry, facts, self._loader.facts)
        )
        if facts is None or (wrong and not foreign):
            taken = tolerance(found.entry, facts, self._loader.facts)
            passed_over = preload and not maps(facts, self._loader.facts) and taken is None
            if not passed_over:
                report_mismatch(self._record, needed_by, path, wrong, query.doubt or taken)
            return passed_over
        names = set() if "/" in name else {name}
        self._note_twins(objects, found.entry, name)
        item = Object(path, found.path, facts, None if preload else needed_by, names, query.doubt)
        self._digests[found.path] = found.entry.elf
        return self._map(objects, item, foreign=foreign)

    def _note_twins(self, objects: Objects, entry: Entry, name: str) -> None:
        """Note whose name a search would give, if two paths are hard links of one file.

        Copies are no such links.
        """
        for item in objects if "/" not in name else ():
            if not item.names and self._digests.get(item.path) == entry.elf:
                self._twins[posixpath.basename(item.name)] = _TWIN

    def _map(self, objects: Objects, item: Object, *, foreign: bool) -> bool:
        """Map a library, unless it is a second libc: musl takes itself instead."""
        if not item.facts.incomplete and all(map(item.facts.exports, _LIBC)):
            self._is_needed = True
            return True
        if collide(objects.items[0].facts, item.facts):
            message = "is a program for addresses that the program has taken (Resource busy)"
            parent = item.needed_by or objects.items[0]
            report_mismatch(self._record, parent, item.path, message, item.doubt)
            return False
        objects.add(item)
        self._record.take(Role.LIBRARY, item.path, posixpath.basename(item.name))
        if foreign:
            self._foreign.append(item)
        if not mappable(item.facts, SMALLEST):
            message = (
                f"{item.path} has segments off their pages, which musl maps by whole pages all "
                "the same"
            )
            self._record.unknown(item.path, message, UnknownReason.SHAPE_UNKNOWN)
            return False
        return mapped(self._world, self._record, item, taken_by_musl)

    def _is_itself(self, name: str) -> bool:
        """Tell whether a name stands for the C library whatever the files.

        Its symbols are in scope from then on.
        """
        itself = bool(_RESERVED.match(name)) or name == self._loader.name
        self._is_needed |= itself
        return itself

    def foreign_unused(self, objects: Objects) -> bool:
        """Judge libraries of another machine that were taken.

        Whoever calls into one of them dies of it.
        """
        for item in self._foreign:
            defines = item.facts.exports
            users = (
                user
                for user in objects
                if any(defines(symbol.name) for symbol in user.facts.undefined)
            )
            user = next(users, None)
            if user is not None:
                doubt = item.doubt or TAKEN
                report_mismatch(self._record, user, item.path, f"is {describe(item.facts)}", doubt)
                return False
        return True

    def relative_relocations(self, objects: Objects) -> bool:
        """DT_RELR is passed over before 1.2.4.

        The object's own pointers stay unrelocated, which kills it silently.
        """
        if not self._version or self._version >= _RELR_SINCE:
            return True
        return judge_relr(self._record, objects, f"musl {self._about.version}")

    def entered(self, objects: Objects) -> bool:
        """Judge the program's start code.

        On POWER, glibc's passes ``__libc_start_main`` other arguments than musl's.

        Source: glibc ``sysdeps/powerpc/powerpc64/start.S``. The process dies of it before ``main``,
        without a word.
        """
        facts, doubt = objects.items[0].facts, objects.items[0].doubt
        from_glibc = any(need.version.startswith("GLIBC_") for need in facts.version_needs)
        calls = any(symbol.name == "__libc_start_main" for symbol in facts.undefined)
        row = architecture_of(facts)
        own = any(item.facts.exports("__libc_start_main") for item in objects)
        if row is None or row.name != "ppc64le" or own or not (from_glibc and calls):
            return True
        message = (
            f"{objects.items[0].path} is linked for glibc, whose start code musl does not "
            "understand on ppc64le"
        )
        self._record.failed(
            Code.LOADER_MISMATCH, objects.items[0].path, message, messages.FIX_MUSL_SYMBOL, doubt
        )
        return False

    def bind(self, objects: Objects) -> bool:
        """Bind every symbol, or report "Error relocating X: Y: symbol not found"."""
        bound = True
        own = [item.facts for item in objects]
        scope = own + [self._itself.facts] * self._is_needed
        lacking = undefined(own, scope, BY_NAME, self._world.work)
        for item, missing in zip(objects, lacking, strict=True):
            names = missing.eager + missing.lazy
            if names:
                bound = False
                libc = f"musl {self._about.version}".rstrip()
                message = messages.symbols_missing(
                    item.path, names, f"neither {libc} nor a loaded library defines"
                )
                doubt = objects.doubt or self._env_doubt
                self._record.failed(
                    Code.SYMBOL_MISSING, item.path, message, messages.FIX_MUSL_SYMBOL, doubt
                )
            elif item.facts.indirect:
                bound = False
                message = (
                    f"{item.path} has indirect functions (R_*_IRELATIVE relocations), which musl "
                    "does not know"
                )
                self._record.failed(
                    Code.LIBRARY_MISMATCH, item.path, message, messages.FIX_MUSL_SYMBOL, item.doubt
                )
        return bound
