"""The state of a script: its frame, its variables, the files around it, and how it goes on."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from elfgate.linkage.shell.values import NOTHING, SUCCESS, Functions, Launch, Status, Value
from elfgate.linkage.values import Fields, Scalar, Unknown

SEARCHED = re.compile(r"PATH|LD_[A-Z_]+")  # variables by which programs and libraries are found
SEARCH_CHANGED = "the script changes where programs and libraries are searched"
_HELD = 64  # of what a state holds that a unit copies
_ROOT = frozenset({"/"})


class Frame(NamedTuple):
    """The call that a script is in.

    Attributes:
        name: ``$0``.
        args: ``$1`` and so on.
        calls: ``function`` or ``source``, of each call within the others.
        saved: The values that the function's own variables had outside; None if they had none.
        outer: The names of those that the functions around it have of their own.
        loops: How many loops of this call run.
    """

    name: Scalar
    args: Fields
    calls: tuple[str, ...] = ()
    saved: Mapping[str, Value | None] = NOTHING
    outer: frozenset[str] = frozenset()
    loops: int = 0


class Variables(NamedTuple):
    """The variables and functions of a shell.

    Attributes:
        values: Those that it has set, by name.
        exported: Names of those that its commands get, beside the environment's.
        fixed: Names of the readonly ones: setting them fails.
        functions: By name.
        maps: Names of associative arrays, and of variables with other attributes.
        others: By name, the variable that it stands for (``declare -n``).
    """

    values: Mapping[str, Value] = NOTHING
    exported: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    functions: Functions = NOTHING
    maps: frozenset[str] = frozenset()
    others: Mapping[str, str] = NOTHING


class Files(NamedTuple):
    """The files around a script, as far as it has changed them.

    Attributes:
        cwd: Its working directory.
        touched: Paths that it may have made, changed or removed; with a slash behind, all below.
        above: Those, and the directories that they are in, each with a slash behind.
        doubt: Why the image may not be as it was; empty if it is.
        made: Directories that it has made for sure, and may write to.
        linked: Paths at or below which it may have brought links: what is written there may be
            written anywhere.
        barred: Files that it may have taken the execute bits from.
        fresh: Empty files that it has made for sure, and nothing has changed since.
        gone: Files that are not there for sure, as it has removed them.
        removed: Names that it may have taken away, each with a slash behind.
    """

    cwd: str
    touched: frozenset[str] = frozenset()
    doubt: str = ""
    made: frozenset[str] = frozenset()
    above: frozenset[str] = frozenset()
    linked: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()
    fresh: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


class Leaving(NamedTuple):
    """``return``, ``break`` or ``continue`` on the way out, and how many loops it leaves."""

    kind: str
    loops: int = 1


class Flow(NamedTuple):
    """How a script goes on.

    Attributes:
        options: Letters of ``set``, and names of further options.
        status: ``$?``.
        trap: The command for its end; empty if there is none.
        leaving: The loop or function that it is about to leave.
        failed: The last program that it has started in vain: its status may decide yet.
        job: The last program in the background, if it was started in vain.
        output: What it has written, within ``$(…)``; None where nobody reads it.
        input: What it can read yet; None for the container's own input.
        closed: Its output goes where writing may fail.
        handlers: A signal makes it run commands.
        opened: Descriptors from 3 on that it has opened for sure.
    """

    options: frozenset[str] = frozenset()
    status: Status = SUCCESS
    trap: Scalar = ""
    leaving: Leaving | None = None
    failed: Launch | None = None
    job: Launch | None = None
    output: Scalar | None = None
    input: Scalar | None = None
    closed: bool = False
    handlers: bool = False
    opened: frozenset[str] = frozenset()

    def ended(self, status: Status) -> "Flow":
        """Set the exit status.

        In a third of the time of ``_replace``, as every command comes here.
        """
        return Flow(self.options, status, *self[2:])


class State(NamedTuple):
    """A script at one point of its way."""

    frame: Frame
    variables: Variables
    files: Files
    flow: Flow

    def doubted(self, why: str) -> "State":
        """Add a doubt; the first one stays. Any file may be another from here on."""
        files = self.files
        if files.doubt and "/" in files.touched:
            return self
        doubt, removed = files.doubt or why, files.removed
        return self._replace(files=Files(files.cwd, _ROOT, doubt, above=_ROOT, removed=removed))

    def ended(self, status: Status = SUCCESS) -> "State":
        """Set the exit status."""
        if status is self.flow.status:
            return self
        return State(self.frame, self.variables, self.files, self.flow.ended(status))

    def within(self, loops: int) -> "State":
        """Set how many loops run."""
        return self._replace(frame=self.frame._replace(loops=loops))

    def leaving(self, leaving: Leaving | None) -> "State":
        """Set what is left, or nothing."""
        return self._replace(flow=self.flow._replace(leaving=leaving))

    def setting(self, name: str, value: Value) -> "State":
        """Set a variable; one by which something is searched keeps its old value as a guess."""
        variables = self.variables
        if SEARCHED.fullmatch(name) and isinstance(value, Unknown) and not value.guess:
            value = replace(value, guess=guessed(variables.values.get(name)))
        after = Variables(
            {**variables.values, variables.others.get(name, name): value},
            variables.exported,
            variables.fixed,
            variables.functions,
            variables.maps,
            variables.others,
        )
        return State(self.frame, after, self.files, self.flow)

    def exporting(self, *names: str) -> "State":
        """Let commands have variables."""
        exported = self.variables.exported | set(names)
        return self._replace(variables=self.variables._replace(exported=exported))

    def touching(self, paths: frozenset[str]) -> "State":
        """Note paths that may have changed."""
        if any(above in self.files.linked for path in paths for above in up_from(path)):
            return self.doubted("the script writes where a link may lead elsewhere")
        known = self.files.barred or self.files.fresh or self.files.gone or self.files.removed
        if paths <= self.files.touched and not known:
            return self
        above = {above for path in paths for above in up_from(path)}
        files = self.files._replace(
            touched=self.files.touched | paths,
            above=self.files.above | above,
            barred=self.files.barred - paths,
            fresh=frozenset(),
            gone=frozenset(),
            removed=self.files.removed - {f"{path.rstrip('/')}/" for path in paths},
        )
        return self._replace(files=files)

    def linking(self, paths: frozenset[str]) -> "State":
        """Note paths, each with a slash behind, at which there may be links from here on."""
        return self._replace(files=self.files._replace(linked=self.files.linked | paths))

    def barring(self, paths: frozenset[str]) -> "State":
        """Note files whose execute bits may be gone from here on."""
        return self._replace(files=self.files._replace(barred=self.files.barred | paths))

    def removing(self, names: frozenset[str]) -> "State":
        """Note names, each with a slash behind, that may be gone from here on."""
        return self._replace(files=self.files._replace(removed=self.files.removed | names))

    def writing(self, text: Scalar) -> "State":
        """Add to the output, where somebody reads it."""
        output = self.flow.output
        if output is None or text == "":
            return self
        whole: Scalar = text if isinstance(text, Unknown) else output
        if isinstance(output, str) and isinstance(text, str):
            whole = output + text
        return self._replace(flow=self.flow._replace(output=whole))

    @property
    def has(self) -> frozenset[str]:
        """The options that are set."""
        return self.flow.options


def guessed(before: Value | None) -> str:
    """The text that a value probably is; empty if it is none."""
    if isinstance(before, Unknown):
        return before.guess
    if isinstance(before, str):
        return before
    return ""


def settled(way: State, *, ok: bool) -> State:
    """Take a status that is not known for this; what may have failed is still to blame."""
    if ok:
        return way.ended(SUCCESS)
    return way.ended(Status(ok=False, by=way.flow.status.by))


def weight(state: State) -> int:
    """Units that a change of a state costs beside all else: each copies what it holds."""
    variables, files = state.variables, state.files
    held = len(variables.values) + len(state.frame.saved) + 2 * len(variables.functions)
    sets = len(variables.exported) + len(variables.fixed) + len(variables.maps)
    return (held + 4 * (sets + len(files.touched) + len(files.above))) // _HELD


def up_from(path: str) -> Iterator[str]:
    """Give a path and the directories that it is in, each with a slash behind."""
    at = len(path.rstrip("/"))
    while at > 0:
        yield path[:at] + "/"
        at = path.rfind("/", 0, at)
    yield "/"


def variable(state: State, name: str) -> Value | None:
    """Give a variable that the script has set; None if it has not."""
    return state.variables.values.get(name)
