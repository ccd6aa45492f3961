"""Another tenant, as a process of its own: asks steadily, whatever happens, and notes what came of it.

    python -m support.hostile.victim PLAN

Times are counted from when a review was meant to be sent, so that whoever holds up the asker is charged for it too.
Each line of the output is one review: when, in monotonic seconds; how many milliseconds; what was asked; what came.
"""

import asyncio
import gc
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from support.hostile.target import Line, Target

Kind = Literal["known", "new"]
Result = Literal["right", "unknown", "wrong", "lost"]
PATIENCE = 6.0  # seconds; the webhook is given five


@dataclass(frozen=True)
class Asked:
    """A review to ask for.

    Attributes:
        at: Seconds after the start.
        kind: Whether it was asked before.
        body: The review.
        allowed: The right answer.
    """

    at: float
    kind: Kind
    body: str
    allowed: bool


class Victim:
    """Asks."""

    def __init__(self, target: Target) -> None:
        self._ports = target.ports
        self._context = target.trust()
        self._idle: dict[int, list[Line]] = {port: [] for port in target.ports}

    async def ask(self, plan: list[Asked]) -> None:
        """Ask for all, each in time."""
        began = time.monotonic() + 0.1
        tasks = []
        for number, asked in enumerate(plan):
            await asyncio.sleep(max(0.0, began + asked.at - time.monotonic()))
            port = self._ports[number // 2 % len(self._ports)]
            tasks.append(asyncio.create_task(self._one(asked, port, began + asked.at)))
        await asyncio.gather(*tasks)

    async def _one(self, asked: Asked, port: int, meant: float) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                result = _result(asked, await self._answer(port, asked.body.encode()))
        except (OSError, ValueError):
            result = "lost"
        milliseconds = (time.monotonic() - meant) * 1000
        line = json.dumps([meant, milliseconds, asked.kind, result])
        sys.stdout.write(f"{line}\n")

    async def _answer(self, port: int, body: bytes) -> dict[str, Any]:
        idle = self._idle[port]
        line = idle.pop() if idle else await Line.open(port, self._context, "127.0.0.1")
        try:
            answer = await line.post(body)
        except BaseException:
            line.drop()
            raise
        idle.append(line)
        return answer


def _result(asked: Asked, response: dict[str, Any]) -> Result:
    if response["allowed"] and response.get("warnings"):
        return "unknown"
    return "right" if response["allowed"] is asked.allowed else "wrong"


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text())
    target = Target.read(Path(plan["target"]))
    gc.freeze()
    gc.disable()
    asyncio.run(Victim(target).ask([Asked(**each) for each in plan["reviews"]]))


if __name__ == "__main__":
    main()
