"""Which entry of ``ld.so.cache`` glibc's loader takes for a name.

Source: glibc ``elf/dl-cache.c`` (``search_cache``): the entry's kind must be the loader's; up to 2.35 the kernel that
it notes must not be newer than the running one; since 2.33 the best ``glibc-hwcaps`` level that the CPU has wins.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from elfgate.linkage.cpu import reaches
from elfgate.linkage.start import NodeFacts
from elfgate.platforms import Architecture
from elfgate.rootfs.ldconf import CacheEntry

HWCAPS_SINCE = (2, 33)
OLD_HWCAPS_UNTIL = (2, 37)
KERNEL_FLOOR_UNTIL = (2, 35)

# No kernel has this version, nor will for years: a file that demands it is skipped whatever the node's kernel is.
NO_SUCH_KERNEL = (9, 0, 0)

_ARM_HARD_FLOAT, _ARM_SOFT_FLOAT_KIND = 0x400, 0x0B03

# Kinds that a loader takes besides its own (``_dl_cache_check_flags``): those without a mark of an ABI.
_UNMARKED = {"386": (1,), "arm": (3,)}


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

    def best(self, entries: Iterable[CacheEntry]) -> tuple[CacheEntry | None, str]:
        """Choose an entry.

        Args:
            entries: Those of the name, in the cache's order.

        Returns:
            The entry, if there is one for this loader; and the CPU level that it rests on, if the node's is not known:
            the plain entry is then preferred, and of the others the lowest.
        """
        ladder = self.row.hwcaps if self.row else ()
        known = bool(ladder) and reaches(self.node.cpu_level, ladder[-1]) is not None
        ranked: list[tuple[int, str, CacheEntry]] = []
        for entry in filter(self._usable, entries):
            if entry.hwcap is None:
                ranked.append((len(ladder) if known else -1, "", entry))
            elif entry.hwcap not in ladder:
                # The bits of old: what they ask of a CPU is taken to be there, but only for want of a plain entry.
                if self.version < OLD_HWCAPS_UNTIL:
                    ranked.append((len(ladder) + 1, "", entry))
            elif self.version >= HWCAPS_SINCE:
                met, rank = reaches(self.node.cpu_level, entry.hwcap), ladder.index(entry.hwcap)
                if met:
                    ranked.append((rank, "", entry))
                elif met is None:
                    ranked.append((len(ladder) - rank, entry.hwcap, entry))
        _, level, best = min(ranked, key=lambda item: item[0], default=(0, "", None))
        return best, level

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
