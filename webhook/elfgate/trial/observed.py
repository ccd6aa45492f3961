"""An outcome, read: whether the program started and, in elfgate's own codes, why it did not.

The words are those of glibc (``elf/dl-*.c``), musl (``ldso/dynlink.c``), gcompat, the shells and
``env``. Where user emulation speaks in the kernel's place, that is put back: qemu prints "Could not
open" where execve returns ENOENT.
"""

import re
from dataclasses import dataclass

from elfgate.linkage.report import Code
from elfgate.trial.start import Outcome

_MISSING = {
    "command": Code.COMMAND_MISSING,
    "script_interpreter": Code.SCRIPT_INTERPRETER_MISSING,
    "loader": Code.LOADER_MISSING,
    "user": Code.USER_MISSING,
}
_FORBIDDEN = {
    "command": Code.COMMAND_NOT_EXECUTABLE,
    "script_interpreter": Code.SCRIPT_INTERPRETER_MISSING,
    "loader": Code.LOADER_MISMATCH,
}
_ERRNO = {"ENOEXEC": Code.EXEC_FORMAT, "ELIBBAD": Code.LOADER_MISMATCH}
_WORDS: list[tuple[str, Code | None]] = [  # the first that a line matches, lines from the top
    (r"Could not open '.*'", Code.LOADER_MISSING),
    (r"(binfmt-P|qemu-\S+): {program}: Invalid ELF image for this architecture", Code.EXEC_FORMAT),
    (r"Invalid ELF image for this architecture", Code.LOADER_MISMATCH),
    (r"^execve: No such file", Code.LOADER_MISSING),  # gcompat's stub, of musl's loader
    (r"cannot open shared object file", Code.LIBRARY_MISSING),
    (
        r"ELF load command (address/offset|alignment) not (page-aligned|properly aligned)",
        Code.PAGE_SIZE,
    ),
    (r"CPU ISA level is lower than required", Code.CPU_LEVEL),
    (r"Fatal glibc error: .*CPU|CPU lacks", Code.CPU_LEVEL),
    (r"This program can only be run on .* processors with", Code.CPU_LEVEL),
    (r"FATAL: kernel too old", Code.KERNEL_TOO_OLD),
    (r"version `[^']+' not found", Code.SYMBOL_VERSION_MISSING),
    (r"Inconsistency detected by ld.so: dl-(lookup|version).c", Code.SYMBOL_VERSION_MISSING),
    (r"Inconsistency detected by ld.so", None),
    (r"symbol lookup error|undefined symbol", Code.SYMBOL_MISSING),
    (r"error while loading shared libraries", Code.LIBRARY_MISMATCH),
    (
        (
            r"Error loading shared library .*: "
            r"(No such file|No error|Permission denied|Symbolic link loop)"
        ),
        Code.LIBRARY_MISSING,
    ),
    (r"Error loading shared library", Code.LIBRARY_MISMATCH),
    (r"Error relocating .*: symbol not found", Code.SYMBOL_MISSING),
    (r"Error relocating .*: unsupported relocation", Code.LIBRARY_MISMATCH),
]
_PRELOAD = (
    "from LD_PRELOAD cannot be preloaded|from /etc/ld.so.preload cannot be preloaded"
    "|no version information available"
)
_STARTER = [  # said by whoever called execve
    (r"([Ee]xec format error|cannot execute binary file)", Code.EXEC_FORMAT),
    (
        r"\d+: ([Ss]yntax error|\S*\x7fELF)",
        Code.EXEC_FORMAT,
    ),  # a shell read it as a script after execve's ENOEXEC
    (r"[Pp]ermission denied|unable to run: .*access denied", Code.COMMAND_NOT_EXECUTABLE),
    (r"invalid option -- 'S'", Code.COMMAND_MISSING),
]
_MISSING_BY_OTHERS = (  # gosu, catatonit, chpst and mksh end with other numbers than 127
    r"^error: exec.*no such file|failed to exec pid1: No such file"
    r"|unable to run: .*does not exist|mksh: .*: No such file"
)
_FATAL = {"SIGSEGV", "SIGBUS", "SIGILL", "SIGABRT", "SIGFPE", "SIGSYS", "SIGTRAP", "SIGKILL"}


@dataclass(frozen=True, slots=True)
class Observed:
    """The reading of an outcome.

    Attributes:
        started: The program ran.
        code: Why it did not, if that was said.
        words: In whose words.
    """

    started: bool
    code: Code | None = None
    words: str = ""


def observe(outcome: Outcome, program: str) -> Observed:
    """Read the outcome of starting ``program``.

    Raises:
        ValueError: if the program could not be tried.
    """
    if outcome.failed:
        raise ValueError(outcome.failed)
    if outcome.errno:
        return Observed(started=False, code=_of_errno(outcome), words=outcome.errno)
    if outcome.timed_out or outcome.ready or outcome.exceeded or outcome.status == 0:
        # What a child of it said is then its own affair.
        words = "exit 0" if outcome.status == 0 else "still running"
        return Observed(started=True, words=words)
    lines = [line for line in outcome.stderr.splitlines() if not re.search(_PRELOAD, line)]
    for line in lines:
        for pattern, code in _WORDS:
            if re.search(pattern.replace("{program}", re.escape(program)), line):
                return Observed(started=False, code=code, words=line)
    if (said := _of_starter(outcome, lines)) is not None:
        return Observed(started=False, code=said, words=lines[0])
    if outcome.signal in _FATAL and not _spoke(outcome):
        return Observed(started=False, words=outcome.signal)
    return Observed(
        started=True,
        words=f"exit {outcome.status}" if outcome.status is not None else outcome.signal,
    )


def _spoke(outcome: Outcome) -> bool:
    """Tell whether the program itself said something before it died.

    It had started then, and died of its own affairs.

    Loaders do not abort, and write to standard error alone. .NET's runtime ends so where there is
    no ICU.
    """
    words = [line for line in outcome.stderr.splitlines() if not line.startswith("qemu: ")]
    return bool(outcome.stdout.strip() or (outcome.signal == "SIGABRT" and words))


def _of_errno(outcome: Outcome) -> Code | None:
    if outcome.errno in {"ENOENT", "ENOTDIR"} or (
        outcome.errno == "ELOOP" and outcome.culprit == "command"
    ):
        return _MISSING[outcome.culprit]
    return _FORBIDDEN[outcome.culprit] if outcome.errno == "EACCES" else _ERRNO.get(outcome.errno)


def _of_starter(outcome: Outcome, lines: list[str]) -> Code | None:
    """A shell's or ``env``'s word on the program that it was to start."""
    for line in lines:
        for pattern, code in _STARTER:
            if re.search(pattern, line):
                return code
        missing = outcome.status == 127 and re.search(r"not found|No such file|required file", line)
        if missing or re.search(_MISSING_BY_OTHERS, line):
            return _MISSING[outcome.culprit or "command"]
    return None
