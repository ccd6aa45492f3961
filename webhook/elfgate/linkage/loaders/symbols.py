"""Which symbols of a process nothing defines, and what each loader makes of that.

Sources: ld.so(8) (LD_BIND_NOW), glibc ``elf/dl-reloc.c`` (data relocations are always bound at
start, jump slots only under BIND_NOW), musl ``ldso/dynlink.c`` (``do_relocs``: everything is bound
at start). Weak references may stay undefined in both.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias
from weakref import ref

from elfgate.elf.exports import Exports
from elfgate.elf.facts import ElfFacts
from elfgate.elf.wanted import UndefinedSymbol
from elfgate.linkage.work import Work
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent

_SYMBOLS = declare("missing-symbols", "undefined symbols, by a process's files", max_bytes=4 << 20)
_FILE_BYTES, _SYMBOL_BYTES = 250, 150  # of an entry, for each file and each name
_TRIED = 4  # objects that a unit of work looks a symbol up in


@dataclass(frozen=True, slots=True)
class Undefined:
    """Symbols that one object lacks, by name.

    Those bound at the start, and those bound when called.
    """

    eager: tuple[str, ...] = ()
    lazy: tuple[str, ...] = ()


def by_version(exports: Exports, symbol: UndefinedSymbol) -> bool:
    """Choose as glibc does: a symbol of the version that is wanted."""
    return exports.in_version(symbol.name, symbol.version)


def by_name(exports: Exports, symbol: UndefinedSymbol) -> bool:
    """Choose as musl does: whatever version is wanted, the default one is given."""
    return exports.by_default(symbol.name)


Takes: TypeAlias = Callable[[Exports, UndefinedSymbol], bool]


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
    binding = _Binding(scope, takes, work)
    lacking = tuple([binding.lacking(facts) for facts in objects])
    cost = left - work.left
    work.spend_once(key, 0)
    _memory.put(key, _Answer(tuple(map(ref, scope)), lacking, cost))
    return lacking


def _wanted(name: str, version: str) -> UndefinedSymbol:
    return UndefinedSymbol(name, weak=False, lazy=False, version=version)


class _Binding:
    """The binding of a process's objects: what one of them was given serves those that come later.

    Args:
        scope: All objects of the process.
        takes: How its loader chooses.
        work: Pays for it.
    """

    def __init__(self, scope: Sequence[ElfFacts], takes: Takes, work: Work) -> None:
        self._scope = scope
        self._takes = takes
        self._work = work
        self._defined: set[tuple[str, str]] = set()

    def lacking(self, facts: ElfFacts) -> Undefined:
        """Find what nothing defines of the symbols that an object takes."""
        self._work.spend(facts.undefined.strong)
        order = _Order(facts, self._scope)
        missing = self._missing(facts, order)
        return Undefined(
            tuple(symbol.name for symbol in missing if not symbol.lazy),
            tuple(symbol.name for symbol in missing if symbol.lazy),
        )

    def _missing(self, facts: ElfFacts, order: "_Order") -> list[UndefinedSymbol]:
        """Search what no object before has asked for; most objects lack nothing."""
        new = facts.undefined.plain() - self._defined
        for name, version in sorted(new):
            if self._search(_wanted(name, version), facts, order):
                self._defined.add((name, version))
        if new <= self._defined and not facts.undefined.others():
            return []
        strong = (symbol for symbol in facts.undefined if not symbol.weak)
        return [symbol for symbol in strong if not self._is_defined(symbol, facts, order)]

    def _is_defined(self, symbol: UndefinedSymbol, facts: ElfFacts, order: "_Order") -> bool:
        """Tell whether any object defines a symbol.

        A variable that the object has room for is another one's.
        """
        if symbol.own and self._takes is by_version:
            return True  # which says nothing of others that want it
        key = symbol.name, symbol.version
        if key in self._defined and not symbol.copied:
            return True
        if self._search(symbol, facts, order):
            if not symbol.copied:
                self._defined.add(key)
            return True
        # A function's address, as data refers to it, may be the program's own
        # (ELF_RTYPE_CLASS_PLT).
        return not (symbol.lazy or symbol.copied) and any(
            symbol.name in other.addresses for other in self._scope
        )

    def _search(self, symbol: UndefinedSymbol, facts: ElfFacts, order: "_Order") -> bool:
        tried = 0
        for tried, other in enumerate(order.of(symbol)):
            if self._takes(other.exports, symbol) and not (symbol.copied and other is facts):
                self._work.spend(tried // _TRIED)
                return True
        self._work.spend(tried // _TRIED)
        return False


class _Order:
    """The order in which objects are asked for what one of them takes.

    Those that it names itself come first.

    Only whether any object defines a symbol is asked, not which one a loader would take. Nearly all
    are defined by the file that their version is needed of, or by another that the object needs.

    Args:
        facts: The object.
        scope: All objects of the process.
    """

    def __init__(self, facts: ElfFacts, scope: Sequence[ElfFacts]) -> None:
        named = dict.fromkeys(facts.needed)
        near = [other for other in scope if other.soname in named]
        self._order = (*near, *scope)
        by_soname = {other.soname: other for other in reversed(near)}
        self._by_version: dict[str, list[ElfFacts]] = {}
        for need in facts.version_needs:
            if (other := by_soname.get(need.file)) is not None:
                self._by_version.setdefault(need.version, []).append(other)

    def of(self, symbol: UndefinedSymbol) -> Iterator[ElfFacts]:
        """The objects to ask for a symbol; some come twice."""
        return chain(self._by_version.get(symbol.version, ()), self._order)
