"""What a script finds around it: its environment, the image's files and its user, as far as they are known.

Sources: test(1); the Kubernetes and runtime documentation of what a container gets beside its image (service links,
mounted files); runc, which sets HOME.
"""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from fnmatch import fnmatchcase
from typing import Literal

from elfgate.errors import UnknownReason
from elfgate.linkage.attempt import NULL, Attempt, Doubt, Hidden, Process
from elfgate.linkage.credentials import EXECUTE, READ, WRITE, Credentials
from elfgate.linkage.path_search import NO_PATH, find_command
from elfgate.linkage.report import Outcome
from elfgate.linkage.shell.expand import OTHERWISE
from elfgate.linkage.shell.state import SEARCHED, Fields, Mark, State, Value
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.tree import Found, Missing

# Set by the kubelet (service links), runtimes, device plug-ins or shells, whatever image and pod say.
_SET_BY_OTHERS = re.compile(
    r"KUBERNETES_\w*|\w+_SERVICE_(?:HOST|PORT\w*)|\w+_PORT(?:_\d+_\w+)?|NVIDIA_\w*|CUDA_\w*|(?i:https?_proxy|no_proxy)"
    r"|BASH\w*|HOME|HOSTNAME|HOSTTYPE|MACHTYPE|OSTYPE|IFS|PWD|OLDPWD|PPID|RANDOM|SECONDS|SHLVL|SHELL|SHELLOPTS|LINENO"
    r"|OPT(?:IND|ARG|ERR)|PS\d|TERM|UID|EUID|GROUPS|USER|LOGNAME|_|FUNCNAME|EPOCH\w+|PIPESTATUS|DIRSTACK|REPLY|container"
)
# HOME is set by runtimes.
_SET_BY_SHELLS = re.compile(r"HOME|PWD|IFS|PPID|OPTIND|PS[124]|PATH|LINENO")
_SET_BY_BASH = re.compile(
    r"BASH\w*|HOSTNAME|HOSTTYPE|MACHTYPE|OSTYPE|RANDOM|SECONDS|SHLVL|SHELL|SHELLOPTS|E?UID|GROUPS|TERM|EPOCH\w+|DIRSTACK|_"
)
# Mounted or made by the kubelet and the runtime.
_MADE_BY_OTHERS = (
    "/.dockerenv",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/mtab",
    "/etc/resolv.conf",
    "/run",
    "/tmp",  # noqa: S108 - named, not used
    "/var/run",
)
_WIDE = frozenset({"amd64", "arm64", "ppc64le", "s390x", "riscv64"})
_WORDS = 12  # of a command line that may name a program
_PATTERN = 500  # characters of a pattern: longer ones take long to match
_MOST_FILES = 64  # that a pattern may match


class Shell(Enum):
    """Kinds of shells that differ in what they take."""

    DASH = "dash"
    BUSYBOX = "busybox"
    BASH = "bash"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ScriptWorld:
    """The surroundings of one script.

    Attributes:
        attempt: The image and the user.
        process: The shell that runs it.
        shell: Its kind.
        outcome: Tells what would come of starting a process.
    """

    attempt: Attempt
    process: Process
    shell: Shell
    outcome: Callable[[Process], Outcome]

    def variable(self, name: str) -> Value:
        """A variable of the environment; those of searches with the value that is seen: doubts are told elsewhere."""
        env, unknown = self.process.env, self.process.unknown_env
        if name in {"UID", "EUID"} and self.shell is Shell.BASH and self.uid is not None:
            return str(self.uid)
        if SEARCHED.fullmatch(name) and name in env:
            return env[name]
        if (
            name.startswith("BASH")
            and self.shell in {Shell.DASH, Shell.BUSYBOX}
            and name not in env
        ):
            return Mark.UNSET
        if "*" in unknown or name in unknown:
            return Mark.UNKNOWN
        if name in env:
            return env[name]
        return Mark.UNKNOWN if _SET_BY_OTHERS.fullmatch(name) else Mark.UNSET

    def files(self, pattern: str, state: State) -> Fields:
        """The files that match ``DIRECTORY/PATTERN``; only the last component may be one."""
        directory, _, last = pattern.rpartition("/")
        if (
            "\\" in pattern
            or any(mark in directory for mark in "*?[~")
            or last.startswith("~")
            or OTHERWISE.search(last)
            or len(last) > _PATTERN
        ):
            return Fields(more=True)
        where = f"{directory}/" if directory else "/" if pattern.startswith("/") else "."
        there = self.test("d", where, state)
        if there is None or self._changed(where, state):
            return Fields(more=True)
        path = posixpath.normpath(posixpath.join(state.cwd, where))
        names = self.attempt.tree.listdir(path) if there else {}
        hidden = last.startswith(".")
        matching = [
            name
            for name in names
            if fnmatchcase(name, last) and (hidden or not name.startswith("."))
        ]
        if len(matching) > _MOST_FILES:
            return Fields(more=True)
        prefix = pattern[: len(pattern) - len(last)]
        none = () if "nullglob" in state.options else (pattern,)
        return Fields(tuple(sorted(prefix + name for name in matching)) or none)

    def test(self, letter: str, path: str, state: State) -> bool | None:
        """Whether ``test -LETTER PATH`` holds; None where the image alone does not decide."""
        if not path:
            return False
        if self._changed(path, state):
            return None
        if letter in "hL":
            return self._is_link(path, state)
        found = self.attempt.lookup(path, state.cwd)
        if isinstance(found, Hidden):
            return None
        if isinstance(found, Missing):
            return None if self._made_by_others(path, state) else False
        return self._holds(letter, found)

    def opens(self, path: str, operator: str, state: State) -> bool:
        """Tell whether a redirection certainly can open a path."""
        if operator == "<":
            return path in state.touched or bool(
                self.test("f", path, state) and self.test("r", path, state)
            )
        parent = posixpath.dirname(path) or "."
        found = self.attempt.lookup(parent, state.cwd)
        made = any(f"{parent}/".startswith(touched.rstrip("/") + "/") for touched in state.touched)
        if not isinstance(found, Found):
            return made and self.uid == 0
        return self.test("d", path, state) is not True and (
            self.uid == 0 or self.attempt.who.certainly_may(found.entry, WRITE)
        )

    def is_surely_set(self, name: str) -> bool:
        """Tell whether a variable that has a value which is not known has one for sure."""
        unknown = self.process.unknown_env
        named = name in self.process.env or name in unknown
        return named or bool(
            _SET_BY_SHELLS.fullmatch(name)
            or (self.shell is Shell.BASH and _SET_BY_BASH.fullmatch(name))
        )

    def find(self, name: str, state: State) -> str | Literal[False] | None:
        """Search a command along PATH: where it is, False if it is nowhere, None if that is not known."""
        command = find_command(self.attempt, self.started((name,), state), name, actor="shell")
        if (
            command.doubt is not None
            or state.doubt
            or any(self._changed(path, state) for path in (command.path,) if path)
        ):
            return None
        return command.path or False

    def started(self, argv: tuple[str, ...], state: State) -> Process:
        """The process that a command becomes."""
        values = {
            name: value for name, value in state.variables.items() if self._exported(name, state)
        }
        known = {name: value for name, value in values.items() if isinstance(value, str)}
        gone = {name for name, value in values.items() if not isinstance(value, str)}
        unknown = {name for name in gone if values[name] is Mark.UNKNOWN}
        process = replace(
            self.process,
            argv=argv,
            env={name: value for name, value in self.process.env.items() if name not in gone}
            | known,
            unknown_env=(self.process.unknown_env - known.keys() - gone) | unknown,
            cwd=state.cwd,
        )
        if state.doubt:
            return process.doubted(Doubt(UnknownReason.SHAPE_UNKNOWN, state.doubt))
        if changed := next(
            (word for word in argv[:_WORDS] if self._may_be_another(word, process, state)), None
        ):
            return process.doubted(
                Doubt(UnknownReason.SHAPE_UNKNOWN, f"the script may change {changed} before")
            )
        return process

    def _may_be_another(self, name: str, process: Process, state: State) -> bool:
        """Tell whether the script may have changed the file that a word leads to, or one that it would lead to."""
        if not state.touched or not name:
            return False
        if "/" in name:
            return self._changed(name, state)
        directories = process.env.get("PATH", NO_PATH).split(":")
        return any(
            self._changed(posixpath.join(directory or ".", name), state)
            for directory in directories
        )

    def probe(self, process: Process) -> Outcome:
        """Tell what would come of a command."""
        return self.outcome(process)

    def real(self, path: str, state: State) -> str | None:
        """Where a path leads, its symlinks resolved; None if that is not known, or to nothing."""
        found = self.attempt.lookup(path, state.cwd)
        return found.path if isinstance(found, Found) and not self._changed(path, state) else None

    def text(self, path: str, state: State) -> str | None:
        """A script's text, if it is a file whose text is known."""
        found = self.attempt.lookup(path, state.cwd)
        if (
            self._changed(path, state)
            or not isinstance(found, Found)
            or found.entry.kind is not Kind.FILE
        ):
            return None
        whole = found.entry.head + found.entry.tail
        whole_text = (
            len(whole) == found.entry.size and b"\0" not in whole
        )  # what shells make of a NUL differs
        return whole.decode("utf-8", "surrogateescape") if whole_text else None

    @property
    def uid(self) -> int | None:
        """Its user; None if that is not known."""
        return self.attempt.who.uid

    @property
    def machine(self) -> str | None:
        """What ``uname -m`` says; None where it is a matter of the node (32 bits on 64)."""
        architecture = self.attempt.architecture
        return architecture.uname if architecture.name in _WIDE else None

    def has_user(self, name: str) -> bool:
        """Tell whether /etc/passwd has a user of that name or number."""
        text = self.attempt.tree.text("/etc/passwd") or ""
        return name.isdecimal() or any(line.startswith(f"{name}:") for line in text.splitlines())

    def _exported(self, name: str, state: State) -> bool:
        return name in state.exported or name in self.process.env

    def _changed(self, path: str, state: State) -> bool:
        """Tell whether the script may have changed what is at a path, above or below it."""
        whole = posixpath.normpath(posixpath.join(state.cwd, path)).rstrip("/") + "/"
        return any(
            f"{touched.rstrip('/')}/".startswith(whole)
            or (touched.endswith("/") and whole.startswith(touched))
            for touched in state.touched
        )

    def _made_by_others(self, path: str, state: State) -> bool:
        whole = posixpath.normpath(posixpath.join(state.cwd, path))
        return any(whole == made or whole.startswith(f"{made}/") for made in _MADE_BY_OTHERS)

    def _is_link(self, path: str, state: State) -> bool | None:
        found = self.attempt.tree.lookup(path, cwd=state.cwd, follow_last=False)
        if isinstance(self.attempt.lookup(path, state.cwd), Hidden):
            return None
        if isinstance(found, Missing):
            return None if self._made_by_others(path, state) else False
        return found.entry.kind is Kind.SYMLINK

    def _holds(self, letter: str, found: Found) -> bool | None:
        entry, who = found.entry, self.attempt.who
        if letter in "ea":
            return True
        if found.path == NULL:  # an empty file to who reads it, but a device
            return letter in "cr" if letter in "bcdfprsxS" else None
        if entry.kind in (Kind.UNREADABLE, Kind.OTHER):
            return None
        if letter in "rx":
            all_may = who.uid == 0 and (letter == "r" or entry.kind is Kind.DIRECTORY)
            return True if all_may else _permitted(who, entry, READ if letter == "r" else EXECUTE)
        answers = {
            "f": entry.kind is Kind.FILE,
            "d": entry.kind is Kind.DIRECTORY,
            "s": entry.kind is Kind.DIRECTORY or entry.size > 0,
        }
        return answers.get(letter, False if letter in "bcpS" else None)


def _permitted(who: Credentials, entry: Entry, want: int) -> bool | None:
    if who.certainly_may(entry, want):
        return True
    return None if who.may(entry, want) else False
