"""The differences between shells: one row for each difference that scripts meet.

Sources: the manuals of dash, bash, mksh and ksh93; busybox ``shell/ash.c``; each row was tried with
the real shell.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Dialect:
    """The features of one kind of shell.

    Attributes:
        name: For messages and as a key.
        arrays: ``name=(…)``, ``name[index]``.
        brackets: ``[[ … ]]`` is a grammar of its own.
        arithmetic_command: ``((…))``.
        process_substitution: ``<(…)``.
        here_string: ``<<<``.
        both_streams: ``&>``.
        function_word: ``function name``.
        braces: ``{a,b}``.
        append: ``name+=value``.
        ansi_quotes: ``$'…'``.
        translated: ``$"…"``.
        slices: ``${name:offset}``.
        replacement: ``${name/a/b}``.
        anchors: ``${name/#a/b}`` and ``${name/%a/b}``: at one end.
        change_case: ``${name^^}``.
        indirect: ``${!name}``.
        extended_patterns: ``@(a|b)``.
        assignments_stay: Those before a special built-in command stay (POSIX 2.14).
        special_errors_end: An error of a special built-in command ends the script (POSIX 2.8.1).
        missing_source_ends: ``. missing`` ends the script.
        errexit_in_substitution: ``set -e`` goes on in ``$(…)``.
        local_keeps: ``local name`` keeps the value that it had; None if that differs.
        equals_twice: ``[ a == b ]``.
        last_pipe: The last command of a pipe runs in the shell itself.
        looks_first: It executes what it has found along PATH, or nothing.
        standalone: It may run tools for which there is no file.
        steps: ``$((x++))``, ``$((a, b))``.
        powers: ``$((a ** b))``.
        reads_files: ``$(< file)`` is the file's text.
        carets: ``[^a]`` is as ``[!a]``; where it is not so, releases differ.
        counts_as_c: Numbers have 64 bits, and a leading zero makes them octal; where it is not so,
            releases differ.
        by_bytes: Lengths and patterns count bytes, whatever the locale; None if that differs.
    """

    name: str
    arrays: bool = False
    brackets: bool = False
    arithmetic_command: bool = False
    process_substitution: bool = False
    here_string: bool = False
    both_streams: bool = False
    function_word: bool = False
    braces: bool = False
    append: bool = False
    ansi_quotes: bool = False
    translated: bool = False
    slices: bool = False
    replacement: bool = False
    anchors: bool = True
    change_case: bool = False
    indirect: bool = False
    extended_patterns: bool = False
    assignments_stay: bool = True
    special_errors_end: bool = True
    missing_source_ends: bool = True
    errexit_in_substitution: bool = True
    local_keeps: bool | None = True
    equals_twice: bool = True
    last_pipe: bool = False
    standalone: bool = False
    steps: bool = True
    powers: bool = True
    reads_files: bool = False
    carets: bool = True
    counts_as_c: bool = True
    by_bytes: bool | None = None

    @property
    def is_bash(self) -> bool:
        """It is bash, by whatever name."""
        return self.name.startswith("bash")


DASH = Dialect(
    "dash",
    equals_twice=False,
    steps=False,
    powers=False,
    carets=False,
    by_bytes=True,
)
BUSYBOX = Dialect(
    "busybox",
    brackets=True,
    both_streams=True,
    function_word=True,
    ansi_quotes=True,
    slices=True,
    replacement=True,
    anchors=False,
    errexit_in_substitution=False,
    local_keeps=None,
    standalone=True,
)
BASH = Dialect(
    "bash",
    arrays=True,
    brackets=True,
    arithmetic_command=True,
    process_substitution=True,
    here_string=True,
    both_streams=True,
    function_word=True,
    braces=True,
    append=True,
    ansi_quotes=True,
    translated=True,
    slices=True,
    replacement=True,
    change_case=True,
    indirect=True,
    extended_patterns=True,
    reads_files=True,
    assignments_stay=False,
    special_errors_end=False,
    missing_source_ends=False,
    errexit_in_substitution=False,
    local_keeps=False,
)
BASH_AS_SH = replace(
    BASH,
    name="bash as sh",
    assignments_stay=True,
    special_errors_end=True,
    missing_source_ends=True,
    errexit_in_substitution=True,
)
KSH = replace(
    BASH,
    name="ksh",
    translated=False,
    change_case=False,
    both_streams=False,
    powers=False,
    carets=False,
    counts_as_c=False,
    assignments_stay=True,
    special_errors_end=True,
    missing_source_ends=True,
    errexit_in_substitution=True,
    last_pipe=True,
)
OTHER = replace(
    KSH,
    name="other",
    change_case=True,
    both_streams=True,
    standalone=True,
)


def dialect_of(file: str, called: str) -> Dialect:
    """Tell a shell's dialect.

    Args:
        file: The base name of the shell's real file.
        called: The base name that it is called by: bash follows POSIX where that is ``sh``.
    """
    if file.startswith("busybox"):
        return BUSYBOX
    if file == "bash":
        if called.lstrip("-") == "sh":
            return BASH_AS_SH
        return BASH
    if file == "dash":
        return DASH
    if file in {"ksh", "ksh93", "mksh", "lksh"}:
        return KSH
    return OTHER
