"""A confined process can do nothing but read, write, compute and end."""

import json
import os
import platform
import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from functools import cache

import pytest

from elfgate.isolation.machine import MACHINES
from elfgate.isolation.sandbox import instructions
from support.confined import ALLOWED, ATTEMPTS

ORDINARY = "65532"
_KILL, _ALLOW = 0x80000000, 0x7FFF0000

confined = pytest.mark.skipif(
    platform.machine() not in MACHINES, reason="needs a machine with a filter"
)


@cache
def endings(locks: str) -> dict[str, str]:
    """How each attempt ended, as an ordinary user without any capability where this is root."""
    command = (*_as_ordinary_user(), sys.executable, "-m", "support.confined", locks)
    path = os.pathsep.join(place for place in sys.path if place)
    ran = subprocess.run(
        command, env={"PYTHONPATH": path}, capture_output=True, check=True, timeout=60
    )
    ended: dict[str, str] = json.loads(ran.stdout)
    return ended


def _as_ordinary_user() -> Sequence[str]:
    if os.getuid() != 0 or shutil.which("setpriv") is None or not _readable_by_all():
        return ()
    ids = ("--reuid", ORDINARY, "--regid", ORDINARY, "--clear-groups")
    return ("setpriv", *ids, "--bounding-set=-all", "--inh-caps=-all")


def _readable_by_all() -> bool:
    """Whether the interpreter lies where another user may execute it."""
    probe = ("setpriv", "--reuid", ORDINARY, "--clear-groups", sys.executable, "-c", "")
    return subprocess.run(probe, capture_output=True, check=False, timeout=60).returncode == 0


@confined
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_confined_process_dies_of(attempt: str) -> None:
    assert endings("both")[attempt] == "SIGSYS"


@confined
@pytest.mark.parametrize("deed", ALLOWED)
def test_a_confined_process_may(deed: str) -> None:
    assert endings("both")[deed] == "allowed"


@confined
def test_without_locks_the_attempts_are_real() -> None:
    free = {"open a file", "connect", "make a unix socket", "execute a program", "fork"}
    assert {name for name in free if endings("nothing")[name] == "allowed"} == free


@pytest.mark.parametrize("name", MACHINES)
def test_the_filter_allows_what_its_table_lists_and_kills_for_the_rest(name: str) -> None:
    machine = MACHINES[name]
    program = list(instructions(machine))
    for number in range(600):
        expected = _ALLOW if number in machine.calls.values() else _KILL
        assert _result(program, machine.audit, number, 0, big=machine.big_endian) == expected
    assert _result(program, machine.audit ^ 1, machine.calls["read"], 0) == _KILL


@pytest.mark.parametrize("name", MACHINES)
def test_the_filter_kills_for_executable_memory(name: str) -> None:
    machine = MACHINES[name]
    program = list(instructions(machine))
    for call in ("mmap", "mprotect"):
        if call == "mmap" and machine.maps_by_pointer:
            continue
        number = machine.calls[call]
        assert _result(program, machine.audit, number, 5, big=machine.big_endian) == _KILL
        assert _result(program, machine.audit, number, 3, big=machine.big_endian) == _ALLOW


def _result(
    program: list[bytes], audit: int, number: int, protection: int, *, big: bool = False
) -> int:
    """What the kernel's interpreter makes of a call."""
    order = ">" if big else "<"
    data = struct.pack(f"{order}IIQ6Q", number, audit, 0, 0, 0, protection, 0, 0, 0)
    at = accumulator = 0
    while True:
        code, if_true, if_false, operand = struct.unpack("=HBBI", program[at])
        at += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from(f"{order}I", data, operand)
        elif code == 0x06:
            return int(operand)
        else:
            holds = accumulator == operand if code == 0x15 else accumulator & operand
            at += if_true if holds else if_false
