"""The sub-directories of a directory that glibc's loader looks into for its CPU.

They come before the directory itself.

Sources: glibc ``elf/dl-hwcaps.c`` (``glibc-hwcaps``, since 2.33; ``_dl_important_hwcaps``, up to
2.36), ``elf/dl-load.c`` (``open_path``).
"""

import posixpath
from collections.abc import Sequence

from elfgate.linkage.loaders.cpu import OLD_SUBDIRECTORIES, reaches
from elfgate.linkage.loaders.glibc.cache import HWCAPS_SINCE, OLD_HWCAPS_UNTIL
from elfgate.linkage.work import LOOKUP
from elfgate.linkage.world import Hidden, World
from elfgate.platforms import Architecture
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.tree import Found, Missing

# Sub-directories that every CPU of an architecture looked into before 2.37, in the loader's order.
_OLD_CERTAIN = {
    "amd64": ("tls/x86_64", "tls", "x86_64"),
    "386": (
        "tls/i686/sse2",
        "tls/i686",
        "tls/sse2",
        "tls",
        "i686/sse2",
        "i686",
        "sse2",
    ),
    "arm64": ("tls/aarch64", "tls", "aarch64"),
}
_OLD_DEPTH = 3


class Subdirectories:
    """The sub-directories that one process's loader looks into.

    Args:
        world: The world.
        cwd: The working directory, from which relative directories are meant.
        row: The loader's architecture.
        version: Its release.

    Attributes:
        levels: Levels of the CPU, where the node's is not known, that lead to files of a name.
    """

    def __init__(
        self,
        world: World,
        cwd: str,
        row: Architecture | None,
        version: tuple[int, ...],
    ) -> None:
        self._world = world
        self._cwd = cwd
        self._row = row
        self._version = version
        self._directories: dict[str, bool] = {}
        self._old: dict[str, Sequence[str]] = {}
        self.levels: dict[str, None] = {}

    def depends_on_cpu(self, directory: str, name: str) -> bool:
        """Tell whether some CPU looked for a name elsewhere below a directory before 2.37."""
        return self._version < OLD_HWCAPS_UNTIL and self._has_old(directory, name)

    def of(self, directory: str, name: str) -> list[tuple[str, str]]:
        """glibc-hwcaps directories that the CPU has the level for, best first.

        The directory itself comes last.

        Where the level is not known, the plain directory comes first, as any CPU would be served
        from there; what only a level's directory has is taken with that level. Up to 2.36 there are
        others too, for any CPU.
        """
        plain = [
            *((path, "") for path in self._old_subdirectories(directory)),
            ("", ""),
        ]
        if self._row is None or not self._row.hwcaps or self._version < HWCAPS_SINCE:
            return plain
        if not self.is_directory(posixpath.join(directory, "glibc-hwcaps")):
            return plain
        levels = [(f"glibc-hwcaps/{level}", level) for level in self._row.hwcaps]
        known = [reaches(self._world.node.cpu_level, level) for _, level in levels]
        if None in known:
            there = (
                level
                for path, level in reversed(levels)
                if self._exists(posixpath.join(directory, path, name))
            )
            self.levels.update(dict.fromkeys(there))
            return [*plain, *reversed(levels)]
        return [(path, "") for (path, _), met in zip(levels, known, strict=True) if met] + plain

    def _old_subdirectories(self, directory: str) -> list[str]:
        """The sub-directories that every CPU looked into before 2.37, best first.

        Source: ``_dl_important_hwcaps``.
        """
        if self._version >= OLD_HWCAPS_UNTIL:
            return []
        certain = _OLD_CERTAIN.get(self._row.name if self._row else "", ("tls",))
        if not self._old_below(directory):
            return []
        return [path for path in certain if self.is_directory(posixpath.join(directory, path))]

    def _has_old(self, directory: str, name: str, below: str = "") -> bool:
        """Tell whether some CPU looked for a name elsewhere below a directory before 2.37."""
        where = posixpath.join(directory, below) if below else directory
        for old in self._old_below(where):
            path = posixpath.join(below, old)
            certain = _OLD_CERTAIN.get(self._row.name if self._row else "", ("tls",))
            if path not in certain and self._exists(posixpath.join(directory, path, name)):
                return True
            if path.count("/") < _OLD_DEPTH and self._has_old(directory, name, path):
                return True
        return False

    def _old_below(self, directory: str) -> Sequence[str]:
        """The sub-directories of old that a directory has."""
        if directory not in self._old:
            self._world.work.spend(LOOKUP)
            where = posixpath.join(self._cwd, directory)
            there = self._world.tree.among(where, OLD_SUBDIRECTORIES) | self._mounted(where)
            self._old[directory] = sorted(there)
        return self._old[directory]

    def _mounted(self, directory: str) -> frozenset[str]:
        """The sub-directories of old that volumes bring to a directory."""
        below = f"{directory.rstrip('/')}/"
        mounts = (mount for mount in self._world.mounts if mount.startswith(below))
        return OLD_SUBDIRECTORIES & {mount[len(below) :].partition("/")[0] for mount in mounts}

    def _exists(self, path: str) -> bool:
        return not isinstance(self._world.lookup(path, self._cwd), Missing)

    def is_directory(self, path: str) -> bool:
        """Tell whether a path is a directory, or may be one as a volume hides it.

        Looked up once.
        """
        self._world.work.spend(1)
        if path not in self._directories:
            found = self._world.lookup(path, self._cwd)
            is_directory = isinstance(found, Found) and found.entry.kind is Kind.DIRECTORY
            self._directories[path] = is_directory or isinstance(found, Hidden)
        return self._directories[path]
