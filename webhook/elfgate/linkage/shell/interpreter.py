"""Follows a script along every way that it may take, to the programs that it may end in.

Conditions are decided where arguments, variables and files are known; where they are not, both
ways are followed. A command that cannot start has failed; one that may bring what is missing
leaves a doubt. A way that cannot be followed is lost, and reported as such.

Source: POSIX.1-2017, Shell Command Language; bash(1); the entrypoint scripts of public images,
whose idioms these are.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from elfgate.linkage.report import Outcome
from elfgate.linkage.shell.branches import (
    call_function,
    double_bracket,
    double_parenthesis,
    walk_case,
)
from elfgate.linkage.shell.builtins.table import SPECIAL, builtins_of
from elfgate.linkage.shell.ends import Ending, Followed, LostError, ScriptEndsError
from elfgate.linkage.shell.joining import merged, widened
from elfgate.linkage.shell.loops import looped
from elfgate.linkage.shell.processes import background, pipe, subshell, substitute
from elfgate.linkage.shell.simple import simple, walk_redirected
from elfgate.linkage.shell.state import State, settled, weight
from elfgate.linkage.shell.syntax.nodes import (
    Background,
    Body,
    Case,
    Chain,
    DoubleBracket,
    DoubleParenthesis,
    For,
    ForArithmetic,
    Function,
    Group,
    If,
    Loop,
    Node,
    Not,
    Opaque,
    Pipe,
    Redirected,
    Simple,
    Subshell,
)
from elfgate.linkage.shell.syntax.parser import parse
from elfgate.linkage.shell.values import UNSURE, Launch, Status, opposite, status_of
from elfgate.linkage.shell.world import World
from elfgate.linkage.values import Fields, Scalar, Unknown

_WAYS = 8  # at once, before what tells them apart is forgotten
_WAYS_OF_LONG = 2  # of a script that has cost as many commands as ``_LONG``
_LONG = 400
_MOST_WAYS = 64
_DEPTH = 30  # functions, substitutions and sourced scripts within one another
_NODE = 30  # units of work that a command costs beside all else
_MERGED = 4  # units that a way costs where ways are put together
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HANDLER = "command_not_found_handle"  # bash runs it in place of what is not there
_OF_ITSELF = "the script may end for another reason"
_TRAPPED = "the script has something to do if that fails"
_UNKNOWN_TRAP = "the script has something to do at its end that is not known"
_TOO_DEEP = "it is nested too deep"
_CARELESS = "the script may go on without it"


def follow(text: str, state: State, world: World) -> Followed:
    """Find what a script comes to.

    Args:
        text: The script, a character for each byte.
        state: With what it is called.
        world: What is around it.
    """
    interpreter = Interpreter(world, Counts())
    try:
        interpreter.whole(text, state)
    except LostError as failure:
        interpreter.lose(failure)
    endings = [ending for ending, _ in interpreter.ends]
    distinct = [one for number, one in enumerate(endings) if one not in endings[:number]]
    return Followed(tuple(distinct), interpreter.lost)


@dataclass(slots=True)
class Counts:
    """How deep the shells of one script are within one another.

    Attributes:
        depth: Functions, substitutions and sourced scripts that run just now.
        jobs: Processes in the background so far.
        commands: Those that were run so far, on all ways.
    """

    depth: int = 0
    jobs: int = 0
    commands: int = 0


class Interpreter:
    """One shell's way through a script; a process of its own has an interpreter of its own.

    Args:
        world: What is around the script.
        counts: Shared by all shells of the script.
    """

    def __init__(self, world: World, counts: Counts) -> None:
        self.world = world
        self.ends: list[tuple[Ending, State]] = []
        self.lost = ""  # why there may be ways that are not followed
        self._counts = counts
        self.builtins = builtins_of(world.dialect)

    def lose(self, failure: LostError | RecursionError) -> None:
        """Note that the script may go a way that is not followed."""
        why = str(failure) if isinstance(failure, LostError) else _TOO_DEEP
        self.lost = self.lost or why

    def whole(self, text: str, state: State, *, errexit: bool = True) -> None:
        """Run a whole script, and note its ends."""
        for after in self.read(text, state, errexit=errexit):
            self.end(after, after.flow.status)

    def read(self, text: str, state: State, *, errexit: bool) -> list[State]:
        """Run a text in this shell, command by command."""
        script = parse(text, self.world.dialect)
        ways, number = [state], 0
        node = script.command(0, self.world.spend_once)
        if node is None:
            return [state.ended()]
        while node is not None and any(way.flow.leaving is None for way in ways):
            ways = self.body((node,), ways, errexit=errexit)
            number += 1
            node = script.command(number, self.world.spend_once)
        return ways

    def end(self, state: State, status: Status, *, aside: bool = False) -> None:
        """Note that the script may end by itself, once its trap has run.

        Args:
            state: Where it stands.
            status: Its exit status.
            aside: A command on its way ends it.
        """
        if state.flow.trap:
            self._run_trap(state, status, aside=aside)
            return
        launch, doubt = status.by, ""
        if status.ok is None:
            launch, doubt = (None, "") if aside else (launch, _CARELESS)
        elif launch is None and not status.ok and state.flow.failed is not None:
            launch, doubt, aside = state.flow.failed, _OF_ITSELF, True
        if launch is None:
            doubt = ""
        aside = aside and launch is not None
        self.note(Ending(status, launch, aside=aside, doubt=doubt), state)

    def _run_trap(self, state: State, status: Status, *, aside: bool) -> None:
        trap = state.flow.trap
        flow = state.flow._replace(trap="", status=status, leaving=None)
        at_last = state._replace(flow=flow)
        if isinstance(trap, Unknown):
            left = at_last.doubted(_UNKNOWN_TRAP).writing(Unknown(_UNKNOWN_TRAP))
            self.note(Ending(UNSURE), left)
            return
        for after in self.read(trap, at_last, errexit=True):
            self.end(after, status, aside=aside)

    def become(self, launch: Launch, state: State) -> None:
        """Note that a program takes the script's place; where it cannot, a trap runs."""
        if not state.flow.trap:
            self.note(Ending(UNSURE, launch, becomes=True), state)
            return
        self.note(Ending(UNSURE, launch, becomes=True, doubt=_TRAPPED), state)
        is_known = not isinstance(state.flow.trap, Unknown)
        if is_known and self.world.outcome(launch) is Outcome.CANNOT_START:
            self._run_trap(state, Status(ok=False, by=launch), aside=True)

    def note(self, ending: Ending, state: State) -> None:
        """Note an end, and where the script stands then."""
        if len(self.ends) < _MOST_WAYS * 4:
            self.ends.append((ending, state))
        else:
            self.lose(LostError("it has too many ends"))

    def deeper(self) -> int:
        """Note that one more shell or function runs; give the depth to go back to."""
        depth = self._counts.depth
        if depth >= _DEPTH:
            raise LostError(_TOO_DEEP)
        self._counts.depth = depth + 1
        return depth

    def shallower(self, depth: int) -> None:
        """Go back to a depth."""
        self._counts.depth = depth

    def body(self, body: Body, states: Iterable[State], *, errexit: bool) -> list[State]:
        """Run commands one after another, on every way.

        Args:
            body: The commands.
            states: Where the ways stand; one that is leaving goes past.
            errexit: ``set -e`` counts here.
        """
        ways = list(states)
        for node in body:
            after: list[State] = []
            for way in ways:
                if way.flow.leaving is not None:
                    after.append(way)
                else:
                    after += self.step(node, way, errexit=errexit)
            ways = self._narrowed(after)
            if not ways:
                break
        return ways

    def _narrowed(self, states: list[State]) -> list[State]:
        if len(states) < 2:
            return states
        self.world.spend(len(states) * (_MERGED + 4 * weight(states[0])))
        ways = merged(states)
        if len(ways) > (_WAYS if self.commands < _LONG else _WAYS_OF_LONG):
            ways = widened(ways)
        if len(ways) > _MOST_WAYS:
            raise LostError("it has too many ways")
        return ways

    def step(self, node: Node, state: State, *, errexit: bool) -> list[State]:
        """Run one command; a way that cannot be followed is lost."""
        self.world.spend(_NODE + weight(state))
        self._counts.commands += 1
        depth = self._counts.depth
        try:
            return self._walked(node, state, errexit=errexit)
        except ScriptEndsError:
            self._counts.depth = depth
            self.end(state, Status(ok=False), aside=False)
            return []
        except (LostError, RecursionError) as failure:
            self._counts.depth = depth
            self.lose(failure)
            return []

    def _walked(  # noqa: C901, PLR0911, PLR0912 - one a kind of node
        self, node: Node, state: State, *, errexit: bool
    ) -> list[State]:
        match node:
            case Simple():
                return simple(self, node, state, errexit=errexit)
            case Chain():
                return self._chain(node, state, errexit=errexit)
            case If():
                return self._if(node, state, errexit=errexit)
            case Case():
                return walk_case(self, node, state, errexit=errexit)
            case For() | ForArithmetic() | Loop():
                return self._loop(node, state, errexit=errexit)
            case Function():
                return [self._defined(node, state)]
            case Not():
                return self._not(node, state)
            case Pipe():
                return pipe(self, node, state, errexit=errexit)
            case Group():
                return self.body(node.body, [state], errexit=errexit)
            case Subshell():
                after = subshell(self, node.body, state, errexit=errexit)
                return self.checked([after], errexit=errexit)
            case Background():
                return [background(self, node, state, errexit=errexit)]
            case DoubleBracket():
                return double_bracket(self, node, state, errexit=errexit)
            case DoubleParenthesis():
                return double_parenthesis(self, node, state, errexit=errexit)
            case Redirected():
                return walk_redirected(self, node, state, errexit=errexit)
            case Opaque():
                raise LostError(node.why)

    def _loop(
        self, node: For | ForArithmetic | Loop, state: State, *, errexit: bool
    ) -> list[State]:
        loops = state.frame.loops
        ways = looped(self, node, state.within(loops + 1), errexit=errexit)
        return [way.within(loops) for way in ways]

    def checked(self, states: list[State], *, errexit: bool) -> list[State]:
        """End the ways that ``set -e`` ends; one that may have failed may have ended."""
        if not errexit:
            return states
        kept = []
        for state in states:
            flow = state.flow
            if "e" in flow.options and flow.status.ok is not True and flow.leaving is None:
                self.end(state, flow.status, aside=True)
                if flow.status.ok is False:
                    continue
            kept.append(state)
        return kept

    def split(self, condition: Body, states: list[State]) -> tuple[list[State], list[State]]:
        """Run a condition, and part the ways where it holds from those where it does not."""
        after = self.body(condition, states, errexit=False)
        return (
            [way for way in after if way.flow.leaving or way.flow.status.ok is not False],
            [way for way in after if not way.flow.leaving and not way.flow.status.ok],
        )

    def _chain(self, node: Chain, state: State, *, errexit: bool) -> list[State]:
        last = len(node.operators)
        ways = self.step(node.nodes[0], state, errexit=False)
        for number, operator in enumerate(node.operators, 1):
            stops = operator == "||"
            passing, going = [], []
            for way in ways:
                ok = way.flow.status.ok
                if way.flow.leaving or ok is stops:
                    passing.append(way)
                    continue
                going.append(way)
                if ok is None:
                    passing.append(settled(way, ok=stops))
            inner = errexit and number == last
            ways = passing + self.body((node.nodes[number],), going, errexit=inner)
        return ways

    def _if(self, node: If, state: State, *, errexit: bool) -> list[State]:
        done: list[State] = []
        waiting = [state]
        for condition, body in node.branches:
            taken, waiting = (waiting, []) if condition is None else self.split(condition, waiting)
            done += self.body(body, taken, errexit=errexit)
        return done + [way.ended() for way in waiting]

    def _defined(self, node: Function, state: State) -> State:
        if node.name == _HANDLER and self.world.dialect.is_bash:
            raise LostError("a function runs in place of commands that are missing")
        posix = self.world.dialect.is_bash and self.world.dialect.special_errors_end
        if posix and not _IDENTIFIER.fullmatch(node.name):
            raise ScriptEndsError
        if node.name in SPECIAL and self.world.dialect.special_errors_end:
            raise LostError("a function has the name of a special command")
        functions = {**state.variables.functions, node.name: node.body}
        variables = state.variables._replace(functions=functions)
        return state._replace(variables=variables).ended()

    def _not(self, node: Not, state: State) -> list[State]:
        after = self.step(node.node, state, errexit=False)
        return [way.ended(status_of(opposite(way.flow.status.ok))) for way in after]

    def call_function(
        self, node: Node, fields: Fields, state: State, *, errexit: bool
    ) -> list[State]:
        """Run a function with these words, its name first."""
        return call_function(self, node, fields, state, errexit=errexit)

    def fork(self) -> "Interpreter":
        """Make the interpreter of a process of its own."""
        return Interpreter(self.world, self._counts)

    @property
    def commands(self) -> int:
        """The number of commands that were run so far, on all ways."""
        return self._counts.commands

    def next_job(self) -> int:
        """Count one more process in the background."""
        self._counts.jobs += 1
        return self._counts.jobs

    def substitute(
        self, body: Body, state: State, *, errexit: bool, keeps: bool
    ) -> tuple[State, Scalar]:
        """Run the commands of ``$(…)``; give the state after, and their output."""
        return substitute(self, body, state, errexit=errexit, keeps=keeps)

    def beside(self, body: Body, state: State) -> State:
        """Run the commands of ``<(…)``."""
        after, _ = self.substitute(body, state, errexit=False, keeps=False)
        return after.ended(state.flow.status)
