"""Find a command as runtimes, shells and ``execvp`` do: as is if it has a slash, else along PATH.

Sources: Go's ``os/exec.LookPath`` (what runc calls), crun's ``find_executable``, execvp(3) (glibc
``posix/execvpe.c``, musl ``src/process/execvp.c``), POSIX "Command Search and Execution", dash
``exec.c`` (``shellexec``). All of them take the first candidate that is a file with an x bit, and
go on past others. runtimes and bash look only; execvp and other shells try, and go on also past
what the kernel cannot start because a file is missing.
"""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from elfgate.errors import UnknownReason
from elfgate.linkage.credentials import executable
from elfgate.linkage.environment import doubt_of, guess_of
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code, Effect, Finding
from elfgate.linkage.values import Doubt, Unset
from elfgate.linkage.work import CHARACTERS
from elfgate.linkage.world import Hidden, Process, World
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.tree import Found, Missing

# confstr(_CS_PATH): where execvp searches if there is no PATH. musl's has /usr/local/bin before.
NO_PATH = "/usr/local/bin:/bin:/usr/bin"

_MUSL_ALONE = frozenset({"/usr/local/bin"})
_OF_MUSL_ALONE = Doubt(
    UnknownReason.SHAPE_UNKNOWN,
    "only musl searches /usr/local/bin where PATH is not set",
)
_LOOK_FIRST = frozenset(
    {"bash", "rbash", "ksh", "mksh", "gosu"}
)  # and execute what they have found, or nothing
_PASSED_OVER = frozenset(
    {
        Code.COMMAND_MISSING,
        Code.COMMAND_NOT_EXECUTABLE,
        Code.SCRIPT_INTERPRETER_MISSING,
        Code.LOADER_MISSING,
    }
)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The file that a command's name leads to.

    Attributes:
        path: What is passed to ``execve``; None if nothing was found.
        further: What is found further along PATH, for those who go on past what cannot be started.
        refused: A candidate that is there but cannot be executed, if nothing better was found.
        dangling: A candidate that is a link to what is missing, and that.
        relative: It was found by an element of PATH that is not absolute.
        doubt: Why another file may be meant.
    """

    path: str | None
    further: tuple[str, ...] = ()
    refused: str = ""
    dangling: tuple[str, str] | None = None
    relative: bool = False
    doubt: Doubt | None = None


def find_command(
    world: World, record: Record, process: Process, name: str, *, actor: str = "runtime"
) -> Resolved:
    """Find a command for a process.

    Args:
        world: The world.
        record: Takes what is found.
        process: Whose PATH and working directory count.
        name: The command as written, not empty.
        actor: Who searches, for the walk.
    """
    if "/" in name:
        return Resolved(name, doubt=process.doubt)
    searched = process.env.get("PATH")
    doubt, refused = process.doubt or doubt_of(searched), ""
    dangling: tuple[str, str] | None = None
    text = NO_PATH if isinstance(searched, Unset) else guess_of(searched)
    by_execvp = isinstance(searched, Unset) and actor != "runtime"
    passed = _MUSL_ALONE if by_execvp and world.distro.libc == "glibc" else frozenset()
    world.work.spend(len(text) // CHARACTERS)
    directories = text.split(":")
    for number, directory in enumerate(directories, 1):
        path = posixpath.join(directory or ".", name)
        found = world.lookup(path, process.cwd)
        if isinstance(found, Hidden):
            doubt = doubt or found.doubt
        elif isinstance(found, Found) and found.entry.kind is Kind.UNREADABLE:
            because = f"{found.path} could not be read"
            doubt = doubt or Doubt(UnknownReason.LIMIT_EXCEEDED, because)
        elif isinstance(found, Found) and directory in passed:
            doubt = doubt or _OF_MUSL_ALONE
        elif isinstance(found, Found) and executable(found.entry, world.who):
            record.step(actor, f"{name} in {directory or '.'}", found.path)
            world.work.spend(len(directories) - number)
            further = (posixpath.join(later or ".", name) for later in directories[number:])
            return Resolved(path, tuple(further), relative=not path.startswith("/"), doubt=doubt)
        elif isinstance(found, Found) and found.entry.kind is not Kind.DIRECTORY:
            refused = refused or path
        elif isinstance(found, Missing) and _is_dangling(found, name):
            dangling = dangling or (path, posixpath.join(found.path, found.beyond))
        record.step(
            actor,
            f"{name} in {directory or '.'}",
            "no x bit" if isinstance(found, Found) else "not found",
        )
    return Resolved(None, refused=refused, dangling=dangling, doubt=doubt)


def _is_dangling(missing: Missing, name: str) -> bool:
    return any(posixpath.basename(link) == name for link in missing.symlinks)


def goes_on(starter: str) -> bool:
    """Tell whether a program that starts others tries what is found further along PATH.

    Args:
        starter: Its real path; empty for a runtime.
    """
    return bool(starter) and posixpath.basename(starter) not in _LOOK_FIRST


def passed_over(findings: Sequence[Finding], *, by_shell: bool) -> bool:
    """Tell whether one who goes on does so past what was found: ENOENT, ENOTDIR and EACCES.

    Shells past ELIBBAD too.
    """
    codes = {finding.code if finding.effect is Effect.FAILS else None for finding in findings}
    return codes <= (_PASSED_OVER | {Code.LOADER_MISMATCH} if by_shell else _PASSED_OVER)
