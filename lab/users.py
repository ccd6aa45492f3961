"""Becomes a command in a user namespace of its own in which every user of root's is a user too.

``unshare --map-root-user`` maps one user alone, so that no program could be started as another.
Root may map them all without the set-user-ID helper that others need (user_namespaces(7), "Defining
user and group ID mappings"): a process that stays outside writes the maps.
"""

import ctypes
import os
import sys
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_NEWUSER = 0x10000000  # sched.h
_USERS = 65536


def main() -> None:
    """Enter the namespace and execute the arguments.

    Raises:
        OSError: if the kernel does not allow it.
    """
    reader, writer = os.pipe()
    inside = os.getpid()
    helper = os.fork()
    if helper == 0:
        os.close(writer)
        os.read(reader, 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{inside}/{name}").write_text(f"0 0 {_USERS}\n")
        os._exit(0)
    os.close(reader)
    if _libc.unshare(_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")
    os.close(writer)
    if os.waitpid(helper, 0)[1]:
        raise OSError("the users could not be mapped")
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    main()
