"""The objects of a starting process: what both loaders keep, and what they share in judging it."""

import posixpath
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from elfgate.elf.facts import ElfFacts
from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.kernel.mapping import page_sizes
from elfgate.linkage.kernel.pages import cut_off
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code
from elfgate.linkage.values import Doubt
from elfgate.linkage.world import World

MOST_OBJECTS = 4096  # no program comes near; a hostile image may name more


@dataclass(slots=True, eq=False)
class Object:
    """An ELF file that the loader has mapped.

    Attributes:
        name: The path under which it was opened (``$ORIGIN`` is the directory of this one).
        path: Its real path.
        facts: What it says.
        needed_by: The object for which it was loaded; None for the program.
        names: Under which it is known already.
        doubt: Why another file may be loaded in its place.
        soname: Its DT_SONAME, where its loader goes by that too.
    """

    name: str
    path: str
    facts: ElfFacts
    needed_by: "Object | None" = None
    names: set[str] = field(default_factory=set)
    doubt: Doubt | None = None
    soname: str = ""

    @property
    def origin(self) -> str:
        """The directory that ``$ORIGIN`` stands for."""
        return posixpath.dirname(self.name)

    def chain(self) -> Iterator["Object"]:
        """Yield this object, the one that caused it to be loaded, and so on up to the program."""
        current: Object | None = self
        while current is not None:
            yield current
            current = current.needed_by


@dataclass(slots=True)
class Objects:
    """All mapped objects, in the order in which they were mapped (which is breadth first)."""

    items: list[Object] = field(default_factory=list)
    _by_name: dict[str, Object] = field(default_factory=dict)
    _by_soname: dict[str, Object] = field(default_factory=dict)
    _by_path: dict[str, Object] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Object]:
        return iter(self.items)

    def add(self, item: Object) -> None:
        """Append an object; the first to have a name keeps it."""
        self.items.append(item)
        self._by_path.setdefault(item.path, item)
        if item.soname:
            self._by_soname.setdefault(item.soname, item)
        self.know(item)

    def know(self, item: Object) -> None:
        """Let an object be found by its names.

        One of the order, or glibc's loader, of which it knows no more.
        """
        for name in item.names:
            self._by_name.setdefault(name, item)

    def named(self, name: str) -> Object | None:
        """Find an object by a name under which it is known."""
        return self._by_name.get(name)

    def called(self, name: str) -> Object | None:
        """Find an object by a name or its DT_SONAME, which is known as a name from then on.

        Source: glibc ``_dl_map_object``. Versions are looked up by names alone (``find_needed``).
        """
        item = self.named(name) or self._by_soname.get(name)
        if item is not None:
            self.alias(item, {name})
        return item

    def at(self, path: str) -> Object | None:
        """Find an object by its real path: the loaders compare device and inode."""
        return self._by_path.get(path)

    def alias(self, item: Object, names: Iterable[str]) -> None:
        """Let an object be known under more names."""
        item.names.update(names)
        self.know(item)

    @property
    def doubt(self) -> Doubt | None:
        """The first doubt about any of them: what all of them together decide is doubtful then."""
        return next((item.doubt for item in self.items if item.doubt is not None), None)


def report_missing(
    world: World,
    record: Record,
    needed_by: Object,
    name: str,
    doubt: Doubt | None,
    *,
    detail: str = "",
    remedy: str = messages.FIX_LIBRARY,
) -> None:
    """Record a library that no search found."""
    doubt = needed_by.doubt or doubt
    if doubt is None and any(
        fnmatchcase(posixpath.basename(name), pattern) for pattern in world.injected
    ):
        doubt = Doubt(
            UnknownReason.NODE_FACT_UNKNOWN, "nodes with that device add it to the container"
        )
    where = detail or f"{messages.image(world.distro)} does not contain where it is searched"
    message = f"{needed_by.path} needs {name}, which {where}"
    record.failed(Code.LIBRARY_MISSING, needed_by.path, message, remedy, doubt)


def report_mismatch(
    record: Record, needed_by: Object, path: str, wrong: str, doubt: Doubt | None
) -> None:
    """Record a library that the loader opens and then refuses."""
    message = f"{needed_by.path} needs {path}, which {wrong}"
    record.failed(
        Code.LIBRARY_MISMATCH, path, message, messages.FIX_MISMATCH, needed_by.doubt or doubt
    )


def mapped(
    world: World, record: Record, item: Object, fits: Callable[[ElfFacts, int], bool]
) -> bool:
    """Judge a library's segments: whether they fit the page size, and are all in the file.

    Args:
        world: The world.
        record: Takes what is found.
        item: The library.
        fits: Tells whether this loader takes them with a page size in bytes.

    Returns:
        Whether it can be mapped; what keeps it from that is reported.
    """
    sizes = page_sizes(world)
    if not fits(item.facts, sizes[0]):
        message = messages.page_size(item.path, sizes[0])
        record.failed(Code.PAGE_SIZE, item.path, message, messages.FIX_PAGES, item.doubt)
        return False
    larger = next((size for size in sizes[1:] if not fits(item.facts, size)), None)
    if larger is not None:
        record.note(
            Code.PAGE_SIZE,
            item.path,
            messages.page_size_note(item.path, larger),
            messages.FIX_PAGES,
        )
    cut = cut_off(item.facts, sizes[-1], is_entered=False)
    if cut is not False:
        doubt = item.doubt or (
            Doubt(UnknownReason.SHAPE_UNKNOWN, "what is missing may not be needed")
            if not cut
            else None
        )
        message = (
            f"{item.path} is truncated: its segments reach past the end of its "
            f"{item.facts.file_size} bytes"
        )
        record.failed(Code.LIBRARY_MISMATCH, item.path, message, messages.FIX_TRUNCATED, doubt)
    return cut is False


def _relr_user(objects: Objects) -> Object | None:
    """Find an object with packed relative relocations (DT_RELR).

    First one that cannot do without them.
    """
    users = [item for item in objects if item.facts.relr]
    return next((item for item in users if item.facts.relr_at_start), next(iter(users), None))


def judge_relr(record: Record, objects: Objects, libc: str) -> bool:
    """Judge DT_RELR in a process whose loader does not know it.

    Tell whether it gets to ``main``.
    """
    user = _relr_user(objects)
    if user is not None:
        _report_relr(record, user, libc)
    return user is None or not user.facts.relr_at_start


def _report_relr(record: Record, item: Object, libc: str) -> None:
    """Record an object whose packed relative relocations its loader passes over.

    Its own pointers lead nowhere.
    """
    message = f"{item.path} has DT_RELR relocations, which {libc} does not know"
    if item.facts.relr_at_start:
        message = f"{message}: it crashes"
        record.failed(Code.LIBRARY_MISMATCH, item.path, message, messages.FIX_RELR, item.doubt)
    else:
        message = f"{message}: it crashes when it uses what they relocate"
        record.note(Code.LIBRARY_MISMATCH, item.path, message, messages.FIX_RELR)


def report_incomplete(record: Record, objects: Objects) -> None:
    """Record an object of which not all was kept.

    With nothing found wrong, that is all that can be said.
    """
    item = next((item for item in objects if item.facts.incomplete), None)
    if item is not None:
        message = f"{item.path} is larger or stranger than what is looked at of a file"
        record.unknown(item.path, message, UnknownReason.LIMIT_EXCEEDED)
