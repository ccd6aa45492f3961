"""A made world for scripts: files, variables and programs are what a test says."""

import posixpath
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from elfgate.linkage.report import Outcome
from elfgate.linkage.shell.interpreter import follow
from elfgate.linkage.shell.state import Files, Flow, Frame, State, Variables
from elfgate.linkage.shell.syntax.dialect import BASH, Dialect
from elfgate.linkage.shell.values import Launch, Truth, Value
from elfgate.linkage.shell.world import Absent, Kind, Thing
from elfgate.linkage.values import UNSET, Fields, Scalar, Unknown
from elfgate.linkage.work import Work


@dataclass
class FakeWorld:
    """A world of these texts and programs.

    Attributes:
        dialect: The shell's.
        variables: The environment.
        files: Texts by path; directories are those above them.
        programs: Names of commands in /bin.
        broken: Paths of programs that do not start.
        unknown: Paths of which nothing is known.
    """

    dialect: Dialect = BASH
    variables: Mapping[str, Value] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    programs: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    work: Work = field(default_factory=Work)
    uid: int | None = 0
    machine: Scalar = "x86_64"

    def spend(self, units: int) -> None:
        self.work.spend(units)

    def spend_once(self, key: Hashable, units: int) -> None:
        self.work.spend_once(key, units)

    def variable(self, name: str) -> Value:
        return self.variables.get(name, UNSET)

    def is_surely_set(self, name: str) -> bool:
        return name in self.variables

    def names(self, prefix: str) -> frozenset[str] | Unknown:
        return frozenset(name for name in self.variables if name.startswith(prefix))

    def look(self, path: str, cwd: str) -> Thing | Absent | Unknown:
        whole = posixpath.normpath(posixpath.join(cwd, path))
        if whole in self.unknown:
            return Unknown("a test says so")
        if whole in self.files or whole.removeprefix("/bin/") in self.programs:
            size = len(self.files.get(whole, "x"))
            return Thing(Kind.FILE, whole, size, readable=True, writable=True, executable=True)
        if any(name.startswith(whole.rstrip("/") + "/") for name in (*self.files, "/bin/", "/")):
            return Thing(Kind.DIRECTORY, whole, 0, readable=True, writable=True, executable=True)
        return Absent()

    def is_link(self, path: str, cwd: str) -> Truth:
        return None if isinstance(self.look(path, cwd), Unknown) else False

    def listing(self, path: str, cwd: str) -> tuple[str, ...] | Unknown:
        whole = posixpath.normpath(posixpath.join(cwd, path)).rstrip("/") + "/"
        below = (name[len(whole) :] for name in self.files if name.startswith(whole))
        return tuple(sorted({name.partition("/")[0] for name in below}))

    def text(self, path: str, cwd: str) -> Scalar:
        whole = posixpath.normpath(posixpath.join(cwd, path))
        return self.files.get(whole, Unknown("no text"))

    def find(self, name: str, launch: Launch) -> str | Unknown | None:
        del launch
        path = f"/bin/{name}"
        if path in self.unknown:
            return Unknown("a test says so")
        return path if name in self.programs else None

    def outcome(self, launch: Launch) -> Outcome:
        name = launch.argv[0]
        path = name if "/" in name else f"/bin/{name}"
        if launch.doubt or path in self.unknown:
            return Outcome.UNKNOWN
        there = isinstance(self.look(path, launch.cwd), Thing) and path not in self.broken
        return Outcome.STARTS if there else Outcome.CANNOT_START

    def may_be_root(self, capability: str) -> Truth:
        del capability
        return self.uid == 0


def first_state(*args: str, options: str = "") -> State:
    """The state in which a script begins."""
    frame = Frame("/s", Fields(args))
    return State(frame, Variables(), Files("/"), Flow(options=frozenset(options)))


def ends(text: str, world: FakeWorld, *args: str) -> list[tuple[str, ...] | str]:
    """What a script comes to: command lines, ``ends`` where it ends by itself, or ``lost``."""
    followed = follow(text, first_state(*args), world)
    found: list[tuple[str, ...] | str] = []
    for ending in followed.endings:
        one = "ends" if ending.launch is None else ending.launch.argv
        if one not in found:
            found.append(one)
    return [*found, "lost"] if followed.lost else found
