"""Ready means that a review would be answered, and rightly: every check holds, within seconds."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from elfgate.errors import ElfgateError

CHECK_SECONDS = 2.0

Check = Callable[[], Awaitable[None]]
"""Returns if all is well; raises ElfgateError with what is not."""


def readiness(checks: Mapping[str, Check]) -> Callable[[], Awaitable[list[str]]]:
    """Make one probe of named checks.

    It runs them all at once and says which do not hold, and why.
    """

    async def ready() -> list[str]:
        answers = await asyncio.gather(*(_failing(name, check) for name, check in checks.items()))
        return [answer for answer in answers if answer]

    return ready


async def _failing(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except TimeoutError:
        return f"{name}: no answer within {CHECK_SECONDS:g} s"
    except ElfgateError as error:
        return f"{name}: {error}"
    return ""
