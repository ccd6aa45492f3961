"""Untrusted work: in confined processes, if this system has them, or in this one."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from elfgate.errors import InputError
from elfgate.scan.inquiry import Predictor

if TYPE_CHECKING:
    from elfgate.images.indexer import Indexer
    from elfgate.isolation.figures import Figures
    from elfgate.isolation.indexing import Indexing
    from elfgate.isolation.pool import Pool

log = logging.getLogger(__name__)

_FOR_PEOPLE = (
    1 << 30
)  # bytes of memory: a person has one image, and would rather wait than not know
Isolation = Literal["required", "preferred", "none"]


@dataclass(frozen=True, slots=True)
class Work:
    """The predictor and the indexer that do untrusted work.

    Attributes:
        predictor: Predicts starts.
        indexer: Makes indexes of layers; None for whoever reads them.
    """

    predictor: Predictor
    indexer: "Indexer | None" = None


@asynccontextmanager
async def untrusted_work(
    isolation: Isolation,
    injected: Sequence[str],
    figures: "Figures | None" = None,
    *,
    self_test: bool = False,
) -> AsyncIterator[Work]:
    """Begin whatever does untrusted work, and end it at the end.

    Args:
        isolation: Whether that has to be in processes of its own.
        injected: Patterns of libraries that the nodes add to containers.
        figures: Where kills and locks are noted.
        self_test: Take the time of a service: have them descend from a process that was started
            afresh, and try first whether they can do their work.

    Raises:
        InputError: if isolation is required, and this system cannot do it.
    """
    if isolation == "none":
        yield _here(injected)
        return
    if sys.platform != "linux":
        _without(isolation, "this system is not Linux")
        yield _here(injected)
        return
    noted = figures or _figures()
    async with _apart(injected, noted, forked=not self_test) as (pool, indexing):
        problem = ""
        if self_test or isolation == "required":
            problem = await _problem(pool, indexing, noted)
        if problem:
            _without(isolation, problem)
        yield _here(injected) if problem else Work(pool, indexing)


def _here(injected: Sequence[str]) -> Work:
    """Work done in this process, which only then needs the code for it."""
    from elfgate.scan.local import LocalPredictor

    return Work(LocalPredictor(injected))


@asynccontextmanager
async def _apart(
    injected: Sequence[str], figures: "Figures", *, forked: bool
) -> AsyncIterator[tuple["Pool", "Indexing"]]:
    from elfgate.isolation.children import Zygote
    from elfgate.isolation.indexing import MEMORY as INDEXER_MEMORY
    from elfgate.isolation.indexing import MEMORY_ALONE, Indexing
    from elfgate.isolation.pool import (
        FIRST,
        FOR_PEOPLE,
        MEMORY,
        QUEUE,
        QUEUE_FOR_PEOPLE,
        Pool,
    )

    zygote = Zygote(forked=forked)
    zygote.start()
    pool = Pool(
        zygote,
        injected=injected,
        first=FOR_PEOPLE if forked else FIRST,
        memory=_FOR_PEOPLE if forked else MEMORY,
        queue=QUEUE_FOR_PEOPLE if forked else QUEUE,
        on_kill=figures.killed,
        on_hello=figures.began,
    )
    indexing = Indexing(
        zygote,
        memory=(_FOR_PEOPLE, _FOR_PEOPLE) if forked else (INDEXER_MEMORY, MEMORY_ALONE),
        on_kill=figures.killed,
        on_hello=figures.began,
    )
    try:
        yield pool, indexing
    finally:
        await pool.close()
        zygote.close()


async def _problem(pool: "Pool", indexing: "Indexing", figures: "Figures") -> str:
    """Return why processes of their own are of no use here; empty if they are."""
    from elfgate.isolation.selftest import indexes, predicts

    problem = await predicts(pool) or await asyncio.to_thread(indexes, indexing)
    if not problem and not figures.confined:
        return "this kernel does not confine processes by seccomp"
    return problem


def _figures() -> "Figures":
    from elfgate.isolation.figures import Figures

    return Figures()


def _without(isolation: Isolation, problem: str) -> None:
    """Refuse to go on without isolation if it is required; else say so, once.

    Raises:
        InputError: if it is required.
    """
    message = f"images cannot be looked into in confined processes of their own: {problem}"
    if isolation == "required":
        raise InputError(message, hint="isolation: preferred goes on without them")
    log.warning("%s; this process looks into them itself", message)
