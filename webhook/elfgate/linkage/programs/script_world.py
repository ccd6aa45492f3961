"""The world of a script, made of the world that a start happens in."""

from collections.abc import Callable, Hashable
from dataclasses import replace

from elfgate.linkage.path_search import find_command
from elfgate.linkage.programs.script_files import ScriptFiles
from elfgate.linkage.programs.script_starts import process_of
from elfgate.linkage.programs.script_texts import inner, outer
from elfgate.linkage.programs.script_variables import ScriptVariables
from elfgate.linkage.record import Record
from elfgate.linkage.report import Outcome
from elfgate.linkage.shell.syntax.dialect import Dialect
from elfgate.linkage.shell.values import Launch, Truth, Value
from elfgate.linkage.shell.world import Absent, Thing
from elfgate.linkage.values import Scalar, Unknown
from elfgate.linkage.world import Changed, Process, World

_START = 40  # units of work that a program costs beside what its files cost
_WIDE = frozenset({"amd64", "arm64", "ppc64le", "s390x", "riscv64"})


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
        self._commands: dict[tuple[object, ...], str | Unknown | None] = {}
        self._dialect = dialect
        self._files = ScriptFiles(world)
        self._variables = ScriptVariables(process, dialect, self.uid, self._files.look)

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
        return self._variables.variable(name)

    def is_surely_set(self, name: str) -> bool:
        """Tell whether a variable whose value is not known has one for sure."""
        return self._variables.is_surely_set(name)

    def names(self, prefix: str) -> frozenset[str] | Unknown:
        """The names of the environment's variables that begin so; services may add others."""
        return self._variables.names(prefix)

    def look(self, path: str, cwd: str) -> Thing | Absent | Unknown:
        """Follow a path, and its last symlink."""
        return self._files.look(path, cwd)

    def is_link(self, path: str, cwd: str) -> Truth:
        """Tell whether a path, its last symlink not followed, is a symlink."""
        return self._files.is_link(path, cwd)

    def listing(self, path: str, cwd: str) -> tuple[str, ...] | Unknown:
        """The names in a directory, sorted by their bytes, mount points among them."""
        return self._files.listing(path, cwd)

    def text(self, path: str, cwd: str) -> Scalar:
        """A file's text, if all of it was kept."""
        return self._files.text(path, cwd)

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
        self.spend((self._process.env.count + len(launch.variables)) // 16)
        return process_of(launch, self._process, standalone=self._dialect.standalone)
