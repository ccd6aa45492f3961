"""Programs of glibc on musl by way of gcompat, whose stub stands where glibc's loader would.

Source: gcompat ``loader/loader.c`` (of 2017 to 1.1), which is all that the stub does: it executes
musl's loader as ``LOADER --argv0 ARGV0 --preload "LIBGCOMPAT $LD_PRELOAD" -- PROGRAM``, both paths
being built in. ``LOADER``, by which musl takes itself to be called, is the name of glibc's. From
there on musl is as it is: it opens the program, which has to be readable then; what it does not
find ends the start, while a ``LIBGCOMPAT`` that is not there is passed over. What the library makes
up for are the symbols that its file defines.
"""

import posixpath
from dataclasses import replace

from elfgate.elf.facts import LoaderFacts
from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.environment import listed
from elfgate.linkage.kernel.program import Mapped, Program
from elfgate.linkage.loaders.musl.load import load as load_by_musl
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code
from elfgate.linkage.world import World
from elfgate.rootfs.tree import Found, Missing


def load(world: World, record: Record, program: Program, stub: Mapped, about: LoaderFacts) -> None:
    """Load and link a program; report what fails.

    Args:
        world: The world.
        record: Takes what is found.
        program: What the kernel has mapped.
        stub: What its PT_INTERP leads to.
        about: What the stub's file says of itself: the paths of musl's loader and of gcompat's
            library.
    """
    path, *library = about.default_directories
    loader = _loader(world, record, program, stub, path)
    if loader is None or loader.facts.loader is None or not _opens(world, record, program):
        return
    if not library:
        message = f"{program.image.path} is run by gcompat, whose library {stub.path} does not name"
        record.unknown(program.image.path, message, UnknownReason.SHAPE_UNKNOWN)
        return
    env = program.process.env
    preloads = listed(library[0], env.get("LD_PRELOAD"))
    process = replace(program.process, env=env.having({"LD_PRELOAD": preloads}))
    load_by_musl(world, record, replace(program, process=process), loader, loader.facts.loader)


def _loader(
    world: World, record: Record, program: Program, stub: Mapped, path: str
) -> Mapped | None:
    """Find musl's loader; report it if the stub cannot execute it."""
    found = world.lookup(path)
    record.step("gcompat", path, found.path if isinstance(found, Found) else "not found")
    if isinstance(found, Missing) and found.errno == "ENOENT":
        lacking = messages.loader_missing(stub.path, path, found, world.distro)
        message = f"{program.image.path} is run by gcompat, and {lacking}"
        record.failed(
            Code.LOADER_MISSING, path, message, messages.FIX_MUSL_LOADER, program.process.doubt
        )
        return None
    facts = world.facts(found) if isinstance(found, Found) else None
    if facts is None or facts.loader is None or facts.loader.libc != "musl":
        message = f"{program.image.path} is run by gcompat, but {path} is not musl's loader"
        record.unknown(program.image.path, message, UnknownReason.SHAPE_UNKNOWN)
        return None
    return Mapped(posixpath.basename(program.image.facts.interp or stub.path), path, facts)


def _opens(world: World, record: Record, program: Program) -> bool:
    """Judge what the kernel did not ask: musl reads the program itself."""
    found = world.lookup(program.image.path)
    if not isinstance(found, Found) or world.opens(found):
        return True
    message = (
        f"{found.path} is run by gcompat, which has musl open it, but user {world.who.uid} may "
        "not read it"
    )
    record.failed(
        Code.COMMAND_NOT_EXECUTABLE, found.path, message, messages.FIX_MODE, program.process.doubt
    )
    return False
