"""The table of built-in commands, and which shell has which.

Source: POSIX.1-2017, Shell Command Language, 2.14; the manuals of bash, dash, busybox and mksh.
"""

from collections.abc import Mapping

from elfgate.linkage.shell.builtins import (
    control,
    getopts,
    options,
    places,
    questions,
    reading,
    sourcing,
    unsetting,
    variables,
)
from elfgate.linkage.shell.calls import Builtin
from elfgate.linkage.shell.syntax.dialect import Dialect

# Errors of these end a script, and assignments before them stay (POSIX 2.8.1, 2.14).
SPECIAL = frozenset(
    [
        ".",
        ":",
        "break",
        "continue",
        "eval",
        "exec",
        "exit",
        "export",
        "readonly",
        "return",
        "set",
        "shift",
        "times",
        "trap",
        "unset",
    ]
)
_POSIX = frozenset(
    [
        ".",
        ":",
        "[",
        "alias",
        "bg",
        "break",
        "cd",
        "chdir",
        "command",
        "continue",
        "echo",
        "eval",
        "exec",
        "exit",
        "export",
        "false",
        "fc",
        "fg",
        "getopts",
        "hash",
        "jobs",
        "kill",
        "local",
        "printf",
        "pwd",
        "read",
        "readonly",
        "return",
        "set",
        "shift",
        "test",
        "times",
        "trap",
        "true",
        "type",
        "ulimit",
        "umask",
        "unalias",
        "unset",
        "wait",
    ]
)
_OF_BUSYBOX = frozenset(["source", "let", "help", "history", "[["])
_OF_BASH = frozenset(
    [
        "bind",
        "builtin",
        "caller",
        "compgen",
        "complete",
        "compopt",
        "coproc",
        "declare",
        "dirs",
        "disown",
        "enable",
        "help",
        "history",
        "let",
        "logout",
        "mapfile",
        "popd",
        "pushd",
        "readarray",
        "shopt",
        "source",
        "suspend",
        "typeset",
    ]
)
_OF_KSH = frozenset(["let", "typeset", "print", "whence", "source", "builtin"])

BUILTINS: Mapping[str, Builtin] = {
    ".": sourcing.source,
    ":": questions.nothing,
    "[": questions.test,
    "alias": questions.renaming,
    "bind": questions.unsure,
    "break": control.leave,
    "cd": places.change_directory,
    "chdir": places.change_directory,
    "continue": control.leave,
    "coproc": questions.beside,
    "declare": variables.declare,
    "echo": questions.echo,
    "enable": questions.renaming,
    "eval": sourcing.eval_,
    "exec": control.exec_,
    "exit": control.exit_,
    "export": variables.declare,
    "false": questions.failing,
    "getopts": getopts.getopts,
    "hash": questions.hash_,
    "kill": questions.kill,
    "let": questions.let,
    "local": variables.declare,
    "mapfile": reading.read_lines,
    "popd": places.pop_directory,
    "printf": questions.printf,
    "pushd": places.push_directory,
    "pwd": places.working_directory,
    "read": reading.read,
    "readarray": reading.read_lines,
    "readonly": variables.declare,
    "return": control.return_,
    "set": options.set_,
    "shift": control.shift,
    "shopt": options.shopt,
    "source": sourcing.source,
    "test": questions.test,
    "times": questions.nothing,
    "trap": control.trap,
    "true": questions.nothing,
    "type": questions.kind,
    "typeset": variables.declare,
    "umask": questions.umask,
    "unalias": questions.unsure,
    "unset": unsetting.unset,
    "wait": control.wait,
}


def builtins_of(dialect: Dialect) -> frozenset[str]:
    """Give the names of the commands that a shell has within itself."""
    return _BY_SHELL.get(dialect.name, _ALL)


_ALL = _POSIX | _OF_BASH | _OF_KSH
_BY_SHELL = {
    "dash": _POSIX,
    "busybox": _POSIX | _OF_BUSYBOX,
    "bash": _POSIX | _OF_BASH,
    "bash as sh": _POSIX | _OF_BASH,
    "ksh": _POSIX | _OF_KSH,
}
