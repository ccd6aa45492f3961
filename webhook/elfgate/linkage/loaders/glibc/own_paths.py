"""The search paths that objects bring along, and LD_LIBRARY_PATH.

Sources: glibc ``elf/dl-load.c`` (``_dl_map_object``, ``decompose_rpath``, ``_dl_dst_substitute``);
ld.so(8).
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from elfgate.linkage.environment import guess_of
from elfgate.linkage.loaders.objects import Object
from elfgate.linkage.loaders.paths import SearchPath, expand, split_glibc
from elfgate.linkage.work import CHARACTERS
from elfgate.linkage.world import Process, World

_ORIGIN = re.compile(r"\$(?:\{ORIGIN\}|ORIGIN)")


class OwnPaths:
    """The paths by which a process's objects are searched, besides the default directories.

    Args:
        world: Pays for splitting them.
        process: Whose environment counts.
        defaults: The default directories.
        program: The program, by which LD_LIBRARY_PATH is expanded.
    """

    def __init__(
        self, world: World, process: Process, defaults: Sequence[str], program: Object
    ) -> None:
        self._process = process
        self._defaults = defaults
        text = guess_of(process.env.get("LD_LIBRARY_PATH"))
        world.work.spend(len(text) // CHARACTERS)
        self._env_path = split_glibc(text, ":;", self.tokens(program))

    def of(self, needed_by: Object) -> Iterator[tuple[str, SearchPath]]:
        """DT_RPATH up the chain, LD_LIBRARY_PATH, the object's own DT_RUNPATH.

        DT_RPATH does not count if the object has a DT_RUNPATH.
        """
        if needed_by.facts.runpath is None:
            for item in needed_by.chain():
                if item.facts.rpath and item.facts.runpath is None and not self._is_inhibited(item):
                    yield (
                        f"RPATH of {item.path}",
                        self._own_path(item, item.facts.rpath),
                    )
        yield "LD_LIBRARY_PATH", self._env_path
        if needed_by.facts.runpath and not self._is_inhibited(needed_by):
            yield (
                f"RUNPATH of {needed_by.path}",
                self._own_path(needed_by, needed_by.facts.runpath),
            )

    def _is_inhibited(self, item: Object) -> bool:
        """``--inhibit-rpath`` (``decompose_rpath``).

        Libraries by the path that they were opened under.
        """
        return (
            bool(inhibited := self._process.inhibit_rpath)
            and (item.name if item.needed_by else "") in inhibited
        )

    def _own_path(self, item: Object, text: str) -> SearchPath:
        """An object's own path.

        In secure-execution mode the program's $ORIGIN only leads to default directories.

        Source: ``_dl_dst_substitute`` in glibc ``elf/dl-load.c`` (``check_for_trusted``).
        """
        if self._process.secure and item.needed_by is None:
            elements = [
                element
                for element in text.split(":")
                if not _ORIGIN.search(element) or self._trusted(item, element)
            ]
            text = ":".join(elements)
        return split_glibc(text, ":", self.tokens(item))

    def _trusted(self, item: Object, element: str) -> bool:
        path = posixpath.normpath(expand(element, self.tokens(item)) or "/")
        return f"{path}/".startswith(tuple(f"{directory}/" for directory in self._defaults))

    def tokens(self, item: Object) -> Mapping[str, str]:
        """Values of the tokens in an object's names and paths, as far as they are known."""
        tokens = {"ORIGIN": item.origin}
        if self._defaults:
            tokens["LIB"] = self._defaults[0].removeprefix("/usr").lstrip("/")
        return tokens
