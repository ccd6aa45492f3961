"""Programs that are given to a dynamic loader on its command line.

``ld.so [OPTION…] PROGRAM [ARG…]``.

Sources: ld.so(8); glibc ``elf/rtld.c`` (``dl_main``), musl ``ldso/dynlink.c`` (``__dls3``). The
loader opens the program itself: it has to be readable, and needs neither an execute bit nor a
PT_INTERP.
"""

import posixpath
from dataclasses import dataclass, field, replace

from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.environment import doubt_of, guess_of, listed
from elfgate.linkage.kernel.program import Mapped, Program
from elfgate.linkage.loaders.glibc.found import Opened, Refused
from elfgate.linkage.loaders.glibc.releases import release
from elfgate.linkage.loaders.glibc.search import Search
from elfgate.linkage.loaders.glibc.verify import Skip, verify
from elfgate.linkage.loaders.objects import Object
from elfgate.linkage.loaders.same_kind import is_of_same_kind
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code
from elfgate.linkage.values import UNSET, Doubt, Fields, Scalar, Unknown
from elfgate.linkage.world import Hidden, Process, World
from elfgate.rootfs.tree import Found, Missing

_USAGE_SINCE = (2, 33)  # of glibc; before, what is no option was the program's name
_OF_OLD = frozenset(
    {"--library-path", "--inhibit-rpath", "--audit"}
)  # what glibc had before, by release or another
_TOLD = frozenset({"--help", "--version", "--verify", "--list-tunables", "--list-diagnostics"})
_LIST = "--list"  # it loads all the same, and ends then
_COMMON = frozenset({"--library-path", "--preload", "--argv0"})
_VALUES = {
    "glibc": _COMMON
    | {"--audit", "--inhibit-rpath", "--glibc-hwcaps-prepend", "--glibc-hwcaps-mask"},
    "musl": _COMMON,
}
_FLAGS = {"glibc": frozenset({_LIST, "--inhibit-cache"}), "musl": frozenset({_LIST})}
_HWCAPS = Doubt(
    UnknownReason.SHAPE_UNKNOWN, "its loader is told which glibc-hwcaps directories to look into"
)


@dataclass(slots=True)
class _Options:
    """A loader's own command line.

    Attributes:
        rest: What follows the options: the program and its arguments.
        flags: Options without a value.
        values: Options with theirs; the last one counts.
        strange: An option that it does not know, or that lacks its value, for which it tells how it
            is used.
    """

    rest: list[Scalar]
    flags: set[str] = field(default_factory=set)
    values: dict[str, Scalar] = field(default_factory=dict)
    strange: str = ""


def given_to_loader(world: World, record: Record, started: Program) -> Program | None:
    """Find the program that a loader was started with.

    Args:
        world: The world; a program that is not there is recorded.
        record: Takes what is found.
        started: What the kernel has started.

    Returns:
        The program as the loader would load it; None if it was not a loader, or is not followed.
    """
    about = started.image.facts.loader
    if started.loader is not None or about is None or about.libc not in _VALUES:
        return None
    is_old = about.libc == "glibc" and release(about.version) < _USAGE_SINCE
    with_value = _OF_OLD if is_old else _VALUES[about.libc]
    options = _read(started.process.args, about.libc, with_value)
    if options.strange:
        if is_old and options.strange not in _TOLD:
            message = (
                f"{started.image.path} is given options that are not followed, beginning with "
                f"{options.strange}"
            )
            record.unknown(started.image.path, message, UnknownReason.SHAPE_UNKNOWN)
        return None
    if not options.rest:
        return None
    named = options.rest[0]
    if isinstance(named, Unknown):
        message = f"the program that {started.image.path} loads is not known: {named.because}"
        record.unknown(started.image.path, message, UnknownReason.VALUE_UNKNOWN)
        return None
    process = replace(_process(started.process, options, about.libc), name=named)
    if "/" in named or about.libc != "glibc":
        return _find(world, record, started, process, options, path=named)
    path = _searched(world, record, started.image, process)
    return _find(world, record, started, process, options, path=path) if path else None


def _searched(world: World, record: Record, loader: Mapped, process: Process) -> str:
    """Search a program's name without a slash as glibc does: as it searches libraries.

    Empty if that fails.
    """
    name = process.name
    itself = Object(loader.name, loader.path, replace(loader.facts, rpath=None, runpath=None))
    outcome = Search(world, record, process, loader, itself).find(name, itself)
    if isinstance(outcome, Opened):
        return outcome.name
    if isinstance(outcome, Refused):
        # A program at fixed addresses, or one that is marked as a program, is taken here.
        return outcome.path
    message = f"{loader.path} is to load {name}, which it searches as it does libraries"
    doubt = process.doubt or outcome.doubt
    record.failed(Code.LIBRARY_MISSING, name, message, messages.FIX_SLASH, doubt)
    return ""


def _find(
    world: World,
    record: Record,
    started: Program,
    process: Process,
    options: _Options,
    *,
    path: str,
) -> Program | None:
    loader = started.image
    found = world.lookup(path, process.cwd)
    if isinstance(found, Hidden):
        record.unknown(found.path, found.doubt.because, found.doubt.reason)
    elif isinstance(found, Missing):
        message = f"{loader.path} is to load {messages.command_missing(path, found, world.distro)}"
        record.failed(Code.LIBRARY_MISSING, path, message, messages.FIX_COMMAND, process.doubt)
    elif not world.opens(found):
        is_glibc = loader.facts.loader is not None and loader.facts.loader.libc == "glibc"
        message = f"{loader.path} is to load {path}, which user {world.who.uid} may not read"
        code = Code.LIBRARY_MISSING if is_glibc else Code.COMMAND_NOT_EXECUTABLE
        record.failed(code, path, message, messages.FIX_MODE, process.doubt)
    else:
        return _program(world, record, started, process, options, found=found)
    return None


def _program(
    world: World,
    record: Record,
    started: Program,
    process: Process,
    options: _Options,
    *,
    found: Found,
) -> Program | None:
    facts, loader, about = world.facts(found), started.image, started.image.facts.loader
    is_glibc = about is not None and about.libc == "glibc"
    if is_glibc:
        wrong = verify(found.entry, facts, loader.facts, debian=False)
        if isinstance(wrong, Skip) or facts is None:
            code = Code.LIBRARY_MISSING if isinstance(wrong, Skip) else Code.LIBRARY_MISMATCH
            what = wrong.why if isinstance(wrong, Skip) else wrong
            message = f"{loader.path} is to load {found.path}, which {what}"
            record.failed(code, found.path, message, messages.FIX_MISMATCH, process.doubt)
            return None
    if (
        facts is None
        or facts.malformed
        or not facts.dynamic
        or not is_of_same_kind(facts, loader.facts)
    ):
        return None
    # musl goes by the name that it was started under, unless it only lists; glibc by the program's
    # PT_INTERP.
    called = started.process.name
    lists = _LIST in options.flags or called.endswith("ldd")
    name = (facts.interp if is_glibc or lists else called) or loader.name
    opened_as = posixpath.normpath(posixpath.join(process.cwd, process.name))
    return Program(
        Mapped(process.name, found.path, facts),
        replace(loader, name=name),
        process,
        opened_as=opened_as,
    )


def _read(args: Fields, libc: str, with_value: frozenset[str]) -> _Options:
    """Take the loader's own options off. musl also takes a value behind ``=``."""
    options = _Options(list(args.values))
    rest = options.rest
    while rest and isinstance(word := rest[0], str) and word.startswith("--"):
        rest.pop(0)
        option, equals, value = word.partition("=") if libc == "musl" else (word, "", "")
        if word == "--":
            break
        if word in _FLAGS[libc]:
            options.flags.add(word)
        elif option in with_value and (equals or rest):
            options.values[option] = value if equals else rest.pop(0)
        else:
            options.strange = word
            break
    return options


def _process(process: Process, options: _Options, libc: str) -> Process:
    """The process as the loader's options make it: most have an equal among the variables."""
    env: dict[str, Scalar] = {}
    for option, variable in (
        ("--library-path", "LD_LIBRARY_PATH"),
        ("--preload", "LD_PRELOAD"),
        ("--audit", "LD_AUDIT"),
    ):
        value = options.values.get(option)
        if value is None:
            continue
        if option == "--preload" and libc == "glibc":
            # besides the variable, and after it
            env[variable] = listed(process.env.get(variable), value)
        else:
            env[variable] = value
    names = options.values.get("--inhibit-rpath", UNSET)
    inhibited = guess_of(names)
    process = replace(
        process,
        args=Fields(() if _LIST in options.flags else tuple(options.rest[1:]), process.args.more),
        env=process.env.having(env),
        inhibit_cache="--inhibit-cache" in options.flags,
        inhibit_rpath=frozenset((inhibited.removesuffix(":") or inhibited).split(":"))
        if isinstance(names, str)
        else frozenset(),
    ).doubted(doubt_of(names))
    if any("hwcaps" in option for option in options.values):
        return process.doubted(_HWCAPS)
    return process
