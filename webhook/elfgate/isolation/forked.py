"""A zygote that is forked from a program that is about to begin, instead of started.

For a command line, where a part of a second counts. The zygote has no thread yet, and has read no
secret but what its environment holds: that is wiped. The zygote loads its program while the command
line goes on, which itself never needs that program.
"""

import ctypes
import os
import signal
import socket
import threading
import warnings
from contextlib import suppress
from importlib import import_module
from pathlib import Path

_ENVIRONMENT_AT = (
    49  # of /proc/self/stat: where it begins and ends (proc_pid_stat(5), fields 50 and 51)
)


class Forked:
    """A process that was forked here."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def kill(self) -> None:
        """End it."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Wait for its end."""
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def fork(module: str, control: socket.socket) -> Forked:
    """Fork a process that serves requests which come by a socket, and has nothing else.

    Args:
        module: Whose ``main`` serves them.
        control: The socket.
    """
    if threading.active_count() > 1:
        # Another thread may be loading a module, whose lock nobody would give up in the zygote.
        import_module(module)
    with warnings.catch_warnings():
        # From Python 3.12 on it warns of threads, which a test's runner may have.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        return Forked(pid)
    try:
        os.setsid()  # a terminal's signals are for whoever started it
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        forget_environment()
        os.closerange(0, control.fileno())
        os.closerange(control.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
        import_module(module).main(str(control.detach()))
    finally:
        os._exit(0)


def forget_environment() -> None:
    """Forget the environment, and wipe the memory in which the kernel put it."""
    os.environ.clear()
    fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace")
    start, end = fields.rpartition(")")[2].split()[_ENVIRONMENT_AT - 2 :][:2]
    ctypes.memset(int(start), 0, int(end) - int(start))
