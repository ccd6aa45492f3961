"""Predictions in processes of their own.

The ``Predictor`` of whoever is asked about strangers' images.
"""

import asyncio
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from elfgate.images.digests import is_digest
from elfgate.isolation.channel import BrokenChannelError
from elfgate.isolation.children import NoChildError, Zygote
from elfgate.isolation.messages import (
    MOST_ANSWER_BYTES,
    MOST_EXPLAINED_BYTES,
    Answer,
    Ask,
    Hello,
    Purpose,
)
from elfgate.isolation.turns import Turns
from elfgate.isolation.worker import Patience, StarvedError, TooLongError, Worker
from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.report import Surveyed
from elfgate.needs.facts import Needs
from elfgate.platforms import Platform
from elfgate.scan.inquiry import BusyError, FaultError, Foreseen, Inquiry, KilledError
from elfgate.scan.located import Contents

PREDICTORS = 2
MEMORY = 96 << 20
KEPT = 24 << 20  # of that, between two questions: one that has more makes room for a fresh one
QUEUE = 768  # of one namespace half: a review may have 256 pairs, none of which was asked before
QUEUE_FOR_PEOPLE = 8192  # an audit asks of several objects at a time, each with as many pairs
_MOST_QUESTIONS = 10_000  # of one process, which then makes room for a fresh one
_NO_FACTS = NodeFacts()
_KILLS: Mapping[type[Exception], str] = {
    TooLongError: "time",
    StarvedError: "starved",
    BrokenChannelError: "broken",
}

FIRST = Patience(cpu=0.3, wall=3.0)  # while somebody waits
LAST = Patience(cpu=1.0, wall=10.0)  # when nobody does
FOR_PEOPLE = Patience(cpu=60.0, wall=120.0)  # an explanation, or a survey of all programs


@dataclass(slots=True)
class _Job:
    digest: str
    ask: Ask
    blobs: Sequence[bytes]
    patience: Patience
    answer: "asyncio.Future[Answer]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def most(self) -> int:
        """Bytes of an answer."""
        for_people = self.ask.purpose != "start" or self.ask.inquiry.explain
        return MOST_EXPLAINED_BYTES if for_people else MOST_ANSWER_BYTES

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)

    def succeed(self, answer: Answer) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


class Pool:
    """Predicts in processes that hold nothing and can be killed (a ``Predictor``).

    Args:
        zygote: Forks them.
        injected: Patterns of libraries that nodes add to containers, besides those that elfgate
            knows.
        size: How many questions are worked on at a time.
        first: How long a question may take while somebody waits for it.
        last: How long one may take for which nobody waits.
        memory: Bytes that a process may take.
        queue: How many questions may wait, beyond which the next is an unknown.
        on_kill: Told of each process that was killed, with the reason: ``time``, ``memory``,
            ``starved``, ``broken``.
        on_hello: Told of each new process's locks.
    """

    def __init__(
        self,
        zygote: Zygote,
        *,
        injected: Sequence[str] = (),
        size: int = PREDICTORS,
        first: Patience = FIRST,
        last: Patience = LAST,
        memory: int = MEMORY,
        queue: int = QUEUE,
        on_kill: Callable[[str], None] = lambda _: None,
        on_hello: Callable[[Hello], None] = lambda _: None,
    ) -> None:
        self._zygote = zygote
        self._injected = injected
        self._first, self._last = first, last
        self._memory = memory
        self._on_kill = on_kill
        self._on_hello = on_hello
        self._waiting: Turns[_Job] = Turns(queue)
        self._patient: Turns[_Job] = Turns(queue)
        self._workers: list[Worker | None] = [None] * size
        self._idle = set(range(size))
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    async def start(self) -> None:
        """Have all processes begin.

        Raises:
            BusyError: if there are none to be had.
        """
        for at, worker in enumerate(self._workers):
            self._workers[at] = worker or await self._begun()

    async def predict(
        self, contents: Contents, inquiry: Inquiry, *, namespace: str = "", patient: bool = False
    ) -> Foreseen:
        """Predict a start."""
        patience = self._last if patient else self._first
        if inquiry.explain:
            patience = FOR_PEOPLE
        job = _job(contents, inquiry, patience)
        answer = await self._answer(job, self._patient if patient else self._waiting, namespace)
        if answer.foreseen is None:
            raise FaultError("a predictor answers another question")
        return answer.foreseen

    async def survey(
        self, contents: Contents, platform: Platform, node: NodeFacts = _NO_FACTS
    ) -> tuple[Surveyed, ...]:
        """Tell what else of the image would fail."""
        job = _job(contents, Inquiry(platform, node=node), FOR_PEOPLE, "survey")
        answer = await self._answer(job, self._waiting, "")
        if answer.surveyed is None:
            raise FaultError("a predictor answers another question")
        return answer.surveyed

    async def needs(self, contents: Contents, inquiry: Inquiry) -> Needs:
        """Tell what the program needs from its surroundings."""
        job = _job(contents, inquiry, FOR_PEOPLE, "needs")
        answer = await self._answer(job, self._waiting, "")
        if answer.needs is None:
            raise FaultError("a predictor answers another question")
        return answer.needs

    async def close(self) -> None:
        """End all processes."""
        self._closed = True
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for at in range(len(self._workers)):
            self._end(at)

    async def _answer(self, job: _Job, queue: Turns[_Job], namespace: str) -> Answer:
        if self._closed or not queue.put(namespace, job):
            raise BusyError("too many predictions wait already")
        self._dispatch()
        answer = await job.answer
        if answer.memory:
            raise KilledError("the prediction took more memory than it may")
        if answer.damaged:
            raise ValueError(answer.damaged)
        if answer.fault:
            raise FaultError(answer.fault)
        return answer

    def _dispatch(self) -> None:
        """Give waiting questions to idle processes.

        Those that nobody waits for never take the last one.
        """
        while self._idle:
            queue = self._waiting
            if not queue.count and (len(self._idle) > 1 or len(self._workers) == 1):
                queue = self._patient
            turn = queue.take()
            if turn is None:
                return
            task = asyncio.ensure_future(self._run(self._chosen(turn[1]), queue, *turn))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _chosen(self, job: _Job) -> int:
        """The process that was asked about this image before, if it is idle: it has the layers."""
        same = zlib.crc32(job.digest.encode()) % len(self._workers)
        chosen = same if same in self._idle else min(self._idle)
        self._idle.remove(chosen)
        return chosen

    async def _run(self, at: int, queue: Turns[_Job], namespace: str, job: _Job) -> None:
        """Answer one question."""
        try:
            if not job.answer.done():
                await self._ask(at, job)
        except asyncio.CancelledError:
            self._end(at)
            job.fail(BusyError("elfgate is about to end"))
            raise
        finally:
            queue.done(namespace)
            self._idle.add(at)
        self._dispatch()

    async def _ask(self, at: int, job: _Job) -> None:
        """Ask a process; once more, in a fresh one, if it ends without a word, or has no room.

        Something else may have ended it, and taken the room: what it keeps of earlier questions.
        """
        for last in (False, True):
            try:
                worker = self._workers[at] = self._workers[at] or await self._begun()
                answer = await worker.answer(job.ask, job.blobs, job.patience, job.most)
            except BusyError as error:
                return job.fail(error)
            except (TooLongError, StarvedError, BrokenChannelError) as error:
                self._end(at)
                self._on_kill(_KILLS[type(error)])
                if last or not isinstance(error, BrokenChannelError):
                    return job.fail(_failure(error, job.patience))
            else:
                if answer.memory or answer.fault or _is_spent(worker):
                    self._end(at)
                if not answer.memory or worker.asked == 1 or last:
                    return job.succeed(answer)
        return None

    async def _begun(self) -> Worker:
        try:
            worker = await Worker.begin(self._zygote, memory=self._memory, injected=self._injected)
        except (NoChildError, BrokenChannelError) as error:
            raise BusyError(f"no process can be had for predictions: {error}") from error
        self._on_hello(worker.hello)
        return worker

    def _end(self, at: int) -> None:
        worker, self._workers[at] = self._workers[at], None
        if worker is not None:
            worker.end()


def _is_spent(worker: Worker) -> bool:
    """Whether a process has to make room for a fresh one."""
    return worker.asked >= _MOST_QUESTIONS or worker.grown() > KEPT


def _failure(error: Exception, patience: Patience) -> Exception:
    match error:
        case TooLongError():
            return KilledError(
                f"the prediction took more than {patience.cpu:g} s of processor time"
            )
        case StarvedError():
            return BusyError(f"the machine is too busy for a prediction within {patience.wall:g} s")
        case _:
            return KilledError(f"the process that predicts it does not survive: {error}")


def _job(
    contents: Contents, inquiry: Inquiry, patience: Patience, purpose: Purpose = "start"
) -> _Job:
    # What has no digest may change: it is not kept.
    names = tuple(name if is_digest(name) else "" for name, _ in contents.layers)
    ask = Ask(names, contents.defaults, contents.declared, inquiry, purpose, contents.unread)
    return _Job(contents.digest, ask, [layer.encode() for _, layer in contents.layers], patience)
