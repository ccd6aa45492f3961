"""Find a command as runtimes, shells and ``execvp`` do: as is if it has a slash, else along PATH.

Sources: Go's ``os/exec.LookPath`` (what runc calls), execvp(3), POSIX "Command Search and Execution". All of them take
the first candidate that is a file with an x bit, and go on past others.
"""

import posixpath
from dataclasses import dataclass

from elfgate.linkage.attempt import Attempt, Doubt, Hidden, Process
from elfgate.linkage.credentials import executable
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.tree import Found

# confstr(_CS_PATH): where execvp searches if there is no PATH. musl's has /usr/local/bin before.
NO_PATH = "/usr/local/bin:/bin:/usr/bin"


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command's name leads.

    Attributes:
        path: What is passed to ``execve``; None if nothing was found.
        refused: A candidate that is there but cannot be executed, if nothing better was found.
        doubt: Why another file may be meant.
    """

    path: str | None
    refused: str = ""
    doubt: Doubt | None = None


def find_command(attempt: Attempt, process: Process, name: str, *, actor: str = "runtime") -> Command:
    """Find a command for a process.

    Args:
        attempt: The world.
        process: Whose PATH and working directory count.
        name: The command as written, not empty.
        actor: Who searches, for the walk.
    """
    if "/" in name:
        return Command(name, doubt=process.doubt)
    doubt, refused = process.doubt or process.env_doubt("PATH"), ""
    for directory in process.env.get("PATH", NO_PATH).split(":"):
        path = posixpath.join(directory or ".", name)
        found = attempt.lookup(path, process.cwd)
        if isinstance(found, Hidden):
            doubt = doubt or found.doubt
        elif isinstance(found, Found) and executable(found.entry, attempt.who):
            attempt.step(actor, f"{name} in {directory or '.'}", found.path)
            return Command(path, doubt=doubt)
        elif isinstance(found, Found) and found.entry.kind is not Kind.DIRECTORY:
            refused = refused or path
        attempt.step(actor, f"{name} in {directory or '.'}", "no x bit" if isinstance(found, Found) else "not found")
    return Command(None, refused, doubt)
