"""Becomes a program, as a container runtime does, and tells why the kernel refuses if it does.

Sources: runc (Go's ``exec.LookPath``; the working directory), containerd's
``oci.WithAdditionalGIDs``, execve(2).
"""

import contextlib
import errno
import json
import os
import resource
from typing import Any

from elfgate.trial import accounts, syscalls, users
from elfgate.trial.taken import culprit, executed, look_up, refuse

_SPARE = 2  # times the processes that are allowed, as threads count too


def execute(request: dict[str, Any], report: int, emulator: int) -> None:
    """Become the program; if the kernel refuses, write why to ``report`` and end. Never returns.

    Args:
        request: The start (``start.Start`` as a mapping).
        report: Where it is told, a line of JSON each.
        emulator: The open file of the emulator that is to run it; -1 for the kernel.
    """
    refused = {"culprit": "command"}
    try:
        _limit(request)
        refused["culprit"] = "user"
        account = accounts.find(request["user"])
        refused["culprit"] = "command"
        if request["home"]:
            request["env"].setdefault("HOME", account.home)
        uid, gid = _be_really(account, request)
        path = request["env"].get("PATH", "")
        _tell_of_program(request["program"], path, report)
        program = look_up(request["argv"][0], path)
        refused["culprit"], head = executed(program)
        refuse(program, head, request["refused"])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        _become(program, request, emulator)
    except OSError as error:
        refused["errno"] = errno.errorcode[error.errno or 0]
        tell(report, refused)
    # This is a fork: whatever it was has to be told, not raised.
    except Exception as error:  # noqa: BLE001
        tell(report, {"failed": str(error)})
    os._exit(1)


def tell(report: int, facts: dict[str, Any]) -> None:
    """Write a line of JSON."""
    os.write(report, json.dumps(facts).encode() + b"\n")


def _become(program: str, request: dict[str, Any], emulator: int) -> None:
    """Execute the program, or the emulator that runs it; no shell is wanted between."""
    argv = request["argv"]
    env = request["env"]
    if emulator >= 0:
        emulated = ["qemu", "-0", argv[0], program, *argv[1:]]
        os.execve(emulator, emulated, env)  # noqa: S606
    os.execve(program, argv, env)  # noqa: S606


def _limit(request: dict[str, Any]) -> None:
    """Bound what processes can be bound by alone."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if request["processes"]:
        most = _SPARE * request["processes"]
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    if request["capabilities"] is not None:
        syscalls.bound_capabilities(frozenset(request["capabilities"]))
    if request["no_new_privileges"]:
        syscalls.forgo_privileges()


def _be_really(account: accounts.Account, request: dict[str, Any]) -> tuple[int, int]:
    """Be the start's user, but keep root's rights until it is executed.

    Where one user alone is mapped, the start's user takes its place in a namespace further down.
    """
    uid = account.uid
    gid = account.gid
    if users.is_alone():
        if uid or gid:
            syscalls.unshare(syscalls.NEWUSER)
            users.map_one(uid, 0, gid, 0)
        return uid, gid
    if uid or gid:
        groups = accounts.memberships(str(uid))
        os.setgroups([*request["groups"], *groups])
    os.setregid(gid, -1)
    os.setreuid(uid, -1)
    return uid, gid


def _tell_of_program(program: str, path: str, report: int) -> None:
    """Tell which file a refusal of what ``argv[0]`` starts in its turn would be about."""
    if program:
        tell(report, {"culprit": "command"})
        with contextlib.suppress(FileNotFoundError):
            tell(report, {"culprit": culprit(look_up(program, path))})
