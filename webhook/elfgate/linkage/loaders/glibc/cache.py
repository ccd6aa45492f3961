"""Which entry of ``ld.so.cache`` glibc's loader takes for a name.

Source: glibc ``elf/dl-cache.c`` (``search_cache``): the entry's kind must be the loader's; up to
2.35 the kernel that it notes must not be newer than the running one; since 2.33 the best
``glibc-hwcaps`` level that the CPU has wins.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.loaders.cpu import reaches
from elfgate.platforms import Architecture
from elfgate.rootfs.ldconf import CacheEntry

HWCAPS_SINCE = (2, 33)
OLD_HWCAPS_UNTIL = (2, 37)
KERNEL_FLOOR_UNTIL = (2, 35)

# No kernel has this version, nor will for years: a file that demands it is skipped whatever the
# node's kernel is.
NO_SUCH_KERNEL = (9, 0, 0)

_ARM_HARD_FLOAT, _ARM_SOFT_FLOAT_KIND = 0x400, 0x0B03

# Kinds that a loader takes besides its own (``_dl_cache_check_flags``): those without a mark of an
# ABI.
_UNMARKED = {"386": (1,), "arm": (3,)}


_TLS = 1 << 63
_OLD_BITS = {"amd64": 1 << 1, "386": 1 << 0 | 1 << 49}  # x86_64; sse2 and i686


@dataclass(frozen=True, slots=True)
class Choice:
    """A loader's choice among a cache's entries for a name.

    Attributes:
        entry: The entry that it takes, if there is one for it.
        level: The CPU level that this rests on, if the node's is not known.
        doubtful: Some CPUs take another one (before 2.37).
    """

    entry: CacheEntry | None
    level: str = ""
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class CacheReader:
    """A loader's way to read a cache.

    Attributes:
        row: The loader's architecture.
        flags: Its ``e_flags``.
        version: Its release.
        node: What is known of the CPU and the kernel.
    """

    row: Architecture | None
    flags: int
    version: tuple[int, ...]
    node: NodeFacts

    def best(self, entries: Iterable[CacheEntry]) -> Choice:
        """Choose an entry.

        Args:
            entries: Those of the name, in the cache's order.
        """
        usable = list(filter(self._usable, entries))
        plain, doubtful = self._first(usable)
        named, level = self._named(usable)
        if level and plain is not None:  # any CPU would be served by the plain one
            named, level = None, ""
        entry = named if named is not None else plain
        return Choice(entry, level, doubtful=doubtful and named is None)

    def _first(self, entries: Iterable[CacheEntry]) -> tuple[CacheEntry | None, bool]:
        """Find the first entry without a name that any CPU takes.

        Tell, too, whether some take another.
        """
        doubtful = False
        for entry in entries:
            if entry.hwcap is None:
                return entry, doubtful
            if entry.hwcap.startswith("0x") and self.version < OLD_HWCAPS_UNTIL:
                if not int(entry.hwcap, 16) & ~self._old_bits():
                    return entry, doubtful
                doubtful = True
        return None, doubtful

    def _named(self, entries: Iterable[CacheEntry]) -> tuple[CacheEntry | None, str]:
        """Find the best entry of ``glibc-hwcaps``.

        Or the lowest, with its level, if the node's is not known.
        """
        ladder = self.row.hwcaps if self.row else ()
        named = [entry for entry in entries if entry.hwcap in ladder and entry.hwcap]
        if self.version < HWCAPS_SINCE or not named:
            return None, ""
        named.sort(key=lambda entry: ladder.index(entry.hwcap or ""))
        met = [entry for entry in named if reaches(self.node.cpu_level, entry.hwcap or "")]
        if met or reaches(self.node.cpu_level, ladder[-1]) is not None:
            return next(iter(met), None), ""
        return named[-1], named[-1].hwcap or ""

    def _old_bits(self) -> int:
        """Bits that every CPU of the architecture has, of those before 2.37 (``dl-procinfo.h``)."""
        return _TLS | _OLD_BITS.get(self.row.name if self.row else "", 0)

    def _usable(self, entry: CacheEntry) -> bool:
        if self.version <= KERNEL_FLOOR_UNTIL and entry.osversion > _version_code(self.node.kernel):
            return False
        return entry.flags in self._kinds()

    def _kinds(self) -> tuple[int, ...]:
        if self.row is None:
            return ()
        if self.row.name == "arm" and not self.flags & _ARM_HARD_FLOAT:
            return (_ARM_SOFT_FLOAT_KIND, *_UNMARKED["arm"])
        return (self.row.cache_flags, *_UNMARKED.get(self.row.name, ()))


def _version_code(kernel: tuple[int, int, int] | None) -> int:
    """Write a kernel's version as ``LINUX_VERSION_CODE`` does."""
    major, minor, patch = kernel or NO_SUCH_KERNEL
    return major << 16 | minor << 8 | min(patch, 255)
