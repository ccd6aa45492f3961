"""Where untrusted work is done: in confined processes, if this system has them, or here."""

import logging
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

from elfgate.errors import InputError
from elfgate.scan.inquiry import Predictor
from elfgate.scan.local import LocalPredictor

if TYPE_CHECKING:
    from elfgate.isolation.figures import Figures
    from elfgate.isolation.pool import Pool

log = logging.getLogger(__name__)

Isolation = Literal["required", "preferred", "none"]


@asynccontextmanager
async def predicting(
    isolation: Isolation, injected: Sequence[str], figures: "Figures | None" = None
) -> AsyncIterator[Predictor]:
    """Who predicts, ended at the end.

    Args:
        isolation: Whether that has to be in processes of its own.
        injected: Patterns of libraries that the nodes add to containers.
        figures: Where kills and locks are noted.

    Raises:
        InputError: if isolation is required, and this system cannot do it.
    """
    local = LocalPredictor(injected)
    if isolation == "none":
        yield local
        return
    if sys.platform != "linux":
        _without(isolation, "this system is not Linux")
        yield local
        return
    noted = figures or _figures()
    async with _pool(injected, noted) as pool:
        problem = await _problem(pool, noted)
        if problem:
            _without(isolation, problem)
            yield local
        else:
            yield pool


@asynccontextmanager
async def _pool(injected: Sequence[str], figures: "Figures") -> AsyncIterator["Pool"]:
    from elfgate.isolation.children import Zygote
    from elfgate.isolation.pool import Pool

    zygote = Zygote()
    pool = Pool(zygote, injected=injected, on_kill=figures.killed, on_hello=figures.began)
    try:
        yield pool
    finally:
        await pool.close()
        zygote.close()


async def _problem(pool: "Pool", figures: "Figures") -> str:
    """What keeps the pool from being of use; empty if nothing does."""
    from elfgate.isolation.selftest import predicts

    problem = await predicts(pool)
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
