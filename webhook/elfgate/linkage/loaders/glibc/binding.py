"""The binding of symbols by glibc, and what its loader itself calls of the C library.

Sources: glibc ``elf/dl-reloc.c``, ``elf/dl-call-libc-early-init.c``; ld.so(8).
"""

from collections.abc import Sequence

from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.loaders.glibc.releases import LIBC
from elfgate.linkage.loaders.objects import (
    Object,
    Objects,
)
from elfgate.linkage.loaders.symbols import BY_VERSION, undefined
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code
from elfgate.linkage.values import Doubt
from elfgate.linkage.world import World

_SLOTS_CHECKED = frozenset({3, 62})  # x86: elf_machine_lazy_rel knows no R_*_NONE
_EARLY_INIT, _EARLY_INIT_SINCE = (
    "__libc_early_init",
    (2, 33),
)  # since 2.32, which does not tell its release


def bind(
    world: World,
    record: Record,
    objects: Objects,
    itself: Object,
    doubt: Doubt | None,
    *,
    now: bool,
) -> bool:
    """Bind data relocations, and functions too where binding is not lazy: "symbol lookup error.

    Undefined symbol".
    """
    bound = True
    scope = [item.facts for item in (*objects, itself)]
    lacking = undefined(scope[:-1], scope, BY_VERSION, world.work)
    for item, missing in zip(objects, lacking, strict=True):
        lazy = not (now or item.facts.bind_now)
        names = missing.eager if lazy else missing.eager + missing.lazy
        who = "no loaded library defines"
        if names:
            bound = False
            message = messages.symbols_missing(item.path, names, who)
            record.failed(Code.SYMBOL_MISSING, item.path, message, messages.FIX_SYMBOL, doubt)
        elif lazy and 0 in item.facts.slot_types and item.facts.machine in _SLOTS_CHECKED:
            bound = False
            message = f"{item.path} has a jump slot without a type (unexpected PLT reloc type 0x00)"
            record.failed(Code.LIBRARY_MISMATCH, item.path, message, messages.FIX_BUILD, item.doubt)
        elif _is_mixed(item, missing.lazy):
            bound = False
            message = f"{item.path} is of another release of glibc than its loader {itself.path}"
            record.unknown(item.path, message, UnknownReason.SHAPE_UNKNOWN)
        elif missing.lazy:
            message = (
                f"{messages.symbols_missing(item.path, missing.lazy, who)}: it fails at the first "
                "call"
            )
            record.note(Code.SYMBOL_MISSING, item.path, message, messages.FIX_SYMBOL)
    return bound


def initialised(
    record: Record, objects: Objects, version: tuple[int, ...], doubt: Doubt | None
) -> bool:
    """Judge whether the loader finds in the C library what it calls.

    ``_dl_call_libc_early_init``, an assertion.
    """
    libc = next((item for item in objects if item.facts.soname == LIBC), None)
    if libc is None or version < _EARLY_INIT_SINCE or libc.facts.exports(_EARLY_INIT):
        return True
    message = (
        f"{libc.path} lacks {_EARLY_INIT}, which its loader calls: it is of another release, or "
        "no C library"
    )
    record.failed(Code.SYMBOL_MISSING, libc.path, message, messages.FIX_SYMBOL, doubt)
    return False


def _is_mixed(item: Object, missing: Sequence[str]) -> bool:
    """Tell a C library whose loader lacks what only the two of them share.

    They differ in what no symbol tells, too.
    """
    if not missing:
        return False
    private = {symbol.name for symbol in item.facts.undefined if symbol.version == "GLIBC_PRIVATE"}
    return not private.isdisjoint(missing)
