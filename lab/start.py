"""Starts programs for real, each in a root file system of its own.

The worker inside the sandbox's namespaces.

It reads one request a line from its standard input and answers with one line (JSON both). A root is
an overlay of directories, seen by nobody else and gone with the program; ``/proc`` is mounted and
the usual device nodes are there, as a container runtime does it.
"""

import contextlib
import ctypes
import errno
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)
_NEWNS, _BIND, _REC, _NODEV, _NOSUID = 0x20000, 0x1000, 0x4000, 0x4, 0x2  # sched.h, sys/mount.h
_DEVICES = ("null", "zero", "full", "random", "urandom")
_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_MARK = "elfgate-lab"
_SCRIPT_DEPTH = 8


def mount(source: str, target: Path, kind: str, flags: int = 0, data: str = "") -> None:
    """Mount a file system.

    Raises:
        OSError: as the kernel says.
    """
    arguments = (source.encode(), os.fsencode(target), kind.encode(), flags, data.encode() or None)
    if _libc.mount(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))


def emulate(registration: str) -> None:
    """Register an interpreter with a ``binfmt_misc`` that only this user namespace sees (Linux 6.7 and later).

    Raises:
        OSError: if the kernel has no such thing.
    """
    mount("binfmt_misc", _BINFMT, "binfmt_misc")
    (_BINFMT / "register").write_bytes(registration.encode("latin-1"))


def look_up(name: str, path: str) -> str:
    """Find a command as runc does (Go's ``exec.LookPath``).

    A regular file that may be executed, along PATH.

    Raises:
        FileNotFoundError: if there is none.
    """
    if "/" in name:
        return name
    for directory in path.split(":"):
        candidate = f"{directory or '.'}/{name}"
        with contextlib.suppress(OSError):
            mode = os.stat(candidate).st_mode  # noqa: PTH116 (the path as the runtime would spell it)
            if stat.S_ISREG(mode) and os.access(
                candidate, os.X_OK
            ):  # by the real user, as Go from 1.20 on asks
                return candidate
    raise FileNotFoundError(errno.ENOENT, "executable file not found in $PATH", name)


def culprit(path: str, depth: int = 0) -> str:
    """Which file a refusal of ``execve(path)`` is about.

    ``command``, ``script_interpreter`` or ``loader``.
    """
    part = "script_interpreter" if depth else "command"
    if not os.access(path, os.X_OK):  # by the real user, while reading is root's
        return part
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # opening a FIFO would block
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            head = file.read(256) if stat.S_ISREG(mode) else None
    except OSError:
        return part
    if head is None:
        return part
    if head[:2] != b"#!" or depth > _SCRIPT_DEPTH:
        return "loader"
    name = re.split(rb"[ \t\0]", head[2:].split(b"\n")[0].lstrip(b" \t"))[0]
    return culprit(os.fsdecode(name), depth + 1)


def enter(request: dict[str, Any], scratch: Path) -> None:
    """Make the root of a request and go into it.

    Raises:
        OSError: if a mount is refused.
    """
    if _libc.unshare(_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    root = scratch / "root"
    kept = Path(request["kept"]) if request["kept"] else scratch
    if not request["kept"]:
        mount("tmpfs", scratch, "tmpfs")
    for directory in (root, kept / "upper", kept / "work"):
        directory.mkdir(exist_ok=True)
    lower = ":".join(request["layers"])
    mount(
        _MARK,
        root,
        "overlay",
        data=f"lowerdir={lower},upperdir={kept}/upper,workdir={kept}/work,userxattr",
    )
    for name in ("proc", "dev"):
        (root / name).mkdir(exist_ok=True)
    mount("/proc", root / "proc", "", _BIND | _REC)
    mount("tmpfs", root / "dev", "tmpfs", _NOSUID)
    for name in _DEVICES:
        (root / "dev" / name).touch()
        mount(f"/dev/{name}", root / "dev" / name, "", _BIND)
    for source, target in request["volumes"]:
        (root / target.lstrip("/")).mkdir(parents=True, exist_ok=True)
        mount(source, root / target.lstrip("/"), "", _BIND)
    os.chroot(root)
    os.makedirs(request["cwd"], exist_ok=True)  # noqa: PTH103 (as runc makes it, whatever it is spelled like)
    os.chdir(request["cwd"])


def identity(user: str) -> tuple[int, int]:
    """The user and group of ``UID[:GID]``.

    The group is root's if it is not told, as runc has it.
    """
    uid, _, gid = user.partition(":")
    return int(uid or 0), int(gid or 0)


def memberships(uid: str, root: Path = Path("/")) -> list[int]:
    """The groups that list the user of this number as a member, as containerd has it (``WithAdditionalGIDs``)."""
    users, groups = (
        [line.split(":") for line in _lines(root / "etc" / name)] for name in ("passwd", "group")
    )
    names = [row[0] for row in users if row[2] == uid][:1]
    return [int(row[2]) for row in groups if {*names} & {*row[3].split(",")}]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def execute(request: dict[str, Any], scratch: Path, report: int) -> None:
    """Become the program; if the kernel refuses, write why to ``report`` and end. Never returns."""
    emulator = (
        os.open(request["emulator"], os.O_RDONLY | os.O_CLOEXEC) if request["emulator"] else -1
    )
    try:
        enter(request, scratch)
    except Exception as error:  # noqa: BLE001 (this is a fork: whatever it was has to be told, not raised)
        os.write(report, json.dumps({"failed": str(error)}).encode())
        os._exit(1)
    argv, env, path = request["argv"], request["env"], request["env"].get("PATH", "")
    uid, gid = identity(request["user"])
    if uid or gid:
        os.setgroups([*request["groups"], *memberships(str(uid))])
    os.setregid(gid, -1)
    os.setreuid(uid, -1)
    if request["program"]:
        with contextlib.suppress(FileNotFoundError):
            os.write(report, json.dumps({"culprit": "command"}).encode() + b"\n")
            told = {"culprit": culprit(look_up(request["program"], path))}
            os.write(report, json.dumps(told).encode() + b"\n")
    refused = {"culprit": "command"}
    try:
        program = look_up(argv[0], path)
        refused["culprit"] = culprit(program)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        if emulator >= 0:
            os.execve(emulator, ["qemu", "-0", argv[0], program, *argv[1:]], env)  # noqa: S606 (no shell is wanted)
        os.execve(program, argv, env)  # noqa: S606 (no shell is wanted)
    except OSError as error:
        os.write(
            report, json.dumps(refused | {"errno": errno.errorcode[error.errno or 0]}).encode()
        )
    os._exit(1)


def start(request: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """Start one program and tell what became of it: the fields of ``lab.sandbox.Outcome``."""
    reader, writer = os.pipe()
    began = time.monotonic()
    with subprocess.Popen(
        ["program"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: execute(request, scratch, writer),  # noqa: PLW1509 (this worker has one thread)
    ) as process:
        os.close(writer)
        timed_out = False
        try:
            stdout, stderr = process.communicate(timeout=request["timeout"])
        except subprocess.TimeoutExpired:
            timed_out = True
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
    with os.fdopen(reader, "rb") as pipe:
        told = [json.loads(line) for line in pipe.read().splitlines()]
    code = process.returncode
    return (told[-1] if told else {}) | {
        "status": code if code >= 0 else None,
        "signal": signal.Signals(-code).name if code < 0 and not timed_out else "",
        "timed_out": timed_out,
        "stdout": stdout.decode(errors="replace")[: request["output"]],
        "stderr": stderr.decode(errors="replace")[: request["output"]],
        "seconds": round(time.monotonic() - began, 2),
    }


def main() -> None:
    """Serve requests until the standard input ends.

    The arguments: a scratch directory, and what to register.
    """
    scratch = Path(sys.argv[1])
    (scratch / "root").mkdir(exist_ok=True)
    if len(sys.argv) > 2:
        emulate(sys.argv[2])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(start(json.loads(line), scratch)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
