"""The search for a library as musl does it.

Along every path of whoever needs it, for a file that opens.

Source: musl ``ldso/dynlink.c`` (``load_library``, ``path_open``, ``fixup_rpath``).
"""

import os
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.credentials import READ
from elfgate.linkage.environment import guess_of
from elfgate.linkage.kernel.machines import architecture_of
from elfgate.linkage.kernel.program import Mapped
from elfgate.linkage.loaders.objects import Object
from elfgate.linkage.loaders.passed import Passed, unopened
from elfgate.linkage.loaders.paths import expand_musl, split_musl
from elfgate.linkage.record import Record
from elfgate.linkage.values import Doubt
from elfgate.linkage.work import CHARACTERS
from elfgate.linkage.world import Hidden, Process, World
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.tree import Found, Missing

DEFAULT_PATH = "/lib:/usr/local/lib:/usr/lib"
_ROOM = 512  # bytes for a directory, a name and a NUL in path_open: what is longer is passed over
# What path_open goes on after; any other error (ELOOP) ends the whole search.
_GOES_ON = ("ENOENT", "ENOTDIR", "EACCES", "ENAMETOOLONG")


@dataclass(slots=True)
class Query:
    """A search, and what came of it.

    Attributes:
        doubt: Why it may end otherwise.
        ended: Why it ended early, in words; empty if it did not.
        remedy: What to change then.
        passed: The first file of that name that did not open.
    """

    doubt: Doubt | None = None
    ended: str = ""
    remedy: str = messages.FIX_LIBRARY
    passed: Passed | None = None

    @property
    def why(self) -> tuple[str, str]:
        """Why nothing was found, in words, and what to change; the former may be empty."""
        if self.passed is None or self.ended:
            return self.ended, self.remedy
        return f"is not there: {self.passed.what}", self.passed.remedy


class Search:
    """The searches of one process.

    Args:
        world: The world.
        record: Takes what is found.
        process: Whose environment and working directory count.
        loader: musl's loader.
    """

    def __init__(self, world: World, record: Record, process: Process, loader: Mapped) -> None:
        self._world = world
        self._record = record
        self._process = process
        self._loader = loader
        listed = guess_of(process.env.get("LD_LIBRARY_PATH"))
        world.work.spend(len(listed) // CHARACTERS)
        self._env_path = split_musl(listed)

    def find(self, name: str, chain: Iterable[Object], query: Query) -> tuple[str, Found] | None:
        """Take the first file that opens, whatever it is.

        Args:
            name: The name as it is needed.
            chain: Objects by whose paths it is searched.
            query: Takes what made the search doubtful, or ended it.

        Returns:
            The path that it was opened under, and the file; None if none opens.
        """
        if "/" in name:
            return self._try(name, name, query)
        for label, directory in self._directories(chain, query):
            if len(os.fsencode(f"{directory}/{name}")) >= _ROOM:
                continue
            path = posixpath.join(directory, name)
            opened = self._try(path, f"{name} in {directory} ({label})", query)
            if opened is not None:
                return opened
            if query.ended:
                break
        return None

    def _directories(self, chain: Iterable[Object], query: Query) -> Iterator[tuple[str, str]]:
        for directory in self._env_path:
            yield "LD_LIBRARY_PATH", directory
        for item in chain:
            text = item.facts.runpath if item.facts.runpath is not None else item.facts.rpath
            if self._process.secure and item.needed_by is None and "$" in (text or ""):
                # fixup_rpath: of what the kernel has mapped, as whoever starts it chooses its path.
                continue
            self._world.work.spend(1 + len(text or "") // CHARACTERS)
            expanded = expand_musl(text or "", item.origin)
            for directory in split_musl(expanded or ""):
                yield f"RUNPATH of {item.path}", directory
        for directory in split_musl(self._system_path(query)):
            yield "system path", directory

    def _system_path(self, query: Query) -> str:
        """``/etc/ld-musl-ARCH.path`` under the loader's prefix.

        It replaces the default even if it is empty.
        """
        path = self._path_file()
        found = self._world.lookup(path, self._process.cwd)
        if isinstance(found, Hidden):
            query.doubt = query.doubt or found.doubt
            return DEFAULT_PATH
        if isinstance(found, Missing) and found.errno == "ENOENT":
            return DEFAULT_PATH
        if isinstance(found, Missing) or not self._world.opens(found):
            return _nowhere(query, path, "cannot be opened")  # init: any error but ENOENT
        if found.entry.kind is Kind.DIRECTORY:
            return _nowhere(query, path, "is a directory")
        text = self._world.text(found.path)
        if text is None and (found.entry.size or found.entry.kind is Kind.UNREADABLE):
            query.doubt = query.doubt or _unread(path)
            return ""
        # getdelim reads up to a NUL, and so does whoever splits it.
        return (text or "").partition("\0")[0] or _nowhere(query, path, "is empty")

    def _path_file(self) -> str:
        row, name = architecture_of(self._loader.facts), self._loader.name
        prefix = posixpath.dirname(posixpath.dirname(name)) if name.startswith("/") else ""
        return posixpath.join(prefix or "/", f"etc/ld-musl-{row.musl_name if row else ''}.path")

    def _try(self, path: str, text: str, query: Query) -> tuple[str, Found] | None:
        found = self._world.lookup(path, self._process.cwd)
        if not isinstance(found, Hidden):
            query.passed = query.passed or unopened(path, found, self._world.who)
        if isinstance(found, Hidden):
            self._record.step("musl", text, found.doubt.because)
            query.doubt = query.doubt or found.doubt
        elif isinstance(found, Missing):
            self._record.step("musl", text, found.errno)
            if found.errno not in _GOES_ON:
                query.ended = f"is not searched further than {path} ({found.errno})"
                query.remedy = messages.FIX_SEARCH
        elif found.entry.kind is not Kind.DIRECTORY and not self._world.who.may(found.entry, READ):
            self._record.step("musl", text, "EACCES")
        elif found.entry.kind in (Kind.UNREADABLE, Kind.OTHER):
            query.doubt = query.doubt or _unread(found.path)
        else:
            self._record.step("musl", text, found.path)
            return posixpath.join(self._process.cwd, path), found
        return None


def _nowhere(query: Query, path: str, why: str) -> str:
    """Note why no directory of the system's is searched."""
    query.ended = f"is searched in no directory of the system: {path} {why}"
    query.remedy = messages.FIX_PATH_FILE
    return ""


def _unread(path: str) -> Doubt:
    return Doubt(UnknownReason.LIMIT_EXCEEDED, f"{path} could not be read")
