"""The environment variables by which glibc's loader does something else, or has less room.

Sources: ld.so(8), "Environment"; glibc ``elf/rtld.c`` (``process_envvars``).
"""

import re

from elfgate.errors import UnknownReason
from elfgate.linkage.environment import doubt_of, guess_of
from elfgate.linkage.kernel.program import Program
from elfgate.linkage.loaders.glibc.tunables import Tunables, tunables
from elfgate.linkage.loaders.objects import (
    Objects,
)
from elfgate.linkage.record import Record
from elfgate.linkage.values import Doubt, Unset
from elfgate.linkage.world import Process

_TLS_SURPLUS = 512  # bytes that are there in any case (csu/libc-tls.c, elf/dl-tls.c)
_DECIDING = ("LD_TRACE_LOADED_OBJECTS", "LD_DEBUG", "LD_ASSUME_KERNEL")


def report_memory(record: Record, program: Program, objects: Objects, tuned: Tunables) -> None:
    """Say where a variable takes away what a library needs from the start on."""
    audited = not isinstance(program.process.env.get("LD_AUDIT"), Unset)
    for item in objects.items[1:]:
        facts = item.facts
        if tuned.stack_checked and facts.stack_executable is not False:
            message = f"{item.path} wants an executable stack, which GLIBC_TUNABLES may forbid"
        elif (audited or tuned.static_tls) and facts.static_tls > _TLS_SURPLUS:
            message = (
                f"{item.path} needs {facts.static_tls} bytes of static TLS, which may not be left"
            )
        else:
            continue
        record.unknown(item.path, message, UnknownReason.SHAPE_UNKNOWN)
        return


def only_helps(process: Process) -> bool:
    """Tell whether the loader says what LD_DEBUG is for, and ends."""
    asked = process.env.get("LD_DEBUG")
    return isinstance(asked, str) and "help" in re.split("[ ,:]", asked) and not process.secure


def undecided(process: Process) -> Doubt | None:
    """A doubt where variables that somebody names have the loader do something else.

    They do if they are set so.
    """
    named = filter(process.env.names, _DECIDING)
    if process.secure:
        return None
    return doubt_of(*map(process.env.get, named))


def tuned_by(process: Process, version: tuple[int, ...]) -> Tunables:
    """Read GLIBC_TUNABLES of a process for a release of glibc."""
    return tunables(guess_of(process.env.get("GLIBC_TUNABLES")), version)
