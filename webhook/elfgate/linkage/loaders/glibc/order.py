"""The kernel's own library in glibc's list of objects, where an assertion asks for its place.

Source: glibc ``elf/rtld.c`` (``dl_main``). The loader puts itself back into the chain of objects,
between those that come before and after it in the search list, and asserts that the chain has them
side by side. The kernel's library follows the program in the chain, and whoever needs it by name in
the search list.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from elfgate.linkage import messages
from elfgate.linkage.loaders.glibc.search import Search
from elfgate.linkage.loaders.objects import Object, Objects
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code


def check_order(
    record: Record, objects: Objects, search: Search, itself: Object, *, before: int
) -> bool:
    """Judge the order in which a process's objects are first needed.

    Args:
        record: Takes what is found.
        objects: All of the process, in the order in which they were mapped.
        search: The loader's, which knows the name of the kernel's library.
        itself: The loader.
        before: How many of the objects are there before any is needed: the program, and preloads.

    Returns:
        Whether the assertion holds.
    """
    vdso = search.vdso
    user = next((item for item in objects if vdso in item.facts.needed), None)
    if user is None or objects.named(vdso) is not None:
        return True
    order = list(dict.fromkeys(_needed(objects, vdso, before)))
    if vdso not in order or itself not in order or _is_consistent(order, vdso, itself):
        return True
    message = (
        f"{user.path} needs {vdso}, the kernel's own library, right beside the loader: the loader "
        "does not expect it there"
    )
    record.failed(Code.LIBRARY_MISMATCH, user.path, message, messages.FIX_VDSO, objects.doubt)
    return False


def _is_consistent(order: Sequence[Object | str], vdso: str, itself: Object) -> bool:
    """Tell whether the loader's neighbours in the search list are neighbours in the chain."""
    place = order.index(itself)
    first, *others = (item for item in order if item not in (vdso, itself))
    chain = [first, vdso, *others, None]
    previous, following = order[place - 1], [*order, None][place + 1]
    if previous is first and following != vdso:
        previous = vdso  # which the loader sees to itself
    return (previous, following) in pairwise(chain)


def _needed(objects: Objects, vdso: str, before: int) -> Iterator[Object | str]:
    """Yield what is needed, breadth first, behind the program and preloads."""
    yield from objects.items[:before]
    for item in objects:
        for name in (*item.facts.filters, *item.facts.needed):
            known = objects.named(name) or (vdso if name == vdso else None)
            if known is not None:
                yield known
