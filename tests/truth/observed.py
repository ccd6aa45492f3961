"""What an outcome says: whether the program started and, in elfgate's own codes, why it did not.

The words are those of glibc (``elf/dl-*.c``), musl (``ldso/dynlink.c``), the shells and ``env``. Where user emulation
says something in the kernel's place, it is put back: qemu prints "Could not open" where execve returns ENOENT.
"""

import re
from dataclasses import dataclass

from elfgate.linkage.report import Code
from lab.sandbox import Outcome

_MISSING = {
    "command": Code.COMMAND_MISSING,
    "script_interpreter": Code.SCRIPT_INTERPRETER_MISSING,
    "loader": Code.LOADER_MISSING,
}
_ERRNO = {
    "EACCES": Code.COMMAND_NOT_EXECUTABLE,
    "ENOEXEC": Code.EXEC_FORMAT,
    "ELIBBAD": Code.LOADER_MISMATCH,
    "EIO": Code.LOADER_MISMATCH,
}
_ABSENT = ("ENOENT", "ENOTDIR")
_WORDS = [  # the first that a line matches, lines from the top
    (r"Could not open '.*'", Code.LOADER_MISSING),
    (r"Invalid ELF image for this architecture", Code.EXEC_FORMAT),
    (r"cannot open shared object file: No such file", Code.LIBRARY_MISSING),
    (r"ELF load command address/offset not (page-aligned|properly aligned)", Code.PAGE_SIZE),
    (r"CPU ISA level is lower than required", Code.CPU_LEVEL),
    (r"Fatal glibc error: .*CPU|CPU lacks", Code.CPU_LEVEL),
    (r"FATAL: kernel too old", Code.KERNEL_TOO_OLD),
    (r"version `[^']+' not found", Code.SYMBOL_VERSION_MISSING),
    (r"symbol lookup error|undefined symbol", Code.SYMBOL_MISSING),
    (r"error while loading shared libraries", Code.LIBRARY_MISMATCH),
    (r"Error loading shared library .*: No such file", Code.LIBRARY_MISSING),
    (r"Error loading shared library", Code.LIBRARY_MISMATCH),
    (r"Error relocating .*: symbol not found", Code.SYMBOL_MISSING),
    (r"Error relocating .*: unsupported relocation", Code.LIBRARY_MISMATCH),
]
_PRELOAD = (
    "from LD_PRELOAD cannot be preloaded|from /etc/ld.so.preload cannot be preloaded|no version information available"
)
_SHELL = [  # said by whoever called execve; read only with the exit status that goes with it
    (r"(Exec format error|cannot execute binary file)", Code.EXEC_FORMAT),
    (r"[Pp]ermission denied", Code.COMMAND_NOT_EXECUTABLE),
]
_FATAL = {"SIGSEGV", "SIGBUS", "SIGILL", "SIGABRT", "SIGFPE", "SIGSYS", "SIGTRAP", "SIGKILL"}


@dataclass(frozen=True, slots=True)
class Observed:
    """What happened.

    Attributes:
        started: The program ran.
        code: Why it did not, if that was said.
        words: In whose words.
    """

    started: bool
    code: Code | None = None
    words: str = ""


def observe(outcome: Outcome) -> Observed:
    """Read an outcome.

    Raises:
        ValueError: if the program could not be tried.
    """
    if outcome.failed:
        raise ValueError(outcome.failed)
    if outcome.errno:
        return Observed(started=False, code=_of_errno(outcome), words=outcome.errno)
    if outcome.timed_out:
        return Observed(started=True, words="still running")
    lines = [line for line in outcome.stderr.splitlines() if not re.search(_PRELOAD, line)]
    for line in lines:
        for pattern, code in _WORDS:
            if re.search(pattern, line):
                return Observed(started=False, code=code, words=line)
    if outcome.status in {126, 127} and lines:
        return Observed(started=False, code=_of_shell(outcome, lines), words=lines[-1])
    if outcome.signal in _FATAL:
        return Observed(started=False, words=outcome.signal)
    return Observed(started=True, words=f"exit {outcome.status}" if outcome.status is not None else outcome.signal)


def _of_errno(outcome: Outcome) -> Code | None:
    if outcome.errno in _ABSENT or (outcome.errno == "ELOOP" and outcome.missing == "command"):
        return _MISSING[outcome.missing]
    return _ERRNO.get(outcome.errno)


def _of_shell(outcome: Outcome, lines: list[str]) -> Code | None:
    for line in lines:
        for pattern, code in _SHELL:
            if re.search(pattern, line):
                return code
        if re.search(r"not found|No such file|required file", line):
            return _MISSING[outcome.missing]
    return None
