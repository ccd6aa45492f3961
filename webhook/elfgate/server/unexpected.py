"""Errors that nobody expected, where nobody waits for a result: in tasks and threads."""

import asyncio
import logging
import threading
from typing import Any

from elfgate.errors import REPORT
from elfgate.server.metrics import Metrics
from elfgate.server.seldom import Seldom

log = logging.getLogger(__name__)


def watch_tasks(metrics: Metrics) -> None:
    """Count and log what tasks of the running loop, and threads, raise without anybody's notice."""
    seldom = Seldom(log)

    def told(where: str, error: BaseException) -> None:
        metrics.unexpected(where)
        if seldom.enabled(logging.ERROR):
            seldom.line(logging.ERROR, "unexpected error", {"report": REPORT}, error=error)

    def in_task(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is None or isinstance(error, OSError):  # a connection's end, in all its forms
            log.debug("%s", context["message"], exc_info=error)
        else:
            told("task", error)

    def in_thread(raised: threading.ExceptHookArgs) -> None:
        if raised.exc_value is not None:
            told("thread", raised.exc_value)

    asyncio.get_running_loop().set_exception_handler(in_task)
    threading.excepthook = in_thread
