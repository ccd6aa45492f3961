"""Secure execution: what a program that gains a privilege by its file makes its loader ignore.

Sources: Linux ``fs/exec.c`` (``bprm_fill_uid``) and ``security/commoncap.c`` (``cap_bprm_creds_from_file``), which set
AT_SECURE; ld.so(8), "Secure-execution mode"; glibc ``elf/rtld.c`` (``process_envvars``), musl ``ldso/dynlink.c``
(``libc.secure``). Both ignore LD_LIBRARY_PATH and LD_PRELOAD then, and ``$ORIGIN`` in the program's own search paths.
"""

import re
from dataclasses import replace
from enum import Enum

from elfgate.linkage.attempt import Process
from elfgate.linkage.credentials import Credentials
from elfgate.rootfs.entry import Entry

_SET_USER_ID = 0o4000
_SET_GROUP_ID = 0o2010  # without the group's x bit it stands for mandatory locking
_IGNORED = ("LD_AUDIT", "LD_LIBRARY_PATH", "LD_PRELOAD")


class Gain(Enum):
    """Whether a program gains a privilege when it is executed."""

    NO = "no"
    YES = "yes"
    MAYBE = "maybe"  # no_new_privs, or who runs it, is not known


def gain(entry: Entry, who: Credentials, *, forbidden: bool | None) -> Gain:
    """Tell whether executing a file gives the process what it did not have.

    Args:
        entry: The ELF file; a script's own bits do not count.
        who: The process.
        forbidden: Whether ``no_new_privs`` is set for the process; None if that is not known.
    """
    set_user = bool(entry.mode & _SET_USER_ID) and entry.uid != who.uid
    set_group = entry.mode & _SET_GROUP_ID == _SET_GROUP_ID and entry.gid != who.gid
    capable = bool(entry.capability) and who.uid != 0
    if forbidden or not (set_user or set_group or capable):
        return Gain.NO
    # A supplementary group is one that is gained up to Linux 6.15, and one that it has (in_group_p) since.
    certain = who.uid is not None and (set_user or (set_group and who.belongs(entry.gid) is False))
    return Gain.YES if certain and forbidden is False and not capable else Gain.MAYBE


def secured(process: Process) -> Process:
    """The process as a loader in secure-execution mode sees it.

    A preload without a slash would still be taken from a default directory if the library were set-user-ID itself,
    which nobody does: there it is not known.
    """
    preloads = re.split("[ :]+", process.env.get("LD_PRELOAD", ""))
    bare = any(name and "/" not in name for name in preloads)
    env = {name: value for name, value in process.env.items() if name not in _IGNORED}
    return replace(
        process, env=env, unknown_env=frozenset({"LD_PRELOAD"} if bare else ()), secure=True
    )
