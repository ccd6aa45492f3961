"""Which symbols of a process nothing defines, and what each loader makes of that.

Sources: ld.so(8) (LD_BIND_NOW), glibc ``elf/dl-reloc.c`` (data relocations are always bound at start, jump slots only
under BIND_NOW), musl ``ldso/dynlink.c`` (``do_relocs``: everything is bound at start). Weak references may stay
undefined in both.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from weakref import ref

from elfgate.elf.exports import Exports
from elfgate.elf.facts import ElfFacts, UndefinedSymbol
from elfgate.linkage.work import Work

_REMEMBERED = 2048
_TRIED = 4  # objects that a unit of work looks a symbol up in


@dataclass(frozen=True, slots=True)
class Undefined:
    """Symbols that one object lacks, by name: those bound at the start, and those bound when called.

    ``cost`` is the work that finding it out took.
    """

    eager: tuple[str, ...] = ()
    lazy: tuple[str, ...] = ()
    cost: int = 0


class _Memory:
    """Answers by identity of the facts: those are shared by all images that hold the same file.

    The facts are not kept for it, as they take far more room than the answer: an identity may be used again after they
    are gone, and is seen to be another's.
    """

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[int, ...], tuple[Undefined, tuple[ref[ElfFacts], ...]]] = (
            OrderedDict()
        )

    def get(self, facts: Sequence[ElfFacts]) -> Undefined | None:
        answer, kept = self._answers.get(tuple(map(id, facts))) or (None, ())
        return (
            answer if all(known() is one for known, one in zip(kept, facts, strict=False)) else None
        )

    def put(self, facts: Sequence[ElfFacts], answer: Undefined) -> None:
        self._answers[tuple(map(id, facts))] = (answer, tuple(map(ref, facts)))
        while len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)


def by_version(exports: Exports, symbol: UndefinedSymbol) -> bool:
    """Choose as glibc does: a symbol of the version that is wanted."""
    return symbol.own or exports.in_version(symbol.name, symbol.version)


def by_name(exports: Exports, symbol: UndefinedSymbol) -> bool:
    """Choose as musl does: whatever version is wanted, the default one is given."""
    return exports.by_default(symbol.name)


Takes: TypeAlias = Callable[[Exports, UndefinedSymbol], bool]

_memories: dict[Takes, _Memory] = {by_version: _Memory(), by_name: _Memory()}


def undefined(facts: ElfFacts, scope: Sequence[ElfFacts], takes: Takes, work: Work) -> Undefined:
    """Find the strong symbols that an object takes from elsewhere and no object of the scope defines.

    Args:
        facts: The object.
        scope: All objects of the process.
        takes: How its loader chooses: ``by_version`` or ``by_name``.
        work: Pays for it, once in a prediction; as much for an answer that is remembered.
    """
    involved, memory = (facts, *scope), _memories[takes]
    key = (takes, *map(id, involved))
    answer = memory.get(involved)
    if answer is not None:
        work.spend_once(key, answer.cost)
        return answer
    left = work.left
    missing = [
        symbol
        for symbol in facts.undefined
        if not symbol.weak and not _defined(symbol, facts, scope, takes, work)
    ]
    cost = left - work.left
    work.spend_once(key, 0)
    answer = Undefined(
        tuple(symbol.name for symbol in missing if not symbol.lazy),
        tuple(symbol.name for symbol in missing if symbol.lazy),
        cost,
    )
    memory.put(involved, answer)
    return answer


def _defined(
    symbol: UndefinedSymbol, facts: ElfFacts, scope: Sequence[ElfFacts], takes: Takes, work: Work
) -> bool:
    """A variable that the object has room for is copied from another one."""
    for number, other in enumerate(scope):
        if takes(other.exports, symbol) and not (symbol.copied and other is facts):
            work.spend(1 + number // _TRIED)
            return True
    work.spend(1 + len(scope) // _TRIED)
    # A function's address, as data refers to it, may be the program's own (ELF_RTYPE_CLASS_PLT).
    return not (symbol.lazy or symbol.copied) and any(
        symbol.name in other.addresses for other in scope
    )
