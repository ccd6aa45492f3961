"""The mapping of a file's segments, and whether it can be entered then."""

from elfgate.elf.facts import Type
from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.kernel.pages import LARGER_PAGES, SMALLEST, cut_off, mappable
from elfgate.linkage.kernel.program import Mapped
from elfgate.linkage.kernel.segments import (
    doubtful,
    is_bound_by_a_loader,
    is_moved,
    not_entered,
)
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code
from elfgate.linkage.world import Process, World

_ALLOCATOR_HINT = "jemalloc-page-size"


def mapped(world: World, record: Record, process: Process, image: Mapped, wrong: str) -> bool:
    """Map the segments.

    What is wrong whatever the pages, page congruence, then whether the file holds them.
    """
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
    is_alone = image.facts.interp is None and image.facts.loader is None
    cut = cut_off(image.facts, sizes[-1], is_alone=is_alone)
    if cut:
        message = (
            f"{image.path} is truncated: its segments reach past the end of its "
            f"{image.facts.file_size} bytes"
        )
        record.failed(Code.EXEC_FORMAT, image.path, message, messages.FIX_TRUNCATED, process.doubt)
    elif cut is None:
        message = f"{image.path} is truncated, and may need what is missing"
        record.unknown(image.path, message, UnknownReason.SHAPE_UNKNOWN)
    return cut is False


def entered(world: World, record: Record, process: Process, image: Mapped) -> bool:
    """Enter a loader, or a program.

    The kernel does if it has no loader, else the loader, when it has loaded all.
    """
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


def self_contained(world: World, record: Record, process: Process, image: Mapped) -> bool:
    """Tell a program without a loader from a library run by mistake.

    Such a program is static, static-pie, a loader, or packed.

    Linkers up to binutils 2.34 give libraries an entry point too, where their code begins. What a
    library takes from others nobody has bound, and what it returns to is nobody's.
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
        message = (
            f"{image.path} is a dynamically linked program that names no loader: nothing resolves "
            "its first call"
        )
        record.failed(Code.EXEC_FORMAT, image.path, message, messages.FIX_BUILD, process.doubt)
        return False
    takes = facts.undefined.strong > 0  # what nobody binds then
    needs = takes or bool(facts.needed)
    alone = bool(facts.entry) and not (needs or facts.soname or is_moved(facts))
    if facts.loader is not None or (alone if facts.type == Type.DYN else not facts.needed):
        return True
    if facts.type != Type.DYN or (facts.entry and not (takes and (facts.soname or not facts.pie))):
        message = f"{image.path} names no loader, but looks like a dynamically linked file"
        record.unknown(image.path, message, UnknownReason.SHAPE_UNKNOWN)
    else:
        message = f"{image.path} is a shared library, not a program: it has no loader to start it"
        record.wrong_format(image.path, message, process.doubt)
    return False
