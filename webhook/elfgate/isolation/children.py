"""The service's side of the zygote.

It is started once, forks children when asked, and is started anew if it ends.

Thread-safe: predictors are asked for by the event loop's helpers, indexers by reading threads.
"""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from elfgate.errors import ElfgateError
from elfgate.isolation.forked import Forked, fork

_START_SECONDS, _FORK_SECONDS = 30.0, 10.0
_CPU_CLOCK = 2  # CPUCLOCK_SCHED of the kernel's ``posix-timers_types.h``
_PROGRAM = "import sys; sys.path[:] = {path!r}; from {module} import main; main(sys.argv[1])"


class NoChildError(ElfgateError):
    """No process can be had for the work."""


@dataclass(slots=True)
class Child:
    """A process that works on strangers' bytes.

    Attributes:
        pid: Its number.
        process: A descriptor of it.
        channel: This service's end of its channel.
    """

    pid: int
    process: int
    channel: socket.socket
    _closed: bool = field(default=False)

    def seconds(self) -> float:
        """Processor time that it has taken; nothing once it has ended."""
        with suppress(OSError):
            return time.clock_gettime(~self.pid << 3 | _CPU_CLOCK)
        return 0.0

    def address_space(self) -> int:
        """Bytes of address space that it has; none once it has ended."""
        with suppress(OSError):
            statm = Path(f"/proc/{self.pid}/statm").read_text()
            return int(statm.split()[0]) * resource.getpagesize()
        return 0

    def end(self) -> None:
        """Kill it, unless it has ended, and let go of it. Idempotent."""
        if self._closed:
            return
        self._closed = True
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.process, signal.SIGKILL)
        os.close(self.process)
        self.channel.close()


class Zygote:
    """Forks children that hold nothing of this process.

    Args:
        module: Whose ``main`` it runs.
        forked: Fork it from this process when it is started (``forked``), and never again.

    Attributes:
        starts: How many times it was started.
    """

    def __init__(self, module: str = "elfgate.isolation.zygote", *, forked: bool = False) -> None:
        self._module = module
        self._forked = forked
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._control: socket.socket | None = None
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """Its process number; None if it is not running."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it, which takes a part of a second that nobody has to wait for."""
        with self._lock:
            self._started()

    def fork(
        self,
        kind: str,
        *,
        memory: int,
        seconds: int | None = None,
        settings: object = None,
        descriptors: Sequence[int] = (),
    ) -> Child:
        """Fork a child.

        Args:
            kind: What it does: a name of ``zygote.WORKS``.
            memory: Bytes of address space that it may take.
            seconds: Of processor time, in all.
            settings: What it needs to know, in plain values.
            descriptors: What it has besides its channel.

        Raises:
            NoChildError: if no process can be had.
        """
        own, its = socket.socketpair()
        request = json.dumps([kind, memory, seconds, settings]).encode()
        try:
            pid, process = self._asked(request, [its.fileno(), *descriptors])
        except OSError as error:
            own.close()
            raise NoChildError(f"no process can be had for untrusted work: {error}") from error
        finally:
            its.close()
        return Child(pid, process, own)

    def close(self) -> None:
        """End it; its children end with it. Idempotent."""
        with self._lock:
            self._end()

    def _asked(self, request: bytes, descriptors: Sequence[int]) -> tuple[int, int]:
        """Ask it; and once more, if it had ended meanwhile."""
        with self._lock:
            try:
                return self._fork(request, descriptors)
            except OSError:
                self._end()
                return self._fork(request, descriptors)

    def _fork(self, request: bytes, descriptors: Sequence[int]) -> tuple[int, int]:
        control = self._started()
        socket.send_fds(control, [request], descriptors)
        answer, received, _, _ = socket.recv_fds(control, 64, 1)
        if not answer:
            raise ConnectionResetError("the zygote has ended")
        control.settimeout(_FORK_SECONDS)
        return int(answer), received[0]

    def _started(self) -> socket.socket:
        if self._control is not None:
            return self._control
        if self._forked and self.starts:
            raise ConnectionResetError("the zygote has ended")
        own, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            self._process = self._begun(its)
        own.settimeout(_START_SECONDS)
        self._control = own
        self.starts += 1
        return own

    def _begun(self, control: socket.socket) -> subprocess.Popen[bytes] | Forked:
        if self._forked:
            return fork(self._module, control)
        return subprocess.Popen(
            (*command(self._module), str(control.fileno())),
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(control.fileno(),),
            cwd="/",
            start_new_session=True,  # a terminal's signals are for whoever started it
        )

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def command(module: str) -> tuple[str, ...]:
    """This interpreter with this search path.

    It has nothing of the environment or of site packages.
    """
    # No links followed.
    path = [os.path.abspath(place) for place in sys.path if place]  # noqa: PTH100
    program = _PROGRAM.format(path=path, module=module)
    return (sys.executable, "-I", "-S", "-X", "utf8", "-c", program)
