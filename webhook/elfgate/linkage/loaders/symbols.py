"""Which symbols of a process nothing defines, and what each loader makes of that.

Sources: ld.so(8) (LD_BIND_NOW), glibc ``elf/dl-reloc.c`` (data relocations are always bound at
start, jump slots only under BIND_NOW), musl ``ldso/dynlink.c`` (``do_relocs``: everything is bound
at start). Weak references may stay undefined in both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from weakref import ref

from elfgate.elf.exports import EVERYTHING, Exports
from elfgate.elf.facts import ElfFacts
from elfgate.elf.hashing import gnu_hash
from elfgate.elf.wanted import UndefinedSymbol, UndefinedSymbols
from elfgate.linkage.work import Work
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent

_SYMBOLS = declare("missing-symbols", "undefined symbols, by a process's files", max_bytes=4 << 20)
_FILE_BYTES, _SYMBOL_BYTES = 250, 150  # of an entry, for each file and each name
_TRIED = 4  # objects that a unit of work looks a symbol up in
_COMPARED = 20  # symbols that a unit of work compares with those wanted


@dataclass(frozen=True, slots=True)
class Undefined:
    """Symbols that one object lacks, by name.

    Those bound at the start, and those bound when called.
    """

    eager: tuple[str, ...] = ()
    lazy: tuple[str, ...] = ()


def by_version(exports: Exports, value: int, version: str) -> bool:
    """Choose as glibc does: a symbol of the version that is wanted."""
    return exports.in_version(value, version)


def by_name(exports: Exports, value: int, version: str) -> bool:  # noqa: ARG001 - as the other
    """Choose as musl does: whatever version is wanted, the default one is given."""
    return exports.by_default(value)


Takes: TypeAlias = Callable[[Exports, int, str], bool]


@dataclass(frozen=True, slots=True)
class _Answer:
    """The outcome of a process's files.

    The facts are not kept for it, as they take far more room: an identity may be used again after
    they are gone, and is seen to be another's.

    Attributes:
        files: The facts that it is about.
        lacking: By object.
        cost: The work that finding it out took.
    """

    files: tuple["ref[ElfFacts]", ...]
    lacking: tuple[Undefined, ...]
    cost: int

    def is_about(self, scope: Sequence[ElfFacts]) -> bool:
        """Tell whether the facts are still those that it was found for."""
        return all(known() is one for known, one in zip(self.files, scope, strict=True))


_Key: TypeAlias = tuple[Takes, int, tuple[int, ...]]


def _weight(_: _Key, answer: _Answer) -> int:
    names = sum(len(each.eager) + len(each.lazy) for each in answer.lacking)
    return len(answer.files) * _FILE_BYTES + names * _SYMBOL_BYTES


_memory: Recent[_Key, _Answer] = Recent(_SYMBOLS, _weight)


def undefined(
    objects: Sequence[ElfFacts], scope: Sequence[ElfFacts], takes: Takes, work: Work
) -> tuple[Undefined, ...]:
    """Find, for each object, the strong symbols that no object of the scope defines.

    They are those that it takes from elsewhere.

    Args:
        objects: The first of the scope.
        scope: All objects of the process.
        takes: How its loader chooses: ``by_version`` or ``by_name``.
        work: Pays for it, once in a prediction; as much for an answer that is remembered.
    """
    key = takes, len(objects), tuple(map(id, scope))
    answer = _memory.get(key)
    if answer is not None and answer.is_about(scope):
        work.spend_once(key, answer.cost)
        return answer.lacking
    left = work.left
    binding = _Binding(objects, scope, takes, work)
    lacking = tuple([binding.lacking(facts) for facts in objects])
    cost = left - work.left
    work.spend_once(key, 0)
    _memory.put(key, _Answer(tuple(map(ref, scope)), lacking, cost))
    return lacking


class _Binding:
    """The binding of a process's objects.

    Only whether any object defines a symbol is asked, not which one a loader would take.

    Args:
        objects: Those whose symbols are bound.
        scope: All objects of the process.
        takes: How its loader chooses.
        work: Pays for it.
    """

    def __init__(
        self, objects: Sequence[ElfFacts], scope: Sequence[ElfFacts], takes: Takes, work: Work
    ) -> None:
        self._scope = scope
        self._takes = takes
        self._work = work
        self._lacking = self._ungiven([facts.undefined for facts in objects])

    def _ungiven(self, files: Sequence[UndefinedSymbols]) -> set[tuple[int, str]]:
        """Find the symbols that no object defines, by hash and version."""
        wanted: set[tuple[int, str]] = set()
        for symbols in files:
            self._work.spend(symbols.strong)
            wanted |= symbols.plain()
        versions: dict[int, set[str]] = {}
        for value, version in wanted:
            versions.setdefault(value, set()).add(version)
        for facts in self._scope:
            if not versions or facts.exports is EVERYTHING:
                return set()
            self._give(facts.exports, versions)
        return {(value, version) for value, left in versions.items() for version in left}

    def _give(self, exports: Exports, versions: dict[int, set[str]]) -> None:
        """Take away what an object defines."""
        self._work.spend(len(exports.hashes) // _COMPARED)
        takes = self._takes
        for value in versions.keys() & exports.hashes:
            asked = versions[value]
            given = [version for version in asked if takes(exports, value, version)]
            if len(given) == len(asked):
                del versions[value]
            else:
                asked.difference_update(given)

    def lacking(self, facts: ElfFacts) -> Undefined:
        """Find what nothing defines of the symbols that an object takes."""
        missing = self._missing(facts)
        return Undefined(
            tuple(symbol.name for symbol in missing if not symbol.lazy),
            tuple(symbol.name for symbol in missing if symbol.lazy),
        )

    def _missing(self, facts: ElfFacts) -> list[UndefinedSymbol]:
        """Look at an object's symbols one by one; most lack nothing."""
        symbols = facts.undefined
        if not symbols.others() and (
            not self._lacking or self._lacking.isdisjoint(symbols.plain())
        ):
            return []
        self._work.spend(symbols.strong)
        strong = (symbol for symbol in symbols if not symbol.weak)
        return [symbol for symbol in strong if not self._is_defined(symbol, facts)]

    def _is_defined(self, symbol: UndefinedSymbol, facts: ElfFacts) -> bool:
        """Tell whether any object defines a symbol.

        A variable that the object has room for is another one's.
        """
        if symbol.own and self._takes is by_version:
            return True  # which says nothing of others that want it
        value = gnu_hash(symbol.name)
        if symbol.copied:
            others = [other for other in self._scope if other is not facts]
            return self._is_given(value, symbol.version, others)
        if symbol.own:
            return self._is_given(value, symbol.version, self._scope)
        if (value, symbol.version) not in self._lacking:
            return True
        # A function's address, as data refers to it, may be the program's own
        # (ELF_RTYPE_CLASS_PLT).
        return not symbol.lazy and any(symbol.name in other.addresses for other in self._scope)

    def _is_given(self, value: int, version: str, scope: Sequence[ElfFacts]) -> bool:
        self._work.spend(len(scope) // _TRIED)
        return any(self._takes(other.exports, value, version) for other in scope)
