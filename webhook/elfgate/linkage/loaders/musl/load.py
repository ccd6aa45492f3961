"""musl's dynamic loader.

Source: musl ``ldso/dynlink.c``: ``load_library`` (reserved names, search order), ``path_open``, ``fixup_rpath``,
``map_library``, ``load_deps``, ``do_relocs``. There is no cache, no version check and no lazy binding at start.
"""

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from elfgate.elf.facts import ElfFacts, LoaderFacts, Type
from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.credentials import READ
from elfgate.linkage.kernel.execve import Mapped, Program
from elfgate.linkage.kernel.machines import architecture_of, describe
from elfgate.linkage.kernel.pages import SMALLEST, collide, mappable, taken_by_musl
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
from elfgate.linkage.loaders.paths import expand_musl, split_musl
from elfgate.linkage.loaders.same_kind import is_of_same_kind
from elfgate.linkage.loaders.symbols import by_name, undefined
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code
from elfgate.linkage.work import CHARACTERS
from elfgate.linkage.world import Doubt, Hidden, Process, World
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.tree import Found, Missing

DEFAULT_PATH = "/lib:/usr/local/lib:/usr/lib"
_RESERVED = re.compile(r"lib(?:c|pthread|rt|m|dl|util|xnet)\.")
_PRELOADS = re.compile("[ \\t\\n\\v\\f\\r:]+")  # isspace(3) of the C locale
_RELR_SINCE = (1, 2, 4)
_DONATED_SINCE = (1, 2, 1)
_HEADER = {32: 52, 64: 64}  # bytes
_ROOM = 512  # bytes for a directory, a name and a NUL in path_open: what is longer is passed over
_TAKEN = Doubt(UnknownReason.SHAPE_UNKNOWN, "musl takes it, and it may not come to be used")
_TWIN = Doubt(UnknownReason.SHAPE_UNKNOWN, "two names may be links to one file, or to two copies")
# The types of relocations that musl knows (``arch/*/reloc.h``), by architecture; others end the start.
_RELOCATIONS = {
    "amd64": frozenset({0, 1, 2, 5, 6, 7, 8, 16, 17, 18, 36}),
    "386": frozenset({0, 1, 2, 5, 6, 7, 8, 14, 35, 36, 37, 41}),
    "arm64": frozenset({0, 257, *range(1024, 1032)}),
    "arm": frozenset({0, 2, 13, *range(17, 24)}),
    "ppc64le": frozenset({0, 19, 20, 21, 22, 38, 43, 68, 73, 78}),
    "s390x": frozenset({0, 9, 10, 11, 12, 22, 54, 55, 56}),
    "riscv64": frozenset({0, 2, 3, 4, 5, 7, 9, 11, 12}),
}
# What path_open goes on after; any other error (ELOOP) ends the whole search.
_GOES_ON = ("ENOENT", "ENOTDIR", "EACCES", "ENAMETOOLONG")


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


@dataclass(slots=True)
class _Query:
    """A search under way: what made it stop or doubtful."""

    doubt: Doubt | None = None
    stopped: bool = False


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
        world.work.spend(len(process.env.get("LD_LIBRARY_PATH", "")) // CHARACTERS)
        self._env_path = split_musl(process.env.get("LD_LIBRARY_PATH", ""))
        self._env_doubt = process.env_doubt("LD_LIBRARY_PATH", "LD_PRELOAD")
        self._foreign: list[Object] = []
        self._digests: dict[str, bytes] = {}
        self._twins: dict[str, Doubt] = {}

    def overwrites(self, image: Mapped) -> bool:
        """Judge a dynamic section behind its segment, as patchelf leaves it: the page's rest is given to ``malloc``.

        ``reclaim_gaps``, before anything is loaded; ``donate`` of mallocng, in musl since 1.2.1, fills it with zeros.
        So nothing is loaded or bound, and the first call of another object's function ends in nowhere.
        """
        takes = any(not symbol.weak for symbol in image.facts.undefined)
        if not (image.facts.dynamic_behind and takes) or self._version < _DONATED_SINCE:
            return False
        message = f"{image.path} has its dynamic section behind a segment, where musl puts its heap: it crashes"
        self._record.failed(
            Code.LOADER_MISMATCH, image.path, message, messages.FIX_BEHIND, self._process.doubt
        )
        return True

    def closure(self, program: Object) -> Objects | None:
        """Load what is needed, breadth first (``load_deps``); None if something is not there."""
        objects = Objects()
        objects.add(program)
        listed = self._process.env.get("LD_PRELOAD", "")
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
        return objects if complete else None

    def _load(
        self, objects: Objects, needed_by: Object, name: str, *, preload: bool = False
    ) -> bool:
        """``load_library``. Tell whether the name is satisfied; a preload that is not is passed over."""
        self._world.work.spend(1 + len(name) // CHARACTERS)
        if self._is_itself(name) or ("/" not in name and objects.named(name) is not None):
            return True
        query = _Query(needed_by.doubt or self._env_doubt)
        opened = self._open(name, () if preload else needed_by.chain(), query)
        if opened is None:
            if not preload:
                doubt = query.doubt or self._twins.get(name)
                report_missing(self._world, self._record, needed_by, name, doubt)
            self._env_doubt = self._env_doubt or (query.doubt if preload else None)
            return preload
        path, found = opened
        known = objects.at(found.path)
        if known is not None:
            if "/" not in name and not known.names:  # the first search that finds it names it
                objects.alias(known, {posixpath.basename(known.name)})
            return True
        facts = self._world.facts(found)
        wrong = self._refusal(found.entry, facts)
        foreign = facts is not None and bool(wrong) and self._is_harmless(found.entry, facts)
        if facts is None or (wrong and not foreign):
            tolerance = self._tolerance(found.entry, facts)
            passed_over = preload and not self._maps(facts) and tolerance is None
            if not passed_over:
                report_mismatch(self._record, needed_by, path, wrong, query.doubt or tolerance)
            return passed_over
        names = set() if "/" in name else {name}
        self._note_twins(objects, found.entry, name)
        item = Object(path, found.path, facts, None if preload else needed_by, names, query.doubt)
        self._digests[found.path] = found.entry.elf
        return self._map(objects, item, foreign=foreign)

    def _note_twins(self, objects: Objects, entry: Entry, name: str) -> None:
        """Note whose name a search would give, if two paths are hard links of one file, not copies."""
        for item in objects if "/" not in name else ():
            if not item.names and self._digests.get(item.path) == entry.elf:
                self._twins[posixpath.basename(item.name)] = _TWIN

    def _map(self, objects: Objects, item: Object, *, foreign: bool) -> bool:
        """Map a library, unless it is a second libc: musl takes itself instead."""
        if item.facts.exports("__libc_start_main") and item.facts.exports("stdin"):
            self._is_needed = True
            return True
        if collide(objects.items[0].facts, item.facts):
            message = "is a program for addresses that the program has taken (Resource busy)"
            parent = item.needed_by or objects.items[0]
            report_mismatch(self._record, parent, item.path, message, item.doubt)
            return False
        objects.add(item)
        if foreign:
            self._foreign.append(item)
        if not mappable(item.facts, SMALLEST):
            message = f"{item.path} has segments off their pages, which musl maps by whole pages all the same"
            self._record.unknown(item.path, message, UnknownReason.SHAPE_UNKNOWN)
            return False
        return mapped(self._world, self._record, item, taken_by_musl)

    def _is_itself(self, name: str) -> bool:
        """Tell whether a name stands for the C library whatever the files; its symbols are in scope from then on."""
        itself = bool(_RESERVED.match(name)) or name == self._loader.name
        self._is_needed |= itself
        return itself

    def _open(self, name: str, chain: Iterable[Object], query: _Query) -> tuple[str, Found] | None:
        """Take the first file that opens, whatever it is; ``chain`` are those by whose paths it is searched."""
        if "/" in name:
            return self._try(name, name, query)
        for label, directory in self._directories(chain, query):
            if len(os.fsencode(f"{directory}/{name}")) >= _ROOM:
                continue
            opened = self._try(
                posixpath.join(directory, name), f"{name} in {directory} ({label})", query
            )
            if opened is not None or query.stopped:
                return opened
        return None

    def _directories(self, chain: Iterable[Object], query: _Query) -> Iterator[tuple[str, str]]:
        for directory in self._env_path:
            yield "LD_LIBRARY_PATH", directory
        for item in chain:
            text = item.facts.runpath if item.facts.runpath is not None else item.facts.rpath
            if self._process.secure and item.needed_by is None and "$" in (text or ""):
                continue  # fixup_rpath: of what the kernel has mapped, as whoever starts it chooses its path
            self._world.work.spend(1 + len(text or "") // CHARACTERS)
            expanded = expand_musl(text or "", item.origin)
            for directory in split_musl(expanded or ""):
                yield f"RUNPATH of {item.path}", directory
        for directory in split_musl(self._system_path(query)):
            yield "system path", directory

    def _system_path(self, query: _Query) -> str:
        """``/etc/ld-musl-ARCH.path`` under the loader's prefix, which replaces the default even if it is empty."""
        row = architecture_of(self._loader.facts)
        prefix = (
            posixpath.dirname(posixpath.dirname(self._loader.name))
            if self._loader.name.startswith("/")
            else ""
        )
        path = posixpath.join(prefix or "/", f"etc/ld-musl-{row.musl_name if row else ''}.path")
        found = self._world.lookup(path, self._process.cwd)
        if isinstance(found, Hidden):
            query.doubt = query.doubt or found.doubt
            return DEFAULT_PATH
        if isinstance(found, Missing):
            return DEFAULT_PATH if found.errno == "ENOENT" else ""
        if not self._world.opens(found):
            return ""  # init: any error but ENOENT leaves it empty
        text = self._world.text(found.path)
        if text is None and (found.entry.size or found.entry.kind is Kind.UNREADABLE):
            query.doubt = query.doubt or Doubt(
                UnknownReason.LIMIT_EXCEEDED, f"{path} could not be read"
            )
        return (text or "").partition("\0")[0]  # getdelim reads up to it, and so does who splits it

    def _try(self, path: str, text: str, query: _Query) -> tuple[str, Found] | None:
        world, record = self._world, self._record
        found = world.lookup(path, self._process.cwd)
        if isinstance(found, Hidden):
            record.step("musl", text, found.doubt.because)
            query.doubt = query.doubt or found.doubt
        elif isinstance(found, Missing):
            record.step("musl", text, found.errno)
            query.stopped = found.errno not in _GOES_ON
        elif found.entry.kind is not Kind.DIRECTORY and not world.who.may(found.entry, READ):
            record.step("musl", text, "EACCES")
        elif found.entry.kind in (Kind.UNREADABLE, Kind.OTHER):
            query.doubt = query.doubt or Doubt(
                UnknownReason.LIMIT_EXCEEDED, f"{found.path} could not be read"
            )
        else:
            record.step("musl", text, found.path)
            return posixpath.join(self._process.cwd, path), found
        return None

    def _refusal(self, entry: Entry, facts: ElfFacts | None) -> str:
        """Say why ``map_library`` or the relocation of what it mapped fails; empty if neither does."""
        if facts is None or entry.size < _HEADER[self._loader.facts.elf_class]:
            return "is a directory" if entry.kind is Kind.DIRECTORY else messages.no_library(entry)
        if architecture_of(facts) is not architecture_of(self._loader.facts):
            return f"is {describe(facts)}"
        if facts.malformed:
            return f"is not a valid ELF file: {facts.malformed}"
        if facts.type not in (Type.DYN, Type.EXEC) or not facts.dynamic or not facts.loads:
            return "is not a shared library"
        return ""

    def _maps(self, facts: ElfFacts | None) -> bool:
        """Tell whether ``map_library`` takes a file: of a preload, nothing that it refuses is reported."""
        if (
            facts is None
            or facts.malformed
            or facts.type not in (Type.DYN, Type.EXEC)
            or not facts.dynamic
        ):
            return False
        return is_of_same_kind(facts, self._loader.facts, machine=False)

    def _is_harmless(self, entry: Entry, facts: ElfFacts) -> bool:
        """Tell whether a library of another machine has nothing to relocate: only its code is foreign then."""
        return self._tolerance(entry, facts) is not None and not facts.relocated

    def _tolerance(self, entry: Entry, facts: ElfFacts | None) -> Doubt | None:
        """Doubt that what is no library of this machine ends the start: musl looks at neither magic nor ``e_machine``.

        What does not fit are its relocations ("unsupported relocation type"), if there are any, and if their numbers
        mean nothing on this machine; and its code, if it comes to run.
        """
        if facts is None and not entry.head and entry.kind is Kind.FILE:
            return _TAKEN if entry.size else None  # its first bytes are not kept
        if facts is None:
            order: Literal["little", "big"] = (
                "big" if self._loader.facts.byte_order == "big" else "little"
            )
            return (
                _TAKEN
                if int.from_bytes(entry.head[16:18], order) in (Type.DYN, Type.EXEC)
                else None
            )
        if facts.malformed or not is_of_same_kind(facts, self._loader.facts, machine=False):
            return None
        ours, theirs = architecture_of(self._loader.facts), architecture_of(facts)
        if ours is theirs:
            return None
        types = facts.relocation_types | facts.slot_types
        return _TAKEN if ours is None or types <= _RELOCATIONS.get(ours.name, types) else None

    def foreign_unused(self, objects: Objects) -> bool:
        """Judge libraries of another machine that were taken: whoever calls into one of them dies of it."""
        for item in self._foreign:
            defines = item.facts.exports
            users = (
                user
                for user in objects
                if any(defines(symbol.name) for symbol in user.facts.undefined)
            )
            user = next(users, None)
            if user is not None:
                doubt = item.doubt or _TAKEN
                report_mismatch(self._record, user, item.path, f"is {describe(item.facts)}", doubt)
                return False
        return True

    def relative_relocations(self, objects: Objects) -> bool:
        """DT_RELR is passed over before 1.2.4: the object's own pointers stay unrelocated, which kills it silently."""
        if not self._version or self._version >= _RELR_SINCE:
            return True
        return judge_relr(self._record, objects, f"musl {self._about.version}")

    def entered(self, objects: Objects) -> bool:
        """Judge the program's start code: on POWER, glibc's passes ``__libc_start_main`` other arguments than musl's.

        Source: glibc ``sysdeps/powerpc/powerpc64/start.S``. The process dies of it before ``main``, without a word.
        """
        facts, doubt = objects.items[0].facts, objects.items[0].doubt
        from_glibc = any(need.version.startswith("GLIBC_") for need in facts.version_needs)
        calls = any(symbol.name == "__libc_start_main" for symbol in facts.undefined)
        row = architecture_of(facts)
        own = any(item.facts.exports("__libc_start_main") for item in objects)
        if row is None or row.name != "ppc64le" or own or not (from_glibc and calls):
            return True
        message = f"{objects.items[0].path} is linked for glibc, whose start code musl does not understand on ppc64le"
        self._record.failed(
            Code.LOADER_MISMATCH, objects.items[0].path, message, messages.FIX_MUSL_SYMBOL, doubt
        )
        return False

    def bind(self, objects: Objects) -> bool:
        """Bind every symbol, or report "Error relocating X: Y: symbol not found"."""
        bound = True
        scope = [item.facts for item in objects] + [self._itself.facts] * self._is_needed
        for item in objects:
            missing = undefined(item.facts, scope, by_name, self._world.work)
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
                message = f"{item.path} has indirect functions (R_*_IRELATIVE relocations), which musl does not know"
                self._record.failed(
                    Code.LIBRARY_MISMATCH, item.path, message, messages.FIX_MUSL_SYMBOL, item.doubt
                )
        return bound
