"""One attempt to start a program: the world it happens in, and what has been found on the way."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from elfgate.elf.facts import ElfFacts
from elfgate.errors import UnknownReason
from elfgate.linkage.capabilities import Bounding
from elfgate.linkage.credentials import EXECUTE, READ, Credentials
from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.report import Code, Distro, Effect, Finding, Step
from elfgate.linkage.work import CHARACTERS, EXCERPT_BYTES, LOOKUP, NAMES, Work
from elfgate.platforms import Architecture
from elfgate.printable import printable as escaped
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.tree import Found, Missing, Tree

_LONGEST = 1000  # characters of a message
NULL = "/dev/null"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why something that was found out may be otherwise: what rests on it cannot be asserted.

    Attributes:
        reason: For policy.
        because: One clause, for people.
    """

    reason: UnknownReason
    because: str


@dataclass(frozen=True, slots=True)
class Hidden:
    """A look-up whose answer lies outside the image: under a volume, or in a part of it that could not be read.

    Attributes:
        path: What was looked up, absolute.
        doubt: What hides it.
    """

    path: str
    doubt: Doubt


_TRIALS, _STEPS = 100, 3_000

Lookup = Found | Missing | Hidden


@dataclass(frozen=True, slots=True)
class Process:
    """The start of a program: its command line, environment and directory.

    Attributes:
        argv: Its command line.
        env: Its environment, as far as it is known.
        unknown_env: Names whose values are not known; ``*`` for any name but the settled ones.
        settled_env: Names whose values nothing else replaces.
        cwd: Its working directory, absolute.
        doubt: Why this may not be how it is started, if so.
        more: Why further arguments may follow; empty if none does.
        secure: Its loader is in secure-execution mode.
        file: The file that is executed, where ``argv[0]`` is another name; else empty.
        inhibit_cache: Its loader (glibc's) is told not to look into its cache.
        inhibit_rpath: Names of objects whose DT_RPATH and DT_RUNPATH it passes over; empty for the program's.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    unknown_env: frozenset[str] = frozenset()
    settled_env: frozenset[str] = frozenset()
    cwd: str = "/"
    doubt: Doubt | None = None
    more: str = ""
    secure: bool = False
    file: str = ""
    inhibit_cache: bool = False
    inhibit_rpath: frozenset[str] = frozenset()

    def env_doubt(self, *names: str) -> Doubt | None:
        """Return a doubt if one of these variables may have a value that is not known."""
        for name in names:
            if name in self.unknown_env:
                return Doubt(
                    UnknownReason.VALUE_UNKNOWN, f"the value of {name} comes from elsewhere"
                )
            if "*" in self.unknown_env and name not in self.settled_env:
                return Doubt(
                    UnknownReason.VALUE_UNKNOWN, f"{name} may be set by a ConfigMap or Secret"
                )
        return None

    def doubted(self, doubt: Doubt | None) -> "Process":
        """Return this process with a doubt, unless there is one already."""
        return self if doubt is None or self.doubt is not None else replace(self, doubt=doubt)


@dataclass(slots=True)
class Budget:
    """A count of what scripts may yet cost, so that an answer does not depend on the machine's speed.

    Attributes:
        trials: Programs that may be tried to see what a script makes of them.
        steps: Commands of scripts that may be looked at; half of the real entrypoints take less
            than 20, MariaDB's 2,800 (it runs itself again as another user).
    """

    trials: int = _TRIALS
    steps: int = _STEPS


@dataclass(slots=True)
class Attempt:
    """The tree, the node and the process's rights; and, growing, the findings and the walk.

    Attributes:
        tree: The image's root file system.
        architecture: The node's.
        node: What else is known of the node.
        who: The process's user and groups.
        mounts: Real paths at which something else hides the image's files, each with a slash behind.
        read_only_root: Files can be written in volumes only.
        distro: The image's nature, for messages.
        injected: Names of libraries that a node may add (``fnmatch`` patterns).
        bounding: The capabilities that its processes may have.
        no_new_privileges: The process may not gain privileges by what it executes; None if that is not known.
        explain: Record the walk.
        findings: In the order found.
        walk: In order, if ``explain``.
        needs_glibc: The newest release of glibc that anything loaded needs.
        budget: What scripts may yet cost; shared by all trials.
        work: The work that the prediction may yet cost; shared by all trials.
    """

    tree: Tree
    architecture: Architecture
    node: NodeFacts
    who: Credentials
    mounts: tuple[str, ...]
    distro: Distro
    injected: tuple[str, ...]
    bounding: Bounding = field(default_factory=Bounding)
    no_new_privileges: bool | None = None
    read_only_root: bool = False
    explain: bool = False
    findings: list[Finding] = field(default_factory=list)
    walk: list[Step] = field(default_factory=list)
    needs_glibc: tuple[int, ...] = ()
    budget: Budget = field(default_factory=Budget)
    work: Work = field(default_factory=Work)

    def trial(
        self,
        *,
        node: NodeFacts | None = None,
        who: Credentials | None = None,
        aloud: bool = True,
    ) -> "Attempt":
        """Begin a trial: the only way to try something. Its findings, walk and needs are its own.

        Args:
            node: Another node to try it on.
            who: Another user to try it as.
            aloud: Record the walk, if this attempt does.
        """
        return replace(
            self,
            node=node or self.node,
            who=who or self.who,
            findings=[],
            walk=[],
            explain=self.explain and aloud,
        )

    def absorb(self, trial: "Attempt", *, findings: bool = True) -> None:
        """Take over what a trial came to: its walk and its needs, and its findings if they stand."""
        self.walk += trial.walk
        self.needs_glibc = max(self.needs_glibc, trial.needs_glibc)
        if findings:
            self.findings += [finding for finding in trial.findings if not self._is_noted(finding)]

    def lookup(self, path: str, cwd: str = "/") -> Lookup:
        """Walk a path as the kernel would for this process, with volumes and unreadable files told apart."""
        found = self._walk(path, cwd)
        self.work.spend(LOOKUP * (1 + len(found.symlinks)) + found.steps)
        crossed = (_plain(cwd, path), found.path, *found.symlinks)
        if isinstance(found, Missing) and found.beyond:
            crossed = (*crossed, _plain(found.path, found.beyond))
        hidden = next((name for name in crossed if f"{name}/".startswith(self.mounts)), None)
        if hidden is None:
            return found
        mount = next(mount for mount in self.mounts if f"{hidden}/".startswith(mount))
        if self._is_null(found, crossed[0]):
            return Found(NULL, Entry(Kind.FILE, mode=0o666), found.symlinks)
        because = f"{crossed[0]} lies under the volume at {mount.rstrip('/') or '/'}"
        return Hidden(crossed[0], Doubt(UnknownReason.UNDER_MOUNT, because))

    def facts(self, found: Found) -> ElfFacts | None:
        """Decode an ELF file that was found; None if it is none, or was not kept."""
        facts = self.tree.facts(found)
        if facts is not None:
            self.work.spend_once(found.entry.elf, facts.excerpt_size // EXCERPT_BYTES)
        return facts

    def text(self, path: str) -> str | None:
        """Read a file whose text is kept; None if it is not there, or was not kept."""
        text = self.tree.text(path)
        self.work.spend(LOOKUP + len(text or "") // CHARACTERS)
        return text

    def listdir(self, path: str) -> Mapping[str, Entry]:
        """List a directory by name; empty if there is none."""
        names = self.tree.listdir(path)
        self.work.spend(LOOKUP + len(names) // NAMES)
        return names

    def _is_null(self, found: Found | Missing, asked: str) -> bool:
        """Tell whether a walk ends at /dev/null, which every runtime makes: it reads as an empty file.

        Source: OCI runtime spec, "Default Devices".
        """
        if sum(NULL.startswith(mount) for mount in self.mounts) != 1:
            return False  # another volume may hide it, or /dev itself
        last = next(reversed(found.symlinks), "")
        link = self.tree.lookup(last, follow_last=False) if last else None
        target = link.entry.link if isinstance(link, Found) else asked
        return posixpath.normpath(posixpath.join(posixpath.dirname(last), target)) == NULL

    def _walk(self, path: str, cwd: str) -> Found | Missing:
        """Walk with the process's search permission, unless a group that is not known might have it."""
        if not path.startswith("/"):
            path, cwd = self._from(cwd, path)
        found = self.tree.lookup(path, cwd=cwd, uid=self.who.searches_as, gids=tuple(self.who.gids))
        if isinstance(found, Missing) and found.errno == "EACCES":
            directory = self.tree.lookup(found.path)
            if isinstance(directory, Found) and self.who.may(directory.entry, EXECUTE):
                return self.tree.lookup(path, cwd=cwd)
        return found

    def _from(self, cwd: str, path: str) -> tuple[str, str]:
        """Put what is missing of a working directory before the path: the runtime makes it (runc, ``MkdirAll``)."""
        made: list[str] = []
        while cwd and isinstance(self.tree.lookup(cwd), Missing):
            cwd, _, last = cwd.rpartition("/")
            made.insert(0, last)
        return (
            posixpath.normpath(posixpath.join(*made, path)) if made and path else path
        ), cwd or "/"

    def opens(self, found: Found) -> bool:
        """Tell whether the process may read what was found."""
        return self.who.may(found.entry, READ)

    def failed(
        self, code: Code, path: str, message: str, remedy: str, doubt: Doubt | None = None
    ) -> None:
        """Record what keeps the program from starting; with a doubt, what would."""
        if doubt is None:
            self.findings.append(Finding(code, printable(path), printable(message), remedy))
        else:
            self.unknown(path, f"{message}; but {doubt.because}", doubt.reason)

    def unknown(self, path: str, message: str, reason: UnknownReason) -> None:
        """Record what cannot be told."""
        finding = Finding(
            Code.LINKAGE_UNKNOWN, printable(path), printable(message), "", Effect.UNKNOWN, reason
        )
        self.findings.append(finding)

    def note(self, code: Code, path: str, message: str, remedy: str = "") -> None:
        """Record what is worth saying of a program that starts; once for each code."""
        finding = Finding(code, printable(path), printable(message), remedy, Effect.NOTE)
        if not self._is_noted(finding):
            self.findings.append(finding)

    def _is_noted(self, finding: Finding) -> bool:
        """Tell whether a finding is a note of a code that has one."""
        return finding.effect is Effect.NOTE and any(
            other.effect is Effect.NOTE and other.code is finding.code for other in self.findings
        )

    def step(self, actor: str, text: str, result: str) -> None:
        """Record a look-up."""
        if self.explain:
            self.walk.append(Step(printable(actor), printable(text), printable(result)))


def _plain(cwd: str, path: str) -> str:
    """Make a path absolute, without empty components and dots."""
    whole = path if path.startswith("/") else posixpath.join(cwd, path)
    return posixpath.normpath(whole) if "/." in whole or "//" in whole else whole.rstrip("/") or "/"


def printable(text: str) -> str:
    """Escape what is not printable in names that images bring, and shorten what no reader would follow."""
    return escaped(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
