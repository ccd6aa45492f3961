"""``execve`` as the kernel does it: scripts, the ELF header, the loader that the file asks for, and its segments.

Sources: Linux ``fs/exec.c``, ``fs/binfmt_script.c``, ``fs/binfmt_elf.c``.
"""

from dataclasses import dataclass, replace

from elfgate.elf.facts import ElfFacts, Type
from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.credentials import EXECUTE, Credentials, executable
from elfgate.linkage.kernel.arguments import too_long
from elfgate.linkage.kernel.machines import (
    Taken,
    architecture_of,
    begins_with_code,
    describe,
    is_of_first_power_abi,
    taken,
)
from elfgate.linkage.kernel.pages import LARGER_PAGES, SMALLEST, cut_off, mappable
from elfgate.linkage.kernel.privilege import Gain, becomes, gain, lacking
from elfgate.linkage.kernel.segments import (
    doubtful,
    is_bound_by_a_loader,
    is_moved,
    not_entered,
    unmappable,
)
from elfgate.linkage.kernel.shebang import shebang
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code
from elfgate.linkage.world import Hidden, Process, World
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.tree import Found, Missing

SCRIPT_DEPTH = (
    5  # exec_binprm: "This allows 4 levels of binfmt rewrites before failing hard", plus the first
)
_LONG_LINES_SINCE, _SHORT_LINE = (5, 1, 0), 127  # bytes of a script's first line
_WEBASSEMBLY = b"\0asm"  # a module's first bytes (WebAssembly core specification, binary format)
_ALLOCATOR_HINT = "jemalloc-page-size"
_ELF_HEADER = 64  # bytes of the larger ELF header: a shorter loader gives EIO


@dataclass(frozen=True, slots=True)
class Mapped:
    """An ELF file that the kernel maps.

    Attributes:
        name: As it was named.
        path: Its real path.
        facts: What it says.
    """

    name: str
    path: str
    facts: ElfFacts


@dataclass(frozen=True, slots=True)
class Program:
    """A program that ``execve`` has started.

    Attributes:
        image: The program, behind all scripts.
        loader: What its PT_INTERP leads to; None if it has none.
        process: The process, its argv as the program sees it.
        gain: Whether it gains a privilege by its file.
        becomes: As whom it runs if it does.
        opened_as: The path under which a loader that was started with it has opened it; empty if the kernel has.
    """

    image: Mapped
    loader: Mapped | None
    process: Process
    gain: Gain = Gain.NO
    becomes: Credentials | None = None
    opened_as: str = ""

    @property
    def name(self) -> str:
        """The path that ``$ORIGIN`` is taken from: the kernel's real one (/proc/self/exe)."""
        return self.opened_as or self.image.path


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
        found = _open(world, record, process, path, script)
        if found is None:
            return None
        facts = world.facts(found)
        if facts is not None:
            program = _execute(
                world, record, process, Mapped(path, found.path, facts), script, entry=found.entry
            )
            return None if program is None else _with_gain(world, program, found.entry)
        line = shebang(found.entry.head) if found.entry.head.startswith(b"#!") else None
        if line is None:
            _no_format(record, process, found, script)
            return None
        if _may_be_cut(world, found):
            message = f"{found.path} has a first line that kernels before 5.1 cut short"
            record.unknown(found.path, message, UnknownReason.NODE_FACT_UNKNOWN)
            return None
        record.step("kernel", f"#! of {path}", f"{line.interpreter} {line.argument or ''}".rstrip())
        argument = () if line.argument is None else (line.argument,)
        process = replace(process, argv=(line.interpreter, *argument, path, *process.argv[1:]))
        script, path = path, line.interpreter
    message = f"{script} and the scripts that it names as interpreters go deeper than the {SCRIPT_DEPTH} levels allowed"
    record.failed(
        Code.SCRIPT_INTERPRETER_MISSING, script, message, messages.FIX_INTERPRETER, process.doubt
    )
    return None


def _may_be_cut(world: World, script: Found) -> bool:
    """Tell whether the node's kernel reads less of a first line than there is (BINPRM_BUF_SIZE)."""
    kernel = world.node.kernel
    line = script.entry.head.partition(b"\n")[0]
    return kernel is not None and kernel < _LONG_LINES_SINCE and len(line) >= _SHORT_LINE


def passed_on(world: World, record: Record, process: Process, path: str) -> bool:
    """Judge whether the kernel passes a command line and an environment on to a program, wherever that is."""
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


def _open(world: World, record: Record, process: Process, path: str, script: str) -> Found | None:
    """Open a program, or a script's interpreter, for execution."""
    found = world.lookup(path, process.cwd) if path else Missing("ENOENT", path, ())
    if isinstance(found, Hidden):
        record.step("kernel", path, found.doubt.because)
        record.unknown(found.path, found.doubt.because, found.doubt.reason)
        return None
    record.step("kernel", path, found.path if isinstance(found, Found) else found.errno)
    if isinstance(found, Missing):
        _no_file(world, record, process, path, found, script=script)
        return None
    if found.entry.kind is Kind.UNREADABLE:
        record.unknown(found.path, f"{found.path} could not be read", UnknownReason.LIMIT_EXCEEDED)
        return None
    if not executable(found.entry, world.who):
        why = messages.not_executable(found.entry, world.who)
        if script:
            message = f"{script} is run by {path}, which {why}"
            record.failed(
                Code.SCRIPT_INTERPRETER_MISSING,
                script,
                message,
                messages.FIX_INTERPRETER,
                process.doubt,
            )
        else:
            message = f"{messages.named(path, found.path)} {why}"
            record.failed(
                Code.COMMAND_NOT_EXECUTABLE, found.path, message, messages.FIX_MODE, process.doubt
            )
        return None
    if not world.who.certainly_may(found.entry, EXECUTE) and world.who.uid is not None:
        message = f"whether {found.path} may be executed depends on whether the process is of group {found.entry.gid}"
        record.unknown(found.path, message, UnknownReason.VALUE_UNKNOWN)
        return None
    return found


def _no_file(
    world: World, record: Record, process: Process, path: str, missing: Missing, *, script: str
) -> None:
    if script:
        message = messages.interpreter_missing(script, path, missing, world.distro)
        remedy = messages.fix_interpreter(missing)
        record.failed(Code.SCRIPT_INTERPRETER_MISSING, script, message, remedy, process.doubt)
    elif missing.errno == "EACCES":
        message = (
            f"{path} cannot be reached by user {world.who.uid}: {missing.path} has no x bit for it"
        )
        record.failed(Code.COMMAND_NOT_EXECUTABLE, path, message, messages.FIX_REACH, process.doubt)
    else:
        message = messages.command_missing(path, missing, world.distro, process.cwd)
        remedy = messages.FIX_TARGET if missing.symlinks else messages.FIX_COMMAND
        record.failed(Code.COMMAND_MISSING, path, message, remedy, process.doubt)


def _no_format(record: Record, process: Process, found: Found, script: str) -> None:
    """Report ENOEXEC for a file that is neither ELF nor a script."""
    if found.entry.head.startswith(_WEBASSEMBLY):
        message = f"{found.path} is a WebAssembly module, which a runtime of its own starts"
        record.unknown(found.path, message, UnknownReason.WEBASSEMBLY)
        return
    what = messages.nature(found.entry)
    subject = f"{script} is run by {found.path}, which" if script else found.path
    record.failed(
        Code.EXEC_FORMAT, found.path, f"{subject} {what}", messages.FIX_FORMAT, process.doubt
    )


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
    world: World, record: Record, process: Process, image: Mapped, script: str, *, entry: Entry
) -> Program | None:
    """``load_elf_binary``: header, PT_INTERP, and, past the point of no return, the segments."""
    if not _header_taken(world, record, process, image, script):
        return None
    facts, loader = image.facts, None
    if facts.interp is not None or facts.interp_malformed:
        loader = _interpreter(world, record, process, image)
        if loader is None:
            return None
    if not (
        _permitted(world, record, process, image, entry)
        and _mapped(world, record, process, image, unmappable(facts))
        and _leads(world, record, process, image, loader)
    ):
        return None
    if is_of_first_power_abi(facts):
        _by_descriptor(record, process, image, loader or image)
        return None
    return (
        Program(image, loader, process)
        if loader is None or entered(world, record, process, loader)
        else None
    )


def _leads(
    world: World, record: Record, process: Process, image: Mapped, loader: Mapped | None
) -> bool:
    """Map the loader, or find that the program does without one."""
    if loader is None:
        return _self_contained(world, record, process, image)
    return _mapped(world, record, process, loader, unmappable(loader.facts, is_loader=True))


def _by_descriptor(record: Record, process: Process, image: Mapped, first: Mapped) -> None:
    """Judge a program that is entered by a function descriptor: it dies of it, or it cannot be told."""
    message = f"{image.path} is not marked as of POWER's second ABI: the kernel enters it by a function descriptor"
    if begins_with_code(first.facts):
        message = f"{message}, but {first.path} begins with code"
        record.failed(Code.EXEC_FORMAT, image.path, message, messages.FIX_FORMAT, process.doubt)
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
        record.failed(
            Code.EXEC_FORMAT, image.path, f"{subject} {wrong}", messages.FIX_FORMAT, process.doubt
        )
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


def _interpreter(world: World, record: Record, process: Process, image: Mapped) -> Mapped | None:
    """Open the first PT_INTERP: ENOEXEC, ENOENT, EACCES, EIO and ELIBBAD, in the kernel's order."""
    facts, path = image.facts, image.facts.interp or ""
    if facts.interp_malformed:
        message = f"{image.path} is not a valid ELF file: {facts.interp_malformed}"
        record.failed(Code.EXEC_FORMAT, image.path, message, messages.FIX_FORMAT, process.doubt)
        return None
    found = world.lookup(path or ".", process.cwd)
    if isinstance(found, Hidden):
        record.step("kernel", f"loader {path}", found.doubt.because)
        record.unknown(
            image.path, f"{image.path} needs {path}: {found.doubt.because}", found.doubt.reason
        )
        return None
    record.step("kernel", f"loader {path}", found.path if isinstance(found, Found) else found.errno)
    if isinstance(found, Missing):
        message = messages.loader_missing(image.path, path, found, world.distro)
        code = Code.LOADER_MISMATCH if found.errno == "EACCES" else Code.LOADER_MISSING
        remedy = _fix_loader(world, facts, found)
        record.failed(code, image.path, message, remedy, process.doubt)
        return None
    return _loader(world, record, process, image, found)


def _fix_loader(world: World, facts: ElfFacts, missing: Missing) -> str:
    if missing.errno == "EACCES":
        return messages.FIX_REACH
    return messages.fix_loader(facts, world.distro)


def _loader(
    world: World, record: Record, process: Process, image: Mapped, found: Found
) -> Mapped | None:
    loader = world.facts(found)
    if found.entry.kind is Kind.UNREADABLE:
        record.unknown(found.path, f"{found.path} could not be read", UnknownReason.LIMIT_EXCEEDED)
        return None
    remedy = messages.fix_loader(image.facts, world.distro)
    if not executable(found.entry, world.who):
        wrong = messages.not_executable(found.entry, world.who)
        if found.entry.kind is Kind.FILE:
            remedy = messages.FIX_LOADER_MODE
    elif loader is None or found.entry.size < _ELF_HEADER:
        wrong = messages.nature(found.entry)
    elif loader.malformed:
        wrong = f"is not a valid ELF file: {loader.malformed}"
    elif architecture_of(loader) is not architecture_of(image.facts):
        wrong = f"is {describe(loader)}, not {describe(image.facts)}"
    else:
        return Mapped(image.facts.interp or "", found.path, loader)
    message = f"{image.path} needs the loader {messages.named(image.facts.interp or '', found.path)}, which {wrong}"
    record.failed(Code.LOADER_MISMATCH, image.path, message, remedy, process.doubt)
    return None


def _mapped(world: World, record: Record, process: Process, image: Mapped, wrong: str) -> bool:
    """Map the segments: what is wrong whatever the pages, page congruence, then whether the file holds them."""
    sizes = page_sizes(world)
    if wrong:
        record.failed(
            Code.EXEC_FORMAT, image.path, f"{image.path} {wrong}", messages.FIX_BUILD, process.doubt
        )
        return False
    if not mappable(image.facts, sizes[0]):
        record.failed(
            Code.PAGE_SIZE,
            image.path,
            messages.page_size(image.path, sizes[0]),
            messages.FIX_PAGES,
            process.doubt,
        )
        return False
    for size in sizes[1:]:
        if not mappable(image.facts, size):
            record.note(
                Code.PAGE_SIZE,
                image.path,
                messages.page_size_note(image.path, size),
                messages.FIX_PAGES,
            )
            break
    if _ALLOCATOR_HINT in image.facts.hints and sizes[-1] > SMALLEST:
        record.note(
            Code.PAGE_SIZE,
            image.path,
            messages.allocator_note(image.path, sizes[-1]),
            messages.FIX_ALLOCATOR,
        )
    if uncertain := doubtful(image.facts):
        record.unknown(image.path, f"{image.path} {uncertain}", UnknownReason.NODE_FACT_UNKNOWN)
        return False
    cut = cut_off(image.facts, sizes[-1])
    if cut:
        message = f"{image.path} is truncated: its segments reach past the end of its {image.facts.file_size} bytes"
        record.failed(Code.EXEC_FORMAT, image.path, message, messages.FIX_TRUNCATED, process.doubt)
    elif cut is None:
        message = f"{image.path} is truncated, and may need what is missing"
        record.unknown(image.path, message, UnknownReason.SHAPE_UNKNOWN)
    return cut is False


def entered(world: World, record: Record, process: Process, image: Mapped) -> bool:
    """Enter a loader, or a program: the kernel does if it has no loader, else the loader, when it has loaded all."""
    sizes, path = page_sizes(world), image.path
    barred = {size: wrong for size in sizes if (wrong := not_entered(image.facts, size))}
    if len(barred) < len(sizes):
        if barred:
            record.note(
                Code.PAGE_SIZE, path, messages.page_size_note(path, min(barred)), messages.FIX_PAGES
            )
        return True
    if not_entered(image.facts, SMALLEST):
        record.failed(
            Code.EXEC_FORMAT, path, f"{path} {barred[sizes[0]]}", messages.FIX_BUILD, process.doubt
        )
    else:
        record.failed(
            Code.PAGE_SIZE,
            path,
            messages.page_size(path, sizes[0]),
            messages.FIX_PAGES,
            process.doubt,
        )
    return False


def page_sizes(world: World) -> tuple[int, ...]:
    """Give the node's page size, or all that it may have, smallest first (bytes)."""
    if world.node.page_size is not None:
        return (world.node.page_size,)
    return (SMALLEST, *LARGER_PAGES.get(world.architecture.name, ()))


def _self_contained(world: World, record: Record, process: Process, image: Mapped) -> bool:
    """Tell a program without a loader (static, static-pie, a loader, packed) from a library run by mistake.

    Linkers up to binutils 2.34 give libraries an entry point too, where their code begins. What a library takes from
    others nobody has bound, and what it returns to is nobody's.
    """
    facts = image.facts
    if (
        facts.packed_static and page_sizes(world)[0] == SMALLEST
    ):  # of larger pages nothing is known of its segments
        return True
    if facts.packed:
        message = f"{image.path} is packed (UPX), which hides what it needs"
        record.unknown(image.path, message, UnknownReason.PACKED)
        return False
    if is_bound_by_a_loader(facts):
        message = f"{image.path} is a dynamically linked program that names no loader: nothing resolves its first call"
        record.failed(Code.EXEC_FORMAT, image.path, message, messages.FIX_BUILD, process.doubt)
        return False
    takes = bool(facts.needed) or any(
        not symbol.weak for symbol in facts.undefined
    )  # what nobody binds then
    alone = bool(facts.entry) and not (takes or facts.soname or is_moved(facts))
    if facts.loader is not None or (alone if facts.type == Type.DYN else not facts.needed):
        return True
    if facts.type != Type.DYN or (facts.entry and not (takes and (facts.soname or not facts.pie))):
        message = f"{image.path} names no loader, but looks like a dynamically linked file"
        record.unknown(image.path, message, UnknownReason.SHAPE_UNKNOWN)
    else:
        message = f"{image.path} is a shared library, not a program: it has no loader to start it"
        record.failed(Code.EXEC_FORMAT, image.path, message, messages.FIX_FORMAT, process.doubt)
    return False
