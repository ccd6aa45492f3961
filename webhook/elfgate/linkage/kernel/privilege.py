"""Privileges that a program gains by its file: a user, a group, capabilities; and secure execution.

Sources: Linux ``fs/exec.c`` (``bprm_fill_uid``) and ``security/commoncap.c``
(``cap_bprm_creds_from_file``), which set AT_SECURE; ld.so(8), "Secure-execution mode"; glibc
``elf/rtld.c`` (``process_envvars``), musl ``ldso/dynlink.c`` (``libc.secure``). Both ignore
LD_LIBRARY_PATH and LD_PRELOAD then, and ``$ORIGIN`` in the program's own search paths.
"""

import re
from dataclasses import replace
from enum import Enum

from elfgate.linkage.capabilities import (
    OVERRIDE,
    READ_ANY,
    Bounding,
    FileCapabilities,
    file_capabilities,
)
from elfgate.linkage.credentials import Credentials
from elfgate.linkage.values import UNSET, Scalar, Unknown, Unset
from elfgate.linkage.world import Process
from elfgate.rootfs.entry import Entry
from elfgate.rootfs.unread import UnreadError

_SET_USER_ID = 0o4000
_SET_GROUP_ID = 0o2010  # without the group's x bit it stands for mandatory locking
_IGNORED = ("GLIBC_TUNABLES", "LD_AUDIT", "LD_LIBRARY_PATH", "LD_PRELOAD")


class Gain(Enum):
    """Whether a program gains a privilege when it is executed."""

    NO = "no"
    YES = "yes"
    MAYBE = "maybe"  # no_new_privs, or who runs it, is not known


def lacking(entry: Entry, bounding: Bounding) -> tuple[str, ...] | None:
    """Tell which capabilities keep the kernel from executing a file (EPERM).

    Args:
        entry: The ELF file.
        bounding: The container's set.

    Returns:
        Their names; none if it is executed; None if that is not known.
    """
    if not entry.capability:
        return ()
    capabilities = file_capabilities(entry.capability)
    if capabilities is None:
        return None
    if not capabilities.effective:
        return ()
    missing = capabilities.permitted - bounding.possible
    certain = bool(missing) or capabilities.permitted <= bounding.certain
    if certain:
        return tuple(sorted(missing))
    return None


def gain(entry: Entry, who: Credentials, bounding: Bounding, *, forbidden: bool | None) -> Gain:
    """Tell whether executing a file gives the process what it did not have.

    Secure execution follows from that.

    Args:
        entry: The ELF file; a script's own bits do not count.
        who: The process.
        bounding: The container's set.
        forbidden: Whether ``no_new_privs`` is set for the process; None if that is not known.
    """
    gains = (
        _by_mode(entry, who, forbidden=forbidden),
        _by_capability(entry, who, bounding, forbidden=forbidden),
    )
    return next((known for known in (Gain.YES, Gain.MAYBE) if known in gains), Gain.NO)


def becomes(entry: Entry, who: Credentials, bounding: Bounding) -> Credentials:
    """Tell as whom a program runs that has gained what its file gives."""
    if entry.mode & _SET_USER_ID:
        passes = bounding.passes_modes if entry.uid == 0 else False
        who = replace(who, uid=entry.uid, passes=passes)
    if entry.mode & _SET_GROUP_ID == _SET_GROUP_ID:
        left = frozenset() if who.gid is None else frozenset({who.gid})
        gids = who.gids - left | {entry.gid}
        who = replace(who, gid=entry.gid, gids=gids, possible=who.possible | left)
    capabilities = file_capabilities(entry.capability) if entry.capability else None
    if capabilities is not None and {OVERRIDE, READ_ANY} & capabilities.permitted:
        who = replace(who, passes=who.passes or None)
    return who


def secured(process: Process, libc: str) -> Process:
    """The process as a loader in secure-execution mode sees it.

    glibc still takes a preload without a slash from a default directory if the library is
    set-user-ID itself, which nobody does: there it is not known.

    Args:
        process: As it is started.
        libc: ``glibc`` or ``musl``: whose loader it is.
    """
    ignored: dict[str, Scalar | Unset] = dict.fromkeys(_IGNORED, UNSET)
    preload = process.env.get("LD_PRELOAD")
    if libc == "glibc" and _may_be_bare(preload):
        ignored["LD_PRELOAD"] = Unknown("the value of LD_PRELOAD comes from elsewhere")
    return replace(process, env=process.env.having(ignored), secure=True)


def _may_be_bare(preload: Scalar | Unset) -> bool:
    """Tell whether a list of preloads may have a name without a slash."""
    if isinstance(preload, Unknown):
        return True
    names = [] if isinstance(preload, Unset) else re.split("[ :]+", preload)
    return any(name and "/" not in name for name in names)


def _by_mode(entry: Entry, who: Credentials, *, forbidden: bool | None) -> Gain:
    set_user = bool(entry.mode & _SET_USER_ID) and entry.uid != who.uid
    set_group = entry.mode & _SET_GROUP_ID == _SET_GROUP_ID and entry.gid != who.gid
    if set_group and who.unread:
        raise UnreadError("a process's group is in layers that are not read")
    if forbidden or not (set_user or set_group):
        return Gain.NO
    # A supplementary group is one that is gained up to Linux 6.15, and one that it has (in_group_p)
    # since.
    certain = who.uid is not None and (set_user or who.belongs(entry.gid) is False)
    if certain and forbidden is False:
        return Gain.YES
    return Gain.MAYBE


def _by_capability(
    entry: Entry, who: Credentials, bounding: Bounding, *, forbidden: bool | None
) -> Gain:
    if not entry.capability or who.uid == 0:
        return Gain.NO
    capabilities = file_capabilities(entry.capability)
    if capabilities is None or who.uid is None:
        return Gain.MAYBE
    return _grown(capabilities, bounding, forbidden=forbidden)


def _grown(capabilities: FileCapabilities, bounding: Bounding, *, forbidden: bool | None) -> Gain:
    """Judge capabilities for a user; the effective bit counts even under no_new_privs."""
    if capabilities.effective:
        return Gain.YES
    if forbidden or not capabilities.permitted & bounding.possible:
        return Gain.NO
    certain = bool(capabilities.permitted & bounding.certain)
    if certain and forbidden is False:
        return Gain.YES
    return Gain.MAYBE
