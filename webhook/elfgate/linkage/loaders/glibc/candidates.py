"""The judgement of glibc's loader of each file that its search comes to.

Sources: glibc ``elf/dl-load.c`` (``open_path``, ``open_verify``).
"""

import posixpath
from collections.abc import Callable, Sequence

from elfgate.elf.facts import ElfFacts
from elfgate.errors import UnknownReason
from elfgate.linkage.credentials import READ
from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.kernel.program import Mapped
from elfgate.linkage.loaders.glibc.cache import KERNEL_FLOOR_UNTIL, NO_SUCH_KERNEL
from elfgate.linkage.loaders.glibc.found import Opened, Query, Refused
from elfgate.linkage.loaders.glibc.releases import release
from elfgate.linkage.loaders.glibc.verify import Skip, verify
from elfgate.linkage.loaders.passed import Passed, unopened
from elfgate.linkage.record import Record
from elfgate.linkage.values import Doubt
from elfgate.linkage.world import Hidden, Lookup, Process, World
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.tree import Found, Missing

_NO_FILE = "is a device, a pipe or a socket"
_BARRED = Doubt(UnknownReason.NODE_FACT_UNKNOWN, "runtimes without root leave it out")
_GOES_ON = (
    "ENOENT",
    "EACCES",
)  # open_path leaves its list of directories on any other error


class Candidates:
    """The files that one process's search comes to.

    Args:
        world: The world.
        record: Takes what is found.
        process: Whose working directory counts.
        loader: glibc's loader.
        node: What the loader takes its node for.
        is_directory: Tells whether a path is a directory.
    """

    def __init__(
        self,
        world: World,
        record: Record,
        process: Process,
        loader: Mapped,
        node: NodeFacts,
        *,
        is_directory: Callable[[str], bool],
    ) -> None:
        self._world = world
        self._record = record
        self._cwd = process.cwd
        self._is_directory = is_directory
        self._loader = loader
        self._node = node
        about = loader.facts.loader
        self._version = release(about.version if about else "")
        self._debian = _is_debians(about.default_directories if about else ())

    def open(
        self, path: str, text: str, query: Query, level: str = ""
    ) -> tuple[Opened | Refused | None, bool]:
        """The outcome if this file decides, and whether its list of directories is gone on with.

        Source: ``open_verify``.
        """
        found = self._world.lookup(path, self._cwd)
        if isinstance(found, Found) and found.entry.kind is Kind.OTHER:
            self._record.step("glibc", text, _NO_FILE)
            return Refused(found.path, _NO_FILE, query.doubt or _BARRED), True
        passed = self._passed_over(path, found, query)
        if passed or not isinstance(found, Found):
            self._record.step("glibc", text, passed)
            return None, not isinstance(found, Missing) or self._goes_on(path, found)
        facts = self._world.facts(found)
        verdict = verify(found.entry, facts, self._loader.facts, debian=self._debian)
        if isinstance(verdict, Skip):
            if query.passed is None or (verdict.other_class and not query.other_class):
                query.passed = Passed(f"{found.path} {verdict.why}")
            query.other_class |= verdict.other_class
            self._record.step("glibc", text, f"skipped: {verdict.why}")
            return None, True
        self._record.step("glibc", text, verdict or found.path)
        if verdict is not None or facts is None:
            return Refused(found.path, verdict or "", query.doubt), True
        if self._too_new(facts):
            query.too_new = query.too_new or found.path
            self._record.step("glibc", text, "skipped: wants a newer kernel")
            return None, True
        return Opened(
            posixpath.join(self._cwd, path),
            found.path,
            facts,
            query.doubt,
            level,
        ), True

    def _goes_on(self, path: str, missing: Missing) -> bool:
        """Tell whether ``open_path`` tries the next directory.

        Not if this one is there and refuses otherwise.
        """
        return missing.errno in _GOES_ON or not self._is_directory(posixpath.dirname(path) or ".")

    def _passed_over(self, path: str, found: Lookup, query: Query) -> str:
        """Say why a candidate does not open, or cannot be told of; empty if it opens."""
        if not isinstance(found, Hidden):
            query.passed = query.passed or unopened(path, found, self._world.who)
        if isinstance(found, Missing):
            return found.errno
        if isinstance(found, Hidden):
            query.doubt = query.doubt or found.doubt
            return found.doubt.because
        if found.entry.kind is Kind.UNREADABLE:
            query.doubt = query.doubt or Doubt(
                UnknownReason.LIMIT_EXCEEDED, f"{found.path} could not be read"
            )
            return "could not be read"
        readable = found.entry.kind is Kind.DIRECTORY or self._world.who.may(found.entry, READ)
        if readable:
            return ""
        return "EACCES"

    def _too_new(self, facts: ElfFacts) -> bool:
        """Whether a library's ABI tag names a newer kernel than the running one.

        Up to 2.35 it is skipped then.
        """
        if facts.kernel_floor is None or self._version > KERNEL_FLOOR_UNTIL:
            return False
        return facts.kernel_floor > (self._node.kernel or NO_SUCH_KERNEL)


def _is_debians(directories: Sequence[str]) -> bool:
    """Debian's and Ubuntu's glibc is told by its directories.

    It is the one with multiarch names.
    """
    return any(directory.count("/") > 1 and "-linux-gnu" in directory for directory in directories)
