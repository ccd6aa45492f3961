"""The loading of a program: by which loader, and as whom.

Sources: ld.so(8), "Secure-execution mode"; Linux ``fs/binfmt_elf.c``.
"""

from dataclasses import replace

from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.credentials import Credentials
from elfgate.linkage.kernel.privilege import Gain, secured
from elfgate.linkage.kernel.program import Mapped, Program
from elfgate.linkage.kernel.segments import is_bound_by_a_loader, unloadable
from elfgate.linkage.loaders.libcs import LOADERS
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code
from elfgate.linkage.world import World


def gained_by(world: World, program: Program) -> Credentials:
    """Tell as whom a program runs that gains what its file gives."""
    if program.becomes is None:
        return world.who
    return program.becomes


def load(world: World, record: Record, program: Program, loader: Mapped) -> None:
    """Load a program; one that may gain a privilege as if it did and as if it did not."""
    if program.gain is Gain.NO:
        _link(world, record, program, loader)
        return
    about = loader.facts.loader
    libc = "glibc" if about is not None and about.libc == "glibc" else "musl"
    secure = replace(program, process=secured(program.process, libc))
    who = gained_by(world, program)
    if program.gain is Gain.YES:
        _link(replace(world, who=who), record, secure, loader)
        return
    with_gain, without = record.trial(), record.trial()
    _link(replace(world, who=who), with_gain, secure, loader)
    _link(world, without, program, loader)
    agree = with_gain.codes == without.codes
    record.absorb(without, findings=without.findings if agree else ())
    if not agree:
        record.unknown(
            program.image.path,
            messages.may_be_secure(program.image.path),
            UnknownReason.VALUE_UNKNOWN,
        )


def _link(world: World, record: Record, program: Program, loader: Mapped) -> None:
    about, path = loader.facts.loader, program.image.path
    if about is None and (
        is_bound_by_a_loader(loader.facts) or (loader.facts.interp and loader.facts.needed)
    ):
        message = f"{path} is loaded by {loader.path}, which is no loader, but needs one itself"
        record.failed(
            Code.LOADER_MISMATCH,
            path,
            message,
            messages.fix_loader(program.image.facts, world.distro),
            program.process.doubt,
        )
    elif about is None:
        message = f"{path} is loaded by {loader.path}, which is neither glibc's loader nor musl's"
        record.unknown(loader.path, message, UnknownReason.SHAPE_UNKNOWN)
    elif wrong := unloadable(program.image.facts):
        record.failed(
            Code.EXEC_FORMAT,
            path,
            f"{path} {wrong}",
            messages.FIX_BUILD,
            program.process.doubt,
        )
    else:
        LOADERS[about.libc](world, record, program, loader, about)
