"""``execve`` as the kernel does it.

Scripts, the ELF header, the loader that the file asks for, and its segments.

Sources: Linux ``fs/exec.c``, ``fs/binfmt_script.c``, ``fs/binfmt_elf.c``.
"""

from dataclasses import replace

from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.kernel.arguments import too_long
from elfgate.linkage.kernel.interpreter import loader_of
from elfgate.linkage.kernel.machines import (
    Taken,
    begins_with_code,
    describe,
    is_of_first_power_abi,
    taken,
)
from elfgate.linkage.kernel.mapping import (
    entered,
    mapped,
    page_sizes,
    self_contained,
)
from elfgate.linkage.kernel.opening import opened
from elfgate.linkage.kernel.privilege import becomes, gain, lacking
from elfgate.linkage.kernel.program import Mapped, Program
from elfgate.linkage.kernel.segments import (
    unmappable,
)
from elfgate.linkage.kernel.shebang import shebang
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code, Role
from elfgate.linkage.world import Process, World
from elfgate.rootfs.entry import Entry
from elfgate.rootfs.tree import Found

SCRIPT_DEPTH = (
    5  # exec_binprm: "This allows 4 levels of binfmt rewrites before failing hard", plus the first
)
_LONG_LINES_SINCE, _SHORT_LINE = (5, 1, 0), 127  # bytes of a script's first line
_WEBASSEMBLY = b"\0asm"  # a module's first bytes (WebAssembly core specification, binary format)


def execve(world: World, record: Record, process: Process, path: str) -> Program | None:
    """Start a file.

    Args:
        world: The world; what fails is recorded there.
        record: Takes what is found.
        process: What is passed on; ``argv`` as the caller passes it.
        path: The file, absolute or relative to the working directory.

    Returns:
        What runs then, or None if nothing does or it cannot be told.
    """
    script = ""
    for _ in range(SCRIPT_DEPTH + 1):
        found = opened(world, record, process, path, script)
        if found is None:
            return None
        facts = world.facts(found)
        if facts is not None:
            record.take(Role.PROGRAM, found.path, path)
            program = _execute(
                world,
                record,
                process,
                Mapped(path, found.path, facts),
                script,
                entry=found.entry,
            )
            if program is None:
                return None
            return _with_gain(world, program, found.entry)
        line = shebang(found.entry.head) if found.entry.head.startswith(b"#!") else None
        if line is None:
            _no_format(record, process, found, script)
            return None
        if _may_be_cut(world, found):
            message = f"{found.path} has a first line that kernels before 5.1 cut short"
            record.unknown(found.path, message, UnknownReason.NODE_FACT_UNKNOWN)
            return None
        record.take(Role.SCRIPT, found.path, path)
        record.step(
            "kernel",
            f"#! of {path}",
            f"{line.interpreter} {line.argument or ''}".rstrip(),
        )
        argument = () if line.argument is None else (line.argument,)
        args = process.args.behind(*argument, path)
        process = replace(process, name=line.interpreter, args=args)
        script, path = path, line.interpreter
    message = (
        f"{script} and the scripts that it names as interpreters go deeper than the "
        f"{SCRIPT_DEPTH} levels allowed"
    )
    record.failed(
        Code.SCRIPT_INTERPRETER_MISSING,
        script,
        message,
        messages.FIX_INTERPRETER,
        process.doubt,
    )
    return None


def _may_be_cut(world: World, script: Found) -> bool:
    """Tell whether the node's kernel reads less of a first line than there is (BINPRM_BUF_SIZE)."""
    kernel = world.node.kernel
    line = script.entry.head.partition(b"\n")[0]
    return kernel is not None and kernel < _LONG_LINES_SINCE and len(line) >= _SHORT_LINE


def passed_on(world: World, record: Record, process: Process, path: str) -> bool:
    """Judge whether the kernel passes a command line and an environment on to a program.

    It does not matter where the program is.
    """
    sizes = page_sizes(world)
    wrong = too_long(process, world.architecture, sizes, world.work)
    if wrong is None:
        return True
    message = messages.too_long(path, wrong.what, wrong.size, wrong.limit)
    if wrong.certain:
        record.failed(Code.ARGUMENTS_TOO_LONG, path, message, messages.FIX_LENGTH)
    else:
        record.unknown(path, message, UnknownReason.NODE_FACT_UNKNOWN)
    return False


def _no_format(record: Record, process: Process, found: Found, script: str) -> None:
    """Report ENOEXEC for a file that is neither ELF nor a script."""
    if found.entry.head.startswith(_WEBASSEMBLY):
        message = f"{found.path} is a WebAssembly module, which a runtime of its own starts"
        record.unknown(found.path, message, UnknownReason.WEBASSEMBLY)
        return
    what = messages.nature(found.entry)
    subject = f"{script} is run by {found.path}, which" if script else found.path
    record.wrong_format(found.path, f"{subject} {what}", process.doubt)


def _with_gain(world: World, program: Program, entry: Entry) -> Program:
    who, held = world.who, world.bounding
    gained = gain(entry, who, held, forbidden=world.no_new_privileges)
    return replace(program, gain=gained, becomes=becomes(entry, who, held))


def _permitted(world: World, record: Record, process: Process, image: Mapped, entry: Entry) -> bool:
    """Judge the capabilities that a file demands (EPERM)."""
    missing = lacking(entry, world.bounding)
    if missing:
        message = messages.capabilities_missing(image.path, missing)
        code, remedy = Code.COMMAND_NOT_EXECUTABLE, messages.FIX_CAPABILITY
        record.failed(code, image.path, message, remedy, process.doubt)
    elif missing is None:
        message = messages.capabilities_unknown(image.path)
        record.unknown(image.path, message, UnknownReason.VALUE_UNKNOWN)
    return missing == ()


def _execute(
    world: World,
    record: Record,
    process: Process,
    image: Mapped,
    script: str,
    *,
    entry: Entry,
) -> Program | None:
    """``load_elf_binary``: header, PT_INTERP, and, past the point of no return, the segments."""
    if not _header_taken(world, record, process, image, script):
        return None
    facts, loader = image.facts, None
    if facts.interp is not None or facts.interp_malformed:
        loader = loader_of(world, record, process, image)
        if loader is None:
            return None
    if not (
        _permitted(world, record, process, image, entry)
        and mapped(world, record, process, image, unmappable(facts))
        and _leads(world, record, process, image, loader)
    ):
        return None
    if is_of_first_power_abi(facts):
        _by_descriptor(record, process, image, loader or image)
        return None
    if loader is None or entered(world, record, process, loader):
        return Program(image, loader, process)
    return None


def _leads(
    world: World,
    record: Record,
    process: Process,
    image: Mapped,
    loader: Mapped | None,
) -> bool:
    """Map the loader, or find that the program does without one."""
    if loader is None:
        return self_contained(world, record, process, image)
    return mapped(world, record, process, loader, unmappable(loader.facts, is_loader=True))


def _by_descriptor(record: Record, process: Process, image: Mapped, first: Mapped) -> None:
    """Judge a program that is entered by a function descriptor.

    It dies of it, or it cannot be told.
    """
    message = (
        f"{image.path} is not marked as of POWER's second ABI: the kernel enters it by a function "
        "descriptor"
    )
    if begins_with_code(first.facts):
        message = f"{message}, but {first.path} begins with code"
        record.wrong_format(image.path, message, process.doubt)
    else:
        record.unknown(image.path, message, UnknownReason.SHAPE_UNKNOWN)


def _header_taken(
    world: World, record: Record, process: Process, image: Mapped, script: str
) -> bool:
    facts = image.facts
    answer = taken(facts, world.architecture, world.node)
    subject = f"{script} is run by {image.path}, which" if script else image.path
    if facts.malformed or answer is Taken.NO:
        wrong = f"is not a valid ELF file: {facts.malformed}" if facts.malformed else (
            f"is {describe(facts)}, which {world.architecture.name} nodes cannot run"
        )  # fmt: skip
        record.wrong_format(image.path, f"{subject} {wrong}", process.doubt)
        return False
    if answer is Taken.UNKNOWN:
        message = (
            f"{subject} is a 32-bit program, which only some {world.architecture.name} kernels run"
        )
        record.unknown(image.path, message, UnknownReason.NODE_FACT_UNKNOWN)
        return False
    if answer is Taken.NOT_EVERYWHERE:
        message = f"{subject} is {describe(facts)}, which only CPUs with AArch32 run"
        record.note(Code.EXEC_FORMAT, image.path, message)
    return True
