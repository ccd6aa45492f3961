"""Programs that are given to a dynamic loader on its command line: ``ld.so [OPTION…] PROGRAM [ARG…]``.

Sources: ld.so(8); glibc ``elf/rtld.c`` (``dl_main``), musl ``ldso/dynlink.c`` (``__dls3``). The loader opens the
program itself: it needs neither an execute bit nor a PT_INTERP.
"""

from dataclasses import replace

from elfgate.errors import UnknownReason
from elfgate.linkage import words
from elfgate.linkage.attempt import Attempt, Hidden, Process
from elfgate.linkage.glibc_verify import Skip, is_of_same_kind, verify
from elfgate.linkage.kernel import Image, Program
from elfgate.linkage.report import Code
from elfgate.rootfs.tree import Found, Missing

_FLAGS = frozenset({"--list"})  # it loads all the same, and ends then
_TOLD = frozenset({"--help", "--version", "--verify", "--list-tunables", "--list-diagnostics"})
_VARIABLES = {"--library-path": "LD_LIBRARY_PATH", "--preload": "LD_PRELOAD", "--argv0": ""}


def given_to_loader(attempt: Attempt, started: Program) -> Program | None:
    """Find the program that a loader was started with.

    Args:
        attempt: The world; a program that is not there is recorded.
        started: What the kernel has started.

    Returns:
        The program as the loader would load it; None if it was not a loader, or is not followed.
    """
    if started.loader is not None or started.image.facts.loader is None:
        return None
    process = _arguments(started.process)
    if process is None:
        option = next((word for word in started.process.argv[1:2] if word.startswith("--")), "")
        if option and option.partition("=")[0] not in _TOLD:
            message = f"{started.image.path} is given options that are not followed, beginning with {option}"
            attempt.unknown(started.image.path, message, UnknownReason.SHAPE_UNKNOWN)
        return None
    if "/" not in process.argv[0]:
        return None
    path = process.argv[0]
    found = attempt.lookup(path, process.cwd)
    if isinstance(found, Hidden):
        attempt.unknown(found.path, found.doubt.because, found.doubt.reason)
    elif isinstance(found, Missing):
        message = f"{started.image.path} is to load {words.command_missing(path, found, attempt.variant)}"
        attempt.failed(Code.LIBRARY_MISSING, path, message, words.FIX_COMMAND, process.doubt)
    else:
        return _program(attempt, started, process, found)
    return None


def _program(attempt: Attempt, started: Program, process: Process, found: Found) -> Program | None:
    facts = attempt.tree.facts(found)
    about = started.image.facts.loader
    if about is not None and about.libc == "glibc":
        wrong = verify(found.entry, facts, started.image.facts, debian=False)
        if isinstance(wrong, Skip) or facts is None:
            code = Code.LIBRARY_MISSING if isinstance(wrong, Skip) else Code.LIBRARY_MISMATCH
            what = wrong.why if isinstance(wrong, Skip) else wrong
            message = f"{started.image.path} is to load {found.path}, which {what}"
            attempt.failed(code, found.path, message, words.FIX_MISMATCH, process.doubt)
            return None
    if facts is None or facts.malformed or not facts.dynamic or not is_of_same_kind(facts, started.image.facts):
        return None
    loader = replace(started.image, name=facts.interp or started.image.name)
    return Program(Image(process.argv[0], found.path, facts), loader, process)


def _arguments(process: Process) -> Process | None:
    """Take the loader's own options off; None if one of them is not known here, or nothing is left."""
    rest, env, unknown = list(process.argv[1:]), dict(process.env), process.unknown_env
    while rest and rest[0].startswith("--"):
        option, equals, value = rest.pop(0).partition("=")
        if option == "--" and not equals:
            break
        if option in _FLAGS and not equals:
            continue
        if option not in _VARIABLES or not (equals or rest):
            return None
        value = value if equals else rest.pop(0)
        if variable := _VARIABLES[option]:
            env[variable] = value
            unknown -= {variable}
    return replace(process, argv=tuple(rest), env=env, unknown_env=unknown) if rest else None
