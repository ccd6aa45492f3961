"""Where a script stands: its arguments and variables, as far as they are known, and what it has done by now."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from elfgate.linkage.attempt import Process
from elfgate.linkage.shell.grammar import Body

SEARCHED = re.compile(r"PATH|LD_[A-Z_]+")  # variables by which programs and libraries are found


class Mark(Enum):
    """What is to be said of a variable without a value."""

    UNKNOWN = 0
    UNSET = 1


_MOST = 1000  # words of a command: of further ones nothing is known
SEARCH_CHANGED = "the script changes where programs and libraries are searched"
Value = str | tuple[str, ...] | Mark  # a tuple is an array of bash's


@dataclass(frozen=True, slots=True)
class Fields:
    """Words as a command gets them.

    Attributes:
        values: Each one; None where it is not known.
        more: Others follow, nobody knows which.
    """

    values: tuple[str | None, ...] = ()
    more: bool = False

    def __add__(self, other: "Fields") -> "Fields":
        if self.more:
            return self
        values = self.values + other.values
        return Fields(values[:_MOST], other.more or len(values) > _MOST)

    @property
    def known(self) -> tuple[str, ...] | None:
        """All of them, or None if one is not known."""
        known = tuple(value for value in self.values if value is not None)
        return None if self.more or len(known) < len(self.values) else known


@dataclass(frozen=True, slots=True)
class Status:
    """A command's exit status.

    Attributes:
        ok: It is 0; None if that is not known.
        by: The program whose start failed, or may have, if that is why.
    """

    ok: bool | None = True
    by: Process | None = None


SUCCESS, FAILURE, UNSURE = Status(), Status(ok=False), Status(ok=None)


@dataclass(frozen=True, slots=True)
class State:
    """A script at one point of its way.

    Attributes:
        name: ``$0``.
        args: ``$1`` and so on.
        cwd: Its working directory.
        variables: Those that it has set or that have been looked at, by name.
        exported: Names of those that its commands get, beside the environment's.
        functions: By name.
        options: Letters of ``set``.
        status: ``$?``.
        doubt: Why what follows may not be as the image is; empty if it is.
        touched: Paths that it may have made, changed or removed; with a slash behind, all that is below as well.
        trap: What it does when it ends.
        leaving: ``return``, ``break`` or ``continue``, while on the way out.
        failed: The last program that it has started in vain: its status may decide yet.
        job: The last program that it has started in the background, if in vain.
        local: Names of the variables that the function has for itself.
        fixed: Names of the variables that are readonly: setting them fails, and ends most shells.
    """

    name: str
    args: Fields
    cwd: str
    variables: Mapping[str, Value]
    exported: frozenset[str] = frozenset()
    functions: Mapping[str, Body] = field(default_factory=dict)
    options: frozenset[str] = frozenset()
    status: Status = SUCCESS
    doubt: str = ""
    touched: frozenset[str] = frozenset()
    trap: str = ""
    leaving: str = ""
    failed: Process | None = None
    job: Process | None = None
    local: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()

    def doubted(self, why: str) -> "State":
        """Add a doubt; the first one stays. Any file may be another from here on."""
        return replace(self, doubt=self.doubt or why, touched=frozenset({"/"}))

    def ended(self, status: Status = SUCCESS) -> "State":
        """Set the exit status."""
        return self if status is self.status else self._with(status, self.variables)

    def setting(self, name: str, value: Value) -> "State":
        """Set a variable."""
        after = self._with(self.status, {**self.variables, name: value})
        return (
            after.doubted(f"the script sets {name}, which is readonly")
            if name in self.fixed
            else after
        )

    def _with(self, status: Status, variables: Mapping[str, Value]) -> "State":
        """Do what ``replace`` does in less than half the time: every command passes here."""
        return State(
            self.name,
            self.args,
            self.cwd,
            variables,
            self.exported,
            self.functions,
            self.options,
            status,
            self.doubt,
            self.touched,
            self.trap,
            self.leaving,
            self.failed,
            self.job,
            self.local,
            self.fixed,
        )


def merged(states: list[State]) -> list[State]:
    """Put together what differs only in how it came about, keeping of that what says less."""
    kept: list[State] = []
    for state in states:
        at = next((number for number, other in enumerate(kept) if _same(state, other)), None)
        if at is None:
            kept.append(state)
        else:
            kept[at] = _joined(kept[at], state)
    return kept


def widened(states: list[State]) -> list[State]:
    """Forget values in which states differ, so that fewer remain."""
    by_way: dict[tuple[object, ...], State] = {}
    for state in states:
        key = (state.args, state.cwd, state.options, state.leaving, state.trap, id(state.functions))
        other = by_way.get(key)
        by_way[key] = state if other is None else _joined(other, state)
    return list(by_way.values())


def settled(way: State, *, ok: bool) -> State:
    """Take a status that is not known for this; what may have failed is still to blame."""
    return way.ended(Status(ok, None if ok else way.status.by))


def turned(ways: list[State]) -> tuple[list[State], list[State]]:
    """Part the ways that take the next turn of a loop from those that leave it."""
    turning = [replace(way, leaving="") for way in ways if way.leaving in {"", "continue"}]
    left = [
        replace(way, leaving="" if way.leaving == "break" else way.leaving)
        for way in ways
        if way.leaving in {"break", "return"}
    ]
    return turning, left


def returned(way: State, before: State) -> State:
    """Come back from a function: its arguments and its own variables are gone."""
    variables: dict[str, Value] = {
        name: value for name, value in way.variables.items() if name not in way.local
    }
    variables |= {name: before.variables[name] for name in way.local if name in before.variables}
    leaving = "" if way.leaving == "return" else way.leaving
    return replace(way, args=before.args, variables=variables, local=before.local, leaving=leaving)


def _same(one: State, other: State) -> bool:
    return (
        one.args == other.args
        and one.cwd == other.cwd
        and one.variables == other.variables
        and one.exported == other.exported
        and one.functions == other.functions
        and (one.options, one.trap, one.leaving) == (other.options, other.trap, other.leaving)
    )


def _joined(one: State, other: State) -> State:
    differing = {
        name
        for name in one.variables.keys() | other.variables.keys()
        if one.variables.get(name) != other.variables.get(name)
    }
    unknown = {name: Mark.UNKNOWN for name in differing if not SEARCHED.fullmatch(name)}
    searched = any(SEARCHED.fullmatch(name) for name in differing)
    return replace(
        one,
        variables={**one.variables, **unknown},
        exported=one.exported | other.exported,
        status=one.status
        if one.status == other.status
        else Status(None, one.status.by or other.status.by),
        doubt=one.doubt or other.doubt or (SEARCH_CHANGED if searched else ""),
        touched=one.touched | other.touched,
        failed=one.failed or other.failed,
        job=one.job if one.job == other.job else None,
        local=one.local | other.local,
        fixed=one.fixed | other.fixed,
    )
