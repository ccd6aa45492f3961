"""What a confined process is denied: each attempt in a child of its own, with how the child ended, as JSON.

Run as a program: ``python -m support.confined both|landlock|nothing``.
"""

import ctypes
import json
import mmap
import os
import signal
import socket
import sys
import time
from collections.abc import Callable

from elfgate.isolation.sandbox import confine, restrict

PARENT = os.getppid()
_libc = ctypes.CDLL(None, use_errno=True)
_listener = socket.create_server(("127.0.0.1", 0))
_own = os.open("/dev/null", os.O_RDWR)


def _checked(result: int) -> None:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _executable() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def _made_executable() -> None:
    memory = mmap.mmap(-1, 4096)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    _checked(_libc.mprotect(ctypes.c_void_p(address), 4096, 5))


def _reads_parent() -> None:
    buffer = ctypes.create_string_buffer(8)
    local = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 8)
    _checked(_libc.process_vm_readv(PARENT, ctypes.byref(local), 1, ctypes.byref(local), 1, 0))


ATTEMPTS: dict[str, Callable[[], object]] = {
    "open a file": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "create a file": lambda: os.open("/tmp/elfgate-confined", os.O_CREAT | os.O_WRONLY),
    "list a folder": lambda: os.listdir("/"),  # noqa: PTH208
    "read the parent's environment": lambda: os.open(f"/proc/{PARENT}/environ", os.O_RDONLY),
    "read the parent's memory": _reads_parent,
    "connect": lambda: socket.create_connection(_listener.getsockname()),
    "make a datagram socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "make a unix socket": lambda: socket.socket(socket.AF_UNIX),
    "make a pair of sockets": socket.socketpair,
    "signal the parent": lambda: os.kill(PARENT, 0),
    "trace the parent": lambda: _checked(_libc.ptrace(16, PARENT, 0, 0)),
    "execute a program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
    "fork": os.fork,
    "make a namespace": lambda: _checked(_libc.unshare(0x10000000)),
    "map executable memory": _executable,
    "make memory executable": _made_executable,
    "set a limit": lambda: os.nice(1),
    "load a module": lambda: _checked(_libc.syscall(313, -1, b"", 0)),
    "ask for the time of processes": os.times,
}
ALLOWED: dict[str, Callable[[], object]] = {
    "read and write what is open": lambda: (os.write(_own, b"x"), os.read(_own, 1)),
    "take memory": lambda: bytearray(8 << 20),
    "look at the clock": lambda: (time.monotonic(), time.time()),
    "ask for chance": lambda: os.urandom(8),
}
LOCKS: dict[str, Callable[[], object]] = {
    "both": confine,
    "landlock": restrict,
    "nothing": lambda: None,
}


def ending(locks: str, attempt: Callable[[], object]) -> str:
    """How a child ended that tried something behind locks."""
    pid = os.fork()
    if pid == 0:
        LOCKS[locks]()
        try:
            attempt()
        except OSError:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return "refused" if os.WEXITSTATUS(status) else "allowed"


def main() -> None:
    locks = sys.argv[1]
    endings = {name: ending(locks, tried) for name, tried in (ATTEMPTS | ALLOWED).items()}
    json.dump(endings, sys.stdout)


if __name__ == "__main__":
    main()
