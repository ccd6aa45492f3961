"""One predictor process as this service sees it: what it is asked, for how long, and its end."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from elfgate.isolation.channel import BrokenChannelError, Channel
from elfgate.isolation.children import Child, Zygote
from elfgate.isolation.messages import MOST_HELLO_BYTES, Answer, Ask, Hello
from elfgate.isolation.typed import dumps, loads

_READY_SECONDS = 10.0
# Of its own: the event loop's threads may all wait for an API server.
_FORKS = ThreadPoolExecutor(1, "fork")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one question may take.

    Attributes:
        cpu: Seconds of processor time.
        wall: Seconds in all, on a machine that is busy with something else.
    """

    cpu: float
    wall: float


class TooLongError(Exception):
    """A question took more processor time than it may."""


class StarvedError(Exception):
    """A question was given too little processor time to be answered in time."""


class Worker:
    """A predictor process. Belongs to one event loop, and answers one question at a time.

    Made by ``begin``.

    Attributes:
        hello: The locks that it is behind.
        asked: How many questions it was asked.
    """

    def __init__(self, child: Child, channel: Channel, hello: Hello) -> None:
        self._child = child
        self._channel = channel
        self.hello = hello
        self.asked = 0
        self._first_space = child.address_space()

    def grown(self) -> int:
        """Bytes that its address space has grown by since it began."""
        return self._child.address_space() - self._first_space

    @classmethod
    async def begin(cls, zygote: Zygote, *, memory: int, injected: Sequence[str]) -> "Worker":
        """Have a process forked, and wait until it is ready.

        Raises:
            NoChildError: if no process can be had.
            BrokenChannelError: if it is not ready within some seconds.
        """
        fork = partial(zygote.fork, "predictor", memory=memory, settings=list(injected))
        child = await asyncio.get_running_loop().run_in_executor(_FORKS, fork)
        channel = await Channel.over(child.channel, first=MOST_HELLO_BYTES)
        try:
            async with asyncio.timeout(_READY_SECONDS):
                hello = loads(Hello, await channel.receive(MOST_HELLO_BYTES))
        except (TimeoutError, ValueError) as error:
            child.end()
            raise BrokenChannelError("it is not ready in time") from error
        except BaseException:
            child.end()
            raise
        return cls(child, channel, hello)

    async def answer(
        self, ask: Ask, blobs: Sequence[bytes], patience: Patience, most: int
    ) -> Answer:
        """Ask a question.

        Args:
            ask: The question.
            blobs: The layers that it names, as stored.
            patience: How long it may take.
            most: The most bytes of an answer.

        Raises:
            TooLongError: if it takes too long.
            StarvedError: if the machine does not come to it.
            BrokenChannelError: if the process ends, or says what it may not.
        """
        self.asked += 1
        watch = _Watch(self._child, self._channel, patience)
        try:
            return await self._exchange(ask, blobs, most)
        except ValueError as error:
            raise BrokenChannelError("it answers what is no answer") from error
        finally:
            watch.stop()

    def end(self) -> None:
        """Kill the process, and let go of it."""
        self._child.end()
        self._channel.close()

    async def _exchange(self, ask: Ask, blobs: Sequence[bytes], most: int) -> Answer:
        self._channel.send(dumps(ask))
        answer = loads(Answer, await self._channel.receive(most))
        if answer.missing is not None:
            for at in _positions(answer.missing, len(blobs)):
                self._channel.send(blobs[at])
            answer = loads(Answer, await self._channel.receive(most))
        return answer


class _Watch:
    """Gives a question up when its time is over.

    What counts is the process's own time, not the machine's.
    """

    def __init__(self, child: Child, channel: Channel, patience: Patience) -> None:
        self._child = child
        self._channel = channel
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._begun, self._before = self._loop.time(), child.seconds()
        self._timer = self._loop.call_later(patience.cpu, self._look)

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        left = self._patience.cpu - (self._child.seconds() - self._before)
        if left <= 0:
            self._channel.give_up(TooLongError())
        elif self._loop.time() - self._begun >= self._patience.wall:
            self._channel.give_up(StarvedError())
        else:
            pause = max(left, self._patience.cpu / 10)
            self._timer = self._loop.call_later(pause, self._look)


def _positions(missing: Sequence[int], count: int) -> Sequence[int]:
    """The positions of layers that it asks for, each once.

    Raises:
        ValueError: if there are no such layers.
    """
    if list(missing) != sorted(set(missing)) or not 0 <= missing[0] <= missing[-1] < count:
        raise ValueError("no such layers")
    return missing
