"""Where an entrypoint script ends: its ``exec "$@"`` and its kin, with the arguments that are known.

The script is run in the mind, along every way that it may take. Conditions are decided where arguments, variables and
files are known; where not, both ways are gone. A command that cannot start has failed; one that may bring what is
missing leaves a doubt. What cannot be followed at all is lost, and said to be.

Source: POSIX.1-2017, Shell Command Language; bash(1); the entrypoint scripts of Docker's official images, whose idioms
these are.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from elfgate.errors import UnknownReason
from elfgate.linkage.attempt import Doubt, Process
from elfgate.linkage.report import Outcome
from elfgate.linkage.shell.builtins import run_builtin
from elfgate.linkage.shell.commands import (
    SPECIAL,
    external,
    is_builtin,
    is_harmless,
    redirected,
    says,
)
from elfgate.linkage.shell.conditions import opposite
from elfgate.linkage.shell.expand import Expander, UnsetError
from elfgate.linkage.shell.grammar import (
    Body,
    Case,
    Chain,
    For,
    Function,
    Group,
    If,
    Loop,
    Node,
    Not,
    Pipe,
    Simple,
    parse,
)
from elfgate.linkage.shell.loops import walk_for, walk_loop
from elfgate.linkage.shell.state import (
    FAILURE,
    UNSURE,
    Fields,
    State,
    Status,
    merged,
    returned,
    settled,
    widened,
)
from elfgate.linkage.shell.variables import (
    assigned,
    forgetting,
    is_assignment,
    is_sure,
    with_defaults,
)
from elfgate.linkage.shell.walk import Ending, Followed, LostError
from elfgate.linkage.shell.words import Kind, NotUnderstoodError, Word
from elfgate.linkage.shell.world import ScriptWorld, Shell

_WAYS = 16  # at once, before what tells them apart is forgotten
_MOST_WAYS = 64
_DEPTH = 30  # functions, substitutions and sourced scripts within one another
_HANDLER = "command_not_found_handle"  # bash runs it in place of what is not there
_OF_ITSELF = Doubt(UnknownReason.SHAPE_UNKNOWN, "the script may end for another reason")
_TRAPPED = Doubt(UnknownReason.SHAPE_UNKNOWN, "the script has something to do if that fails")
_CARELESS = Doubt(UnknownReason.SHAPE_UNKNOWN, "the script may go on without it")


def follow_script(text: str, state: State, world: ScriptWorld) -> Followed:
    """Find what a script comes to.

    Args:
        text: The script.
        state: With what it is called.
        world: What it finds around it.
    """
    walk = _Walk(world, _Counts())
    try:
        walk.to_the_end(parse(text), state)
    except (NotUnderstoodError, LostError, RecursionError):
        return Followed(tuple(walk.endings), lost=True)
    return Followed(tuple(walk.endings))


@dataclass(slots=True)
class _Counts:
    """How far all walks through one script have come.

    Attributes:
        steps: Commands looked at.
        depth: Functions, substitutions and scripts that are within one another just now.
    """

    steps: int = 0
    depth: int = 0


class _Walk:
    """One shell's way through a script; what has a process of its own walks for itself."""

    def __init__(self, world: ScriptWorld, counts: _Counts) -> None:
        self.world = world
        dash = world.shell is Shell.DASH
        self.expander = Expander(
            world, self._says, lambda at: self.end(at, FAILURE), plain=dash, braces=not dash
        )
        self.endings: list[Ending] = []
        self.left: list[State] = []
        self._counts = counts

    def to_the_end(self, body: Body, state: State, *, checked: bool = True) -> None:
        """Walk a whole script, and note its ends."""
        for after in self.body(body, [state], checked=checked):
            self.end(after, after.status)

    def end(self, state: State, status: Status, *, aside: bool = False) -> None:
        """Note that the script ends by itself, once its trap has been run; aside, if by a command on its way."""
        if state.trap:
            at_last = replace(state, trap="", status=status, leaving="")
            for after in self.body(parse(state.trap), [at_last], checked=True):
                self.end(after, status, aside=aside)
            return
        by = status.by
        if status.ok is None:
            by = None if aside or by is None else by.doubted(_CARELESS)
        elif by is None and not status.ok and state.failed is not None:
            by, aside = state.failed.doubted(_OF_ITSELF), True
        self.note(Ending(by, status.ok, aside and by is not None), state)

    def become(self, process: Process, state: State) -> None:
        """Note that a program takes the script's place."""
        self.note(Ending(process.doubted(_TRAPPED) if state.trap else process), state)

    def note(self, ending: Ending, state: State) -> None:
        self.left.append(state)
        if ending not in self.endings:
            self.endings.append(ending)

    def read(self, text: str, state: State, *, checked: bool) -> list[State]:
        """Run a text in this shell: of ``eval``, or of a file."""
        with_depth = self._deeper()
        body = parse(text)
        states = self.body(body, [state if body else state.ended()], checked=checked)
        self._counts.depth = with_depth
        return [
            replace(after, leaving="") if after.leaving == "return" else after for after in states
        ]

    def _deeper(self) -> int:
        depth = self._counts.depth
        if depth >= _DEPTH:
            raise LostError("too deep")
        self._counts.depth = depth + 1
        return depth

    def body(self, body: Body, states: Iterable[State], *, checked: bool) -> list[State]:
        """Walk commands one after another, on every way.

        Args:
            body: The commands.
            states: Where the ways stand; one that is leaving goes past.
            checked: ``set -e`` counts here.
        """
        ways = list(states)
        for node in body:
            after = [way for way in ways if way.leaving]
            for way in ways:
                if not way.leaving:
                    after += self._step(node, way, checked=checked)
            ways = merged(after)
            if len(ways) > _WAYS:
                ways = widened(ways)
            if len(ways) > _MOST_WAYS:
                raise LostError("too many ways")
        return ways

    def _step(self, node: Node, state: State, *, checked: bool) -> list[State]:
        self._counts.steps += 1
        self.world.attempt.budget.steps -= 1
        if self.world.attempt.budget.steps < 0:
            raise LostError("too long")
        try:
            return self._walked(node, state, checked=checked)
        except UnsetError:
            self.end(state, Status(ok=False))
            return []

    def _walked(self, node: Node, state: State, *, checked: bool) -> list[State]:  # noqa: PLR0911 - one a kind
        if isinstance(node, Simple):
            return self._checked(self._simple(node, state, checked=checked), checked=checked)
        if isinstance(node, Chain):
            return self._chain(node, state, checked=checked)
        if isinstance(node, If):
            return self._if(node, state, checked=checked)
        if isinstance(node, Case):
            return self._case(node, state, checked=checked)
        if isinstance(node, For):
            return walk_for(self, node, state, checked=checked)
        if isinstance(node, Loop):
            return walk_loop(self, node, state, checked=checked)
        if isinstance(node, Function):
            return [self._defined(node, state)]
        if isinstance(node, Not):
            after = self._step(node.node, state, checked=False)
            return [way.ended(Status(opposite(way.status.ok))) for way in after]
        if isinstance(node, Pipe):
            return self._checked([self._pipe(node, state)], checked=checked)
        return self._group(node, state, checked=checked)

    def _defined(self, node: Function, state: State) -> State:
        if node.name == _HANDLER or (node.name in SPECIAL and self.world.shell is not Shell.BASH):
            raise LostError("a function that changes what commands are, or is none")
        return replace(state, functions={**state.functions, node.name: node.body}).ended()

    def _checked(self, states: list[State], *, checked: bool) -> list[State]:
        """End the ways that ``set -e`` ends; a command that may have failed may have ended the script."""
        kept = []
        for state in states:
            if (
                checked
                and "e" in state.options
                and state.status.ok is not True
                and not state.leaving
            ):
                self.end(state, state.status, aside=True)
                if state.status.ok is False:
                    continue
            kept.append(state)
        return kept

    def split(self, condition: Body, states: list[State]) -> tuple[list[State], list[State]]:
        """Walk a condition, and part the ways where it holds from those where it does not."""
        after = self.body(condition, states, checked=False)
        return (
            [way for way in after if way.leaving or way.status.ok is not False],
            [way for way in after if not way.leaving and not way.status.ok],
        )

    def _chain(self, node: Chain, state: State, *, checked: bool) -> list[State]:
        last = len(node.operators)
        ways = self._step(node.nodes[0], state, checked=False)
        for number, operator in enumerate(node.operators, 1):
            stops = operator == "||"
            passing = [way for way in ways if way.leaving or way.status.ok is not (not stops)]
            going = [way for way in ways if not way.leaving and way.status.ok is not stops]
            passing = [
                way if way.leaving or way.status.ok is not None else settled(way, ok=stops)
                for way in passing
            ]
            ways = passing + self.body(
                (node.nodes[number],), going, checked=checked and number == last
            )
        return ways

    def _if(self, node: If, state: State, *, checked: bool) -> list[State]:
        done: list[State] = []
        waiting = [state]
        for condition, body in node.branches:
            taken, waiting = (waiting, []) if condition is None else self.split(condition, waiting)
            done += self.body(body, taken, checked=checked)
        return done + [way.ended() for way in waiting]

    def _case(self, node: Case, state: State, *, checked: bool) -> list[State]:
        state = self.substitutions((node.word,), state)
        value = self.expander.value(node.word, state)
        done: list[State] = []
        for patterns, body in node.branches:
            known = [self.expander.pattern(pattern, state) for pattern in patterns]
            matches = [
                None if None in (value, pattern) else fnmatchcase(value or "", pattern or "")
                for pattern in known
            ]
            if True in matches or None in matches:
                done += self.body(body, [state.ended()], checked=checked)
            if True in matches:
                return done
        return [*done, state.ended()]

    def _group(self, node: Group, state: State, *, checked: bool) -> list[State]:
        state = redirected(node.redirects, state, self.world, self.expander)
        if node.kind == "{":
            return self.body(node.body, [state], checked=checked)
        after = self._subshell(node.body, state, checked=checked)
        if node.kind == "(":
            return self._checked([after], checked=checked)
        job = after.status.by if after.status.ok is False else None
        number = f"\0{self._counts.steps}"  # no process has such a number
        return [replace(after, job=job, failed=job or after.failed).setting("!", number).ended()]

    def _pipe(self, node: Pipe, state: State) -> State:
        ways = [state]
        for inner in node.nodes:
            ways.append(self._subshell((inner,), ways[-1], checked=False))
        failing = [way.status for way in ways[1:] if not way.status.ok]
        if not failing or "p" not in state.options:
            return ways[-1]
        certain = next((status for status in reversed(failing) if status.ok is False), None)
        return ways[-1].ended(certain or failing[-1])

    def _subshell(self, body: Body, state: State, *, checked: bool) -> State:
        """Walk what has a process of its own: of it remain its status, and what it does to files."""
        inner = _Walk(self.world, self._counts)
        depth = self._deeper()
        inner.to_the_end(body, replace(state, trap="", status=Status()), checked=checked)
        self._counts.depth = depth
        statuses = [self._status_of(ending) for ending in inner.endings] or [Status(ok=None)]
        after = state
        for left in inner.left:
            after = replace(
                after, doubt=after.doubt or left.doubt, touched=after.touched | left.touched
            )
        for ending, one in zip(inner.endings, statuses, strict=False):
            if (
                ending.process is not None
                and one.ok is None
                and not is_harmless(ending.process.argv)
            ):
                after = after.doubted(f"the script runs {ending.process.argv[0]} before")
        failed = next((one.by for one in statuses if one.ok is False and one.by), None)
        after = replace(after, failed=failed or after.failed)
        same = all(one == statuses[0] for one in statuses)
        return replace(
            after,
            status=statuses[0]
            if same
            else Status(None, next((s.by for s in statuses if s.by), None)),
        )

    def _status_of(self, ending: Ending) -> Status:
        if ending.process is None:
            return Status(ending.ok)
        outcome = self.world.outcome(ending.process)
        if outcome is Outcome.CANNOT_START:
            return Status(ok=False, by=ending.process)
        return Status(None, None if outcome is Outcome.STARTS else ending.process)

    def substitutions(self, words: Iterable[Word], state: State) -> State:
        """Apply what the commands in ``$(…)`` leave behind."""
        for word in words:
            state = self.substitutions(word.items or (), state)
            for part in word.parts:
                if part.kind is Kind.COMMAND:
                    try:
                        state = self._subshell(parse(part.text), state, checked=False)
                    except NotUnderstoodError:
                        state = state.doubted("the script runs what cannot be read before").ended(
                            UNSURE
                        )
                elif part.kind is Kind.OPAQUE and part.text[:2] in {"<(", ">("}:
                    state = state.doubted("the script runs something beside it before")
                elif part.kind is Kind.OPAQUE:
                    if not is_sure(part.text, state, self.expander):
                        self.end(state, FAILURE)
                    state = forgetting(part.text, state)
        return state

    def _says(self, text: str, state: State) -> str | None:
        return says(text, state, self.world, self.expander)

    def _simple(self, node: Simple, state: State, *, checked: bool) -> list[State]:
        before = state.status
        words = node.command
        if not words:
            return [self._assignments(node, state)]
        state = self.substitutions(node.words, state.ended())
        state = with_defaults(
            node.words, redirected(node.redirects, state, self.world, self.expander), self.expander
        )
        state = state.ended(before)
        if words[0].raw in {"[[", "(("} and self.world.shell is not Shell.DASH:
            return run_builtin(self, words[0].raw, Fields(), words, state, checked=checked) or []
        assignment = is_assignment(words[0].raw)
        fields = Fields() if assignment else self.expander.fields(words, state)
        temporary = assigned(node.assignments, state, self.expander, exported=True)
        return self.command(fields, words, state, temporary, checked=checked)

    def _assignments(self, node: Simple, state: State) -> State:
        """Assign one after another; the status is that of the last command within."""
        before, after = (
            state.status,
            redirected(node.redirects, state.ended(), self.world, self.expander),
        )
        for word in node.words:
            after = with_defaults((word,), self.substitutions((word,), after), self.expander)
            after = replace(
                assigned((word,), replace(after, status=before), self.expander), status=after.status
            )
        return after

    def command(
        self,
        fields: Fields,
        words: tuple[Word, ...],
        state: State,
        temporary: State,
        *,
        checked: bool,
        functions: bool = True,
    ) -> list[State]:
        """Run a command.

        Args:
            fields: Its words, expanded.
            words: Its words.
            state: Where the script stands.
            temporary: The same, with the variables that stand before the command.
            checked: ``set -e`` counts here.
            functions: A function of that name comes first.
        """
        if not fields.values and not fields.more:
            return [state.ended()]
        name = fields.values[0] if fields.values else None
        if not name:
            return [
                state.doubted("the script runs something that is not known before").ended(UNSURE)
            ]
        if functions and name in state.functions:
            return self._call(state.functions[name], fields, temporary, checked=checked)
        if is_builtin(name, self.world.shell):
            where = temporary if name == "exec" else state
            ways = run_builtin(self, name, fields, words, where, checked=checked)
            return [state.ended(UNSURE)] if ways is None else ways
        return [external(fields, state, temporary, self.world)]

    def _call(self, body: Body, fields: Fields, state: State, *, checked: bool) -> list[State]:
        depth = self._deeper()
        inside = replace(
            state, args=replace(fields, values=fields.values[1:]), local=frozenset({"FUNCNAME"})
        )
        outer = state.variables.get("FUNCNAME", ("main",))
        if isinstance(outer, tuple) and self.world.shell is Shell.BASH:
            inside = inside.setting("FUNCNAME", (fields.values[0] or "", *outer))
        ways = self.body(body, [inside], checked=checked)
        self._counts.depth = depth
        return [returned(way, state) for way in ways]
