"""The embedded engine in a confined process of its own.

How rules that elfgate did not write are bounded, and how large documents hold nobody up.

regorus has no limit of time and holds the interpreter's lock, so that a rule that loops would stop
everything in its process. Evaluated here, it is killed with its process, and the next document gets
a new one. The process is started, not forked by the zygote: it is one for all documents, and begins
with the first that needs it. It has no environment, and goes behind the sandbox once it has loaded
the bundle.

Frames on the pipes are a length of four bytes, big-endian, and JSON. The first one in is the bundle
and its bounds; the first one out says that it loaded. Then each document is answered by
``{"answer": …}`` or ``{"error": …}``.
"""

import asyncio
import os
import signal
import sys
from typing import Any, BinaryIO

import orjson

from elfgate.isolation.children import command
from elfgate.isolation.limits import Bounds, bound, end_with
from elfgate.isolation.sandbox import confine
from elfgate.policy.bundle import Bundle
from elfgate.policy.document import Document
from elfgate.policy.embedded import VERDICT, EmbeddedEngine, settle
from elfgate.policy.engine import EngineError, EngineTimeoutError, accept
from elfgate.policy.verdict import Verdict

LARGE = 32  # findings of a document, at a fifth of a millisecond each
_START_SECONDS = 20.0
_MEMORY = 1 << 30
_MAX_FRAME, _MAX_ANSWER = 64 << 20, 16 << 20
_NO_BACKTRACE = {
    "RUST_LIB_BACKTRACE": "0"
}  # where RUST_BACKTRACE is set, an error would take a second for one


class BoundedEngine:
    """Evaluates in a process of its own what may take long, and all else in this process.

    That is a document for which rules of the user's own are asked, and one of many findings: it
    takes as long as a hundred known reviews, which would wait meanwhile.

    Args:
        bundle: What to evaluate.
        seconds: How long one evaluation may take.
        memory: How much address space its process may have, in bytes.

    Raises:
        EngineError: if the bundle does not load.
    """

    def __init__(self, bundle: Bundle, *, seconds: float, memory: int = _MEMORY) -> None:
        self._bundle = bundle
        self._seconds = seconds
        self._memory = memory
        self._here = EmbeddedEngine(bundle)
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()

    @property
    def revision(self) -> str:
        """The bundle's revision."""
        return self._bundle.revision

    @property
    def pid(self) -> int | None:
        """The process's number; None if it is not running."""
        return None if self._process is None else self._process.pid

    async def evaluate(self, document: Document) -> Verdict:
        """Judge a document.

        Raises:
            EngineTimeoutError: if it took too long.
            EngineError: if there is no verdict that can be trusted.
        """
        if self._asks_own(document):
            return await self._apart(document)
        if not _is_large(document):
            return await self._here.evaluate(document)
        try:
            return await self._apart(document)
        except EngineError:
            return await self._here.evaluate(document)  # elfgate's own rules end here as well

    def _asks_own(self, document: Document) -> bool:
        without = set(document.request.without)
        return "*" not in without and not without >= set(self._bundle.own)

    async def _apart(self, document: Document) -> Verdict:
        async with self._lock:
            answer = await self._ask(document.json_bytes())
        if "error" in answer:
            raise EngineError(answer["error"])
        return accept(answer["answer"], self.revision)

    async def close(self) -> None:
        """End the process."""
        async with self._lock:
            await self._end()
        await self._here.close()

    async def _ask(self, document: bytes) -> dict[str, Any]:
        process = await self._started()
        try:
            return await asyncio.wait_for(_exchange(process, document), self._seconds)
        except ValueError as error:
            await self._end()
            raise EngineError(f"the evaluation's process says what it may not: {error}") from error
        except TimeoutError:
            await self._end()
            raise EngineTimeoutError(f"no verdict within {self._seconds:g} s") from None
        except (asyncio.IncompleteReadError, OSError) as error:
            await self._end()
            forbidden = process.returncode == -signal.SIGSYS
            why = "it did what the sandbox forbids" if forbidden else "out of memory?"
            raise EngineError(f"the evaluation's process died ({why})") from error
        except asyncio.CancelledError:
            await self._end()  # its answer would be taken for the next one's
            raise

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            self._process = await self._start()
            await self._load(self._process)
        return self._process

    async def _start(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *command("elfgate.isolation.rules"),
            str(os.getpid()),
            stdin=pipe,
            stdout=pipe,
            stderr=asyncio.subprocess.DEVNULL,
            env=_NO_BACKTRACE,
        )

    async def _load(self, process: asyncio.subprocess.Process) -> None:
        """Have the process load the bundle. A start that is given up leaves no process.

        The word that the bundle is loaded would be taken for the next document's answer.
        """
        given = {
            "modules": dict(self._bundle.modules),
            "data": self._bundle.data,
            "memory": self._memory,
        }
        try:
            await asyncio.wait_for(_exchange(process, orjson.dumps(given)), _START_SECONDS)
        except TimeoutError:
            await self._end()
            raise EngineTimeoutError(
                f"the evaluation's process does not start within {_START_SECONDS:g} s"
            ) from None
        except (asyncio.IncompleteReadError, OSError, ValueError) as error:
            await self._end()
            raise EngineError("the evaluation's process does not start") from error
        except asyncio.CancelledError:
            await self._end()
            raise

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _exchange(process: asyncio.subprocess.Process, frame: bytes) -> dict[str, Any]:
    assert process.stdin is not None  # noqa: S101  (both are pipes)
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(len(frame).to_bytes(4) + frame)
    await process.stdin.drain()
    length = int.from_bytes(await process.stdout.readexactly(4))
    if length > _MAX_ANSWER:
        raise ValueError(f"an answer of {length} bytes")
    answer: dict[str, Any] = orjson.loads(await process.stdout.readexactly(length))
    return answer


def _is_large(document: Document) -> bool:
    return sum(len(linkage.findings) for linkage in document.linkages) > LARGE


def main(parent: str) -> None:
    """Evaluate what comes in, until nothing does."""
    end_with(int(parent))
    given = orjson.loads(_read(sys.stdin.buffer) or b"{}")
    bound(Bounds(given["memory"]))
    engine = EmbeddedEngine(Bundle(given["modules"], given["data"], ""))
    settle()
    confine()
    _write(sys.stdout.buffer, b"{}")
    while document := _read(sys.stdin.buffer):
        _write(sys.stdout.buffer, _evaluated(engine, document))


def _evaluated(engine: EmbeddedEngine, document: bytes) -> bytes:
    try:
        return b'{"answer":' + engine.query(VERDICT, document.decode()).encode() + b"}"
    except EngineError as error:
        return orjson.dumps({"error": str(error)})


def _read(pipe: BinaryIO) -> bytes:
    length = int.from_bytes(pipe.read(4))
    return pipe.read(length) if 0 < length <= _MAX_FRAME else b""


def _write(pipe: BinaryIO, frame: bytes) -> None:
    pipe.write(len(frame).to_bytes(4) + frame)
    pipe.flush()
