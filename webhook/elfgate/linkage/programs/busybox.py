"""Busybox, which is many programs in one: the applet that is called, and options that it lacks.

Source: busybox ``libbb/appletlib.c``.
"""

import posixpath
from dataclasses import replace
from itertools import takewhile

from elfgate.linkage.kernel.program import Program
from elfgate.linkage.world import Process


def applet(program: Program) -> Program:
    """Take ``busybox APPLET …`` for the applet: its first argument is the command then."""
    process = program.process
    called = posixpath.basename(process.name)
    applet = process.args.values[0] if process.args.values else None
    if not is_busybox(program) or not called.startswith("busybox") or not isinstance(applet, str):
        return program
    rest = process.args.without_first()
    return replace(program, process=replace(process, name=applet, args=rest))


def is_busybox(program: Program) -> bool:
    """Tell whether a program is an applet of busybox."""
    return posixpath.basename(program.image.path).startswith("busybox")


def has_other_options(program: Program) -> bool:
    """Tell whether busybox's applet of that name would not know the options: no long ones."""
    if not is_busybox(program):
        return False
    return any(word.startswith("--") and word != "--" for word in _options_of(program.process))


def _options_of(process: Process) -> list[str]:
    """Give the words that stand before the first that is no option."""
    return list(takewhile(lambda word: word.startswith("-"), process.args.prefix))
