"""The worker inside a sandbox: it starts one program after the other, in namespaces of its own.

It reads one request a line from its standard input and answers with one line (JSON both). A request
is a ``start.Start``, or layers to unpack (``unpack``).
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from elfgate.trial import execute, root, supervise, syscalls, unpack, users

_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_OWN = syscalls.NEWNS | syscalls.NEWUTS | syscalls.NEWIPC
_HOSTNAME = "trial"


def main() -> None:
    """Enter the namespaces, and serve requests until the standard input ends.

    The arguments, a JSON object: ``scratch``, a directory; ``apart``; and what to ``register``.
    """
    told = json.loads(sys.argv[1])
    syscalls.end_with_parent(signal.SIGKILL)
    try:
        _enter(told["apart"], told["register"])
    except OSError as error:
        _answer({"failed": f"{error.filename or 'namespaces'}: {error.strerror}"})
        return
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0x7F)
    syscalls.end_with_parent(signal.SIGKILL)
    _serve(Path(told["scratch"]))


def _enter(apart: bool, registration: str) -> None:  # noqa: FBT001 - private
    users.begin(apart=apart)
    network = syscalls.NEWNET if apart else 0
    syscalls.unshare(syscalls.NEWNS | syscalls.NEWPID | network)
    syscalls.mount("", "/", "", syscalls.REC | syscalls.PRIVATE)
    _register(registration)
    users.become_root()
    if apart:
        syscalls.begin_loopback()


def _register(line: str) -> None:
    """Have an interpreter in a ``binfmt_misc`` that only this user namespace sees.

    Linux has such from 6.7 on. Without a line it has none, whatever the host has.
    """
    try:
        syscalls.mount("binfmt_misc", _BINFMT, "binfmt_misc")
    except OSError:
        if line:
            raise
        return
    if line:
        (_BINFMT / "register").write_bytes(line.encode("latin-1"))


def _serve(scratch: Path) -> None:
    try:
        syscalls.mount("proc", "/proc", "proc")
    except OSError as error:
        _answer({"failed": f"/proc: {error.strerror}"})
        return
    _answer({})
    for line in sys.stdin:
        request = json.loads(line)
        if "unpack" in request:
            _answer(unpack.serve(request))
        else:
            _answer(start(request, scratch))


def _answer(facts: dict[str, Any]) -> None:
    """Write one line of JSON."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def start(request: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """Start one program and tell what became of it: the fields of ``start.Outcome``."""
    told, report = os.pipe()
    out, stdout = os.pipe()
    err, stderr = os.pipe()
    process = _forked()
    if process == 0:
        _first(request, scratch, report, (stdout, stderr))
    for file in (report, stdout, stderr):
        os.close(file)
    watched = supervise.watch(process, (out, err), request)
    for file in (out, err):
        os.close(file)
    code = watched.pop("code")
    about = _status(code, ended=_was_ended(watched))
    with os.fdopen(told, "rb") as pipe:
        for line in pipe.read().splitlines():
            about |= json.loads(line)
    return about | watched


def _was_ended(watched: dict[str, Any]) -> bool:
    """Tell whether it was not the program that ended itself."""
    return watched["timed_out"] or watched["ready"] or bool(watched["exceeded"])


def _status(code: int, *, ended: bool) -> dict[str, Any]:
    """The end of a process whose exit code, or negative signal, this is."""
    if ended or code >= 0:
        return {"status": None if ended else code, "signal": ""}
    name = signal.Signals(-code).name
    return {"status": None, "signal": name}


def _forked() -> int:
    """Fork the first process of a new PID namespace."""
    own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    syscalls.unshare(syscalls.NEWPID)
    process = os.fork()
    if process:
        syscalls.enter_namespace(own, syscalls.NEWPID)
        os.close(own)
    return process


def _first(request: dict[str, Any], scratch: Path, report: int, outputs: tuple[int, int]) -> None:
    """Be the first process: the program, or one that waits for it. Never returns."""
    try:
        syscalls.end_with_parent(signal.SIGKILL)
        os.setsid()
        _redirect(outputs)
        emulator = -1
        if request["emulator"]:
            emulator = os.open(request["emulator"], os.O_RDONLY | os.O_CLOEXEC)
        syscalls.unshare(_OWN)
        socket.sethostname(_HOSTNAME)
        root.enter(request, scratch)
        if not request["first"]:
            _wait_for(os.fork(), report)
        execute.execute(request, report, emulator)
    # This is a fork: whatever it was has to be told, not raised.
    except Exception as error:  # noqa: BLE001
        execute.tell(report, {"failed": str(error)})
    os._exit(1)


def _redirect(outputs: tuple[int, int]) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for file, number in zip((nothing, *outputs), range(3), strict=True):
        os.dup2(file, number)


def _wait_for(process: int, report: int) -> None:
    """Wait for the program, and for whatever it leaves to the first process; then end.

    The program itself goes on from here.
    """
    if process == 0:
        os.setsid()  # as a container's program does, which programs such as setsid(1) notice
        return
    while True:
        ended, status = os.wait()
        if ended == process:
            code = os.waitstatus_to_exitcode(status)
            execute.tell(report, _status(code, ended=False))
            os._exit(0)


if __name__ == "__main__":
    main()
