"""Which symbols of a process nothing defines, and what each loader makes of that.

Sources: ld.so(8) (LD_BIND_NOW), glibc ``elf/dl-reloc.c`` (data relocations are always bound at
start, jump slots only under BIND_NOW), musl ``ldso/dynlink.c`` (``do_relocs``: everything is bound
at start). Weak references may stay undefined in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from weakref import ref

from elfgate.elf.exports import EVERYTHING, Exports, Wanted
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


class Takes(Protocol):
    """A loader's way to choose among the symbols of one name."""

    def one(self, exports: Exports, value: int, version: str) -> bool:
        """Tell whether it takes a symbol of that hash from there for one of that version."""

    def all(self, exports: Exports, wanted: Wanted) -> None:
        """Take away what it takes from there: the versions that are wanted, by hash."""


class _ByVersion:
    """glibc's: a symbol of the version that is wanted."""

    def one(self, exports: Exports, value: int, version: str) -> bool:
        return exports.in_version(value, version)

    def all(self, exports: Exports, wanted: Wanted) -> None:
        exports.give_versions(wanted)


class _ByName:
    """musl's: whatever version is wanted, the default one is given."""

    def one(self, exports: Exports, value: int, version: str) -> bool:  # noqa: ARG002 - as the other
        return exports.by_default(value)

    def all(self, exports: Exports, wanted: Wanted) -> None:
        exports.give_defaults(wanted)


BY_VERSION, BY_NAME = _ByVersion(), _ByName()


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
        takes: How its loader chooses: ``BY_VERSION`` or ``BY_NAME``.
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
        versions: Wanted = {}
        for value, version in wanted:
            versions[value] = (*versions.get(value, ()), version)
        for facts in self._scope:
            if not versions or facts.exports is EVERYTHING:
                return set()
            self._work.spend(len(facts.exports.hashes) // _COMPARED)
            self._takes.all(facts.exports, versions)
        return {(value, version) for value, left in versions.items() for version in left}

    def lacking(self, facts: ElfFacts) -> Undefined:
        """Find what nothing defines of the symbols that an object takes."""
        missing = self._missing(facts)
        return Undefined(
            tuple(symbol.name for symbol in missing if not symbol.lazy),
            tuple(symbol.name for symbol in missing if symbol.lazy),
        )

    def _missing(self, facts: ElfFacts) -> list[UndefinedSymbol]:
        """Look at those of an object's symbols that may lack; most objects have none."""
        symbols = facts.undefined
        looked_at = symbols.others()
        if self._lacking and not self._lacking.isdisjoint(symbols.plain()):
            looked_at = [symbol for symbol in symbols if not symbol.weak]
        if looked_at:
            self._work.spend(symbols.strong)
        return [symbol for symbol in looked_at if not self._is_defined(symbol, facts)]

    def _is_defined(self, symbol: UndefinedSymbol, facts: ElfFacts) -> bool:
        """Tell whether any object defines a symbol.

        A variable that the object has room for is another one's.
        """
        if symbol.own and self._takes is BY_VERSION:
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
        return any(self._takes.one(other.exports, value, version) for other in scope)
