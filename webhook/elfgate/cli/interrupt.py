"""Ctrl-C: a command line ends at once, whatever its threads wait for."""

import os
import signal
import threading
from types import FrameType

from elfgate.cli.ending import INTERRUPTED

PATIENCE = 0.2  # seconds for what cleans up after itself


def end_when_interrupted() -> None:
    """Have SIGINT end this process: by an exception, and a little later without asking anybody.

    A thread that waits for a registry cannot be interrupted, and Python waits for its threads at
    the end. What is half written then is lost: facts are kept in transactions, and files are
    renamed when they are whole.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"\nelfgate: interrupted\n")
    timer = threading.Timer(PATIENCE, os._exit, (INTERRUPTED,))
    timer.daemon = True
    timer.start()
    raise KeyboardInterrupt
