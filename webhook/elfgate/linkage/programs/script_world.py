"""The world of a script, made of the world that a start happens in.

Sources: the Kubernetes and runtime documentation of what a container gets beside its image (service
links, mounted files); runc, which sets HOME; bash(1), "Shell Variables".
"""

import posixpath
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from itertools import takewhile

from elfgate.errors import UnknownReason
from elfgate.linkage.credentials import EXECUTE, READ, WRITE
from elfgate.linkage.environment import guess_of
from elfgate.linkage.path_search import find_command
from elfgate.linkage.record import Record
from elfgate.linkage.report import Outcome
from elfgate.linkage.shell.state import SEARCH_CHANGED, SEARCHED
from elfgate.linkage.shell.syntax.dialect import Dialect
from elfgate.linkage.shell.values import Launch, Truth, Value
from elfgate.linkage.shell.world import Absent, Kind, Thing
from elfgate.linkage.values import UNSET, Doubt, Fields, Scalar, Unknown, Unset
from elfgate.linkage.world import NULL, Changed, Hidden, Process, World
from elfgate.rootfs.entry import Entry
from elfgate.rootfs.entry import Kind as EntryKind
from elfgate.rootfs.tree import Found, Missing

# Set by the kubelet (service links), runtimes, device plug-ins or shells, whatever else is said.
_SET_BY_OTHERS = re.compile(
    r"KUBERNETES_\w*|\w+_SERVICE_(?:HOST|PORT\w*)|\w+_PORT(?:_\d+_\w+)?|NVIDIA_\w*|CUDA_\w*"
    r"|(?i:https?_proxy|no_proxy)|BASH\w*|HOME|HOSTNAME|HOSTTYPE|MACHTYPE|OSTYPE|OLDPWD"
    r"|PPID|RANDOM|SECONDS|SHLVL|SHELL|SHELLOPTS|LINENO|OPT(?:ARG|ERR)|PS\d|TERM|UID|EUID"
    r"|GROUPS|USER|LOGNAME|_|EPOCH\w+|PIPESTATUS|DIRSTACK|REPLY|container"
)
_SET_BY_SHELLS = re.compile(r"HOME|PWD|IFS|PPID|OPTIND|PS[124]|PATH|LINENO")
_SET_BY_BASH = re.compile(
    r"BASH\w*|HOSTNAME|HOSTTYPE|MACHTYPE|OSTYPE|RANDOM|SECONDS|SHLVL|SHELL|SHELLOPTS|E?UID|GROUPS"
    r"|TERM|EPOCH\w+|DIRSTACK|_"
)
_NUMBERS = re.compile(r"RANDOM|SECONDS|SHLVL|LINENO|PPID|E?UID|OPTIND|EPOCHSECONDS")
_OF_A_SERVICE = re.compile(r"[A-Z0-9_]*")
# Busybox runs applets of these names without long options; Alpine's runs a file that is there.
_NARROWER = frozenset({"setpriv", "timeout", "nice", "ionice", "setsid", "xargs"})
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
_START = 40  # units of work that a program costs beside what its files cost
_WIDE = frozenset({"amd64", "arm64", "ppc64le", "s390x", "riscv64"})
_ELSEWHERE = Unknown("a value comes from elsewhere")
_OTHERS = Unknown("a value is set by the cluster, the runtime or the shell")
_NUMBER = Unknown("a value is set by the shell", number=True)
_NOT_KEPT = Unknown("the text of a file is not known")


def inner(text: str) -> str:
    """Give a text a character for each of its bytes."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def outer(text: str) -> str:
    """Give a text of bytes the characters that they are meant for."""
    if text.isascii():
        return text
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


class ScriptWorld:
    """The surroundings of one script.

    Args:
        world: The image and the user.
        record: Takes what is found.
        process: The shell that runs it.
        dialect: Its dialect.
        outcome: Tells what would come of starting a process.
    """

    def __init__(
        self,
        world: World,
        record: Record,
        process: Process,
        dialect: Dialect,
        outcome: Callable[[Process], Outcome],
    ) -> None:
        self._world = world
        self._record = record
        self._process = process
        self._outcome = outcome
        self._outcomes: dict[tuple[object, ...], Outcome] = {}
        self._things: dict[tuple[str, str], Thing | Absent | Unknown] = {}
        self._commands: dict[tuple[object, ...], str | Unknown | None] = {}
        self._dialect = dialect

    @property
    def dialect(self) -> Dialect:
        """The shell's."""
        return self._dialect

    @property
    def uid(self) -> int | None:
        """The user; None if that is not known."""
        return self._world.who.uid

    @property
    def machine(self) -> Scalar:
        """The output of ``uname -m``: a matter of the node for 32 bits on 64."""
        architecture = self._world.architecture
        if architecture.name in _WIDE and architecture.uname is not None:
            return architecture.uname
        return Unknown("the machine is the node's")

    def spend(self, units: int) -> None:
        """Count work."""
        self._world.work.spend(units)

    def spend_once(self, key: Hashable, units: int) -> None:
        """Count work that is done once."""
        self._world.work.spend_once(key, units)

    def variable(self, name: str) -> Value:
        """A variable of the environment, or one that the shell sets at its start."""
        if name in {"UID", "EUID"} and self._dialect.is_bash and self.uid is not None:
            return str(self.uid)
        if name in {"IFS", "OPTIND", "PWD"}:
            return self._set_by_shell(name)
        value = self._process.env.get(name)
        if isinstance(value, Unset):
            return self._set_by_others(name)
        if isinstance(value, str):
            return inner(value)
        guess = value.guess if SEARCHED.fullmatch(name) else ""
        return Unknown(_ELSEWHERE.because, guess=inner(guess))

    def _set_by_others(self, name: str) -> Value:
        if name.startswith("BASH") and self._dialect.name in _WITHOUT_BASH:
            return UNSET
        if name == "KSH_VERSION" and not self._dialect.counts_as_c:
            return _OTHERS
        if not _SET_BY_OTHERS.fullmatch(name):
            return UNSET
        if self._dialect.is_bash and _NUMBERS.fullmatch(name):
            return _NUMBER
        return _OTHERS

    def _set_by_shell(self, name: str) -> Value:
        if name == "IFS":
            return " \t\n"
        if name == "OPTIND":
            return "1"
        there = self.look(".", inner(self._process.cwd))
        given = self._process.env.get("PWD")
        if not isinstance(given, Unset) or not isinstance(there, Thing):
            return _OTHERS
        return there.path

    def is_surely_set(self, name: str) -> bool:
        """Tell whether a variable whose value is not known has one for sure."""
        if self._process.env.names(name):
            return True
        of_bash = self._dialect.is_bash and _SET_BY_BASH.fullmatch(name)
        return bool(of_bash or _SET_BY_SHELLS.fullmatch(name))

    def names(self, prefix: str) -> frozenset[str] | Unknown:
        """The names of the environment's variables that begin so; services may add others."""
        env = self._process.env
        if env.is_open or _OF_A_SERVICE.fullmatch(prefix):
            return _ELSEWHERE
        return frozenset(map(inner, env.beginning(outer(prefix))))

    def look(self, path: str, cwd: str) -> Thing | Absent | Unknown:
        """Follow a path, and its last symlink."""
        key = (path, cwd)
        if key not in self._things:
            self._things[key] = self._look(outer(path), outer(cwd))
        return self._things[key]

    def _look(self, path: str, cwd: str) -> Thing | Absent | Unknown:
        found = self._world.lookup(path, cwd)
        if isinstance(found, Hidden):
            return Unknown(found.doubt.because)
        if isinstance(found, Missing):
            if _is_made_by_others(path, cwd):
                return Unknown("a file is made by the runtime")
            missing = posixpath.join(found.path, found.beyond)
            return Absent(
                found.errno == "ENOENT" and bool(found.symlinks),
                found.errno != "ENOENT",
                tuple(map(inner, (missing, *found.symlinks))),
            )
        return self._thing(found)

    def _thing(self, found: Found) -> Thing:
        entry = found.entry
        if found.path == NULL:
            return Thing(Kind.NULL, NULL, readable=True, writable=True, executable=False)
        kind = _KINDS.get(entry.kind, Kind.OTHER)
        return Thing(
            kind,
            inner(found.path),
            entry.size,
            self._may(entry, READ),
            self._may(entry, WRITE),
            self._may(entry, EXECUTE),
            bool(entry.elf),
            tuple(map(inner, found.symlinks)),
        )

    def _may(self, entry: Entry, want: int) -> Truth:
        """Tell whether the process may read, write or execute a file by its mode."""
        who = self._world.who
        if entry.kind is EntryKind.UNREADABLE:
            return None
        if want == WRITE and self._world.read_only_root:
            return False
        executes = want == EXECUTE and entry.kind is not EntryKind.DIRECTORY
        if who.passes and not executes:
            return True
        if who.certainly_may(entry, want):
            return True
        unsure = who.uid is None or (who.passes is None and not executes)
        if unsure or who.may(entry, want):
            return None
        return False

    def is_link(self, path: str, cwd: str) -> Truth:
        """Tell whether a path, its last symlink not followed, is a symlink."""
        plain, where = outer(path), outer(cwd)
        if isinstance(self._world.lookup(plain, where), Hidden):
            return None
        found = self._world.tree.lookup(plain, cwd=where, follow_last=False)
        if isinstance(found, Missing):
            if _is_made_by_others(plain, where):
                return None
            return False
        return found.entry.kind is EntryKind.SYMLINK

    def listing(self, path: str, cwd: str) -> tuple[str, ...] | Unknown:
        """The names in a directory, sorted by their bytes, mount points among them."""
        thing = self.look(path, cwd)
        if not isinstance(thing, Thing):
            return Unknown("a directory is not known")
        directory = outer(thing.path).rstrip("/") + "/"
        names = set(self._world.listdir(outer(thing.path)))
        names |= {
            mount[len(directory) :].partition("/")[0]
            for mount in self._world.mounts
            if mount.startswith(directory)
        }
        if _is_made_by_others(directory, "/") or directory == "/etc/":
            return Unknown("the runtime puts files there")
        return tuple(sorted(inner(name) for name in names if name))

    def text(self, path: str, cwd: str) -> Scalar:
        """A file's text, if all of it was kept."""
        found = self._world.lookup(outer(path), outer(cwd))
        if not isinstance(found, Found) or found.entry.kind is not EntryKind.FILE:
            return _NOT_KEPT
        entry = found.entry
        whole = entry.text if entry.text is not None else entry.head + entry.tail
        if len(whole) != entry.size or b"\0" in whole:  # shells differ in what a NUL is to them
            return _NOT_KEPT
        self.spend(len(whole) // 64)
        return whole.decode("latin-1")

    def find(self, name: str, launch: Launch) -> str | Unknown | None:
        """Search a command along a program's PATH: its path, or None if it is nowhere."""
        key = (name, launch.variables.get("PATH"), launch.cwd, launch.doubt, launch.touched)
        if key not in self._commands:
            self._commands[key] = self._find(name, launch)
        return self._commands[key]

    def _find(self, name: str, launch: Launch) -> str | Unknown | None:
        """Search a command; a doubt about the shell itself is one about all that it starts."""
        process = self.process_of(launch)
        if not launch.doubt:
            process = replace(process, doubt=None)
        changed = Changed.by(process.touched)
        world = replace(self._world, changed=changed)
        command = find_command(world, self._record, process, outer(name), actor="shell")
        if command.doubt is not None:
            return Unknown(command.doubt.because)
        if changed.met:
            return Unknown(f"the script may change {changed.met} before")
        if command.path is None:
            return None
        return inner(command.path)

    def outcome(self, launch: Launch) -> Outcome:
        """Tell what comes of starting a program."""
        self.spend(_START)
        process = self.process_of(launch)
        key = (
            process.name,
            process.args,
            process.file,
            process.cwd,
            process.env.key,
            process.doubt,
            process.touched,
            process.barred,
            process.removed,
        )
        if key not in self._outcomes:
            self._outcomes[key] = self._outcome(process)
        return self._outcomes[key]

    def may_be_root(self, capability: str) -> Truth:
        """Tell whether the process has a capability that root has by default."""
        if self.uid != 0:
            if self.uid is None:
                return None
            return False
        return self._world.bounding.has(capability)

    def process_of(self, launch: Launch) -> Process:
        """Give the process that a script's command becomes."""
        env = self._process.env
        self.spend((env.count + len(launch.variables)) // 16)
        changed: dict[str, Scalar | Unset] = {}
        for name, value in launch.variables.items():
            if name in launch.exported or env.names(name):
                changed[name] = _passed_on(value, env.get(name))
            elif not isinstance(env.get(name), Unset):
                changed[name] = _perhaps(name, value)
        more = Unknown(launch.more) if launch.more else None
        process = replace(
            self._process,
            name=outer(launch.argv[0]),
            args=Fields(tuple(map(outer, launch.argv[1:])), more),
            env=env.having(changed),
            cwd=outer(launch.cwd),
            file=outer(launch.file),
            touched=frozenset(map(outer, launch.touched)),
            barred=frozenset(map(outer, launch.barred)),
            removed=frozenset(map(outer, launch.removed)),
        )
        doubt = launch.doubt or _search_changed(changed) or self._of_applet(launch)
        if doubt:
            process = process.doubted(Doubt(UnknownReason.SHAPE_UNKNOWN, doubt))
        return process

    def _of_applet(self, launch: Launch) -> str:
        """Give the doubt about a tool that a shell may have within itself, with other options."""
        name = launch.argv[0]
        if not self.dialect.standalone or name not in _NARROWER:
            return ""
        options = takewhile(lambda word: word.startswith("-"), launch.argv[1:])
        if any(option.startswith("--") and option != "--" for option in options):
            return f"the shell may run a {name} of its own"
        return ""


def _search_changed(changed: Mapping[str, Scalar | Unset]) -> str:
    """Give the doubt about a program where it is not known by what it is searched.

    Its libraries are searched by the same.
    """
    searched = (value for name, value in changed.items() if SEARCHED.fullmatch(name))
    if any(isinstance(value, Unknown) for value in searched):
        return SEARCH_CHANGED
    return ""


def _passed_on(value: Value, before: Scalar | Unset) -> Scalar | Unset:
    """Give the value that a program gets of a shell's variable; arrays are not passed on.

    One that is not known is probably the one that the shell was given.
    """
    if isinstance(value, str):
        return outer(value)
    if not isinstance(value, Unknown):
        return UNSET
    return Unknown(value.because, guess=outer(value.guess) or guess_of(before))


def _perhaps(name: str, value: Value) -> Unknown:
    """Give the value of a variable that is passed on only if the environment has it."""
    guess = value if isinstance(value, str) else ""
    return Unknown(f"{name} may be set by a ConfigMap or Secret", guess=outer(guess))


_WITHOUT_BASH = frozenset({"dash", "busybox"})
_KINDS = {EntryKind.FILE: Kind.FILE, EntryKind.DIRECTORY: Kind.DIRECTORY}


def _is_made_by_others(path: str, cwd: str) -> bool:
    whole = posixpath.normpath(posixpath.join(cwd, path))
    return any(whole == made or whole.startswith(f"{made}/") for made in _MADE_BY_OTHERS)
