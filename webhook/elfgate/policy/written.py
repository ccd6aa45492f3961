"""Rules of the user's own, held where they are written.

What would do nothing, or not the same in both engines.

Each complaint begins with the file and the line. Told are rules without ``findings``, findings of
another form, references to what the document does not have or does not show, comparisons with what
it never says, data that no rule has, METADATA that does not count, and functions on which the
engines disagree (``capabilities.json``).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from elfgate.errors import InputError
from elfgate.policy.annotation import USUAL, annotation, misplaced
from elfgate.policy.calls import calls
from elfgate.policy.decimals import decimals
from elfgate.policy.embedded import parsed
from elfgate.policy.files import data_beside, own_sources, shipped_modules
from elfgate.policy.finding import findings
from elfgate.policy.literals import Literals
from elfgate.policy.packages import package_of
from elfgate.policy.parameters import declared
from elfgate.policy.referred import strangers
from elfgate.policy.tree import Node, heads, imported, nodes, path
from elfgate.policy.typed import Types
from elfgate.policy.unequal import unequal

_Told = tuple[int, str]
_PARAMETERS = ("data", "elfgate", "config", "parameters")
_SHOWN = re.compile(r"--> (.+?:\d+):\d+ \|.*\^ error: ")
"""What regorus shows of a source before it says what is wrong there: the place is enough."""
_UNREAD = (
    "no rule reads this data: a rule's METADATA has its parameters, and policies.parameters the "
    "values"
)


def hold(folder: Path) -> None:
    """Refuse rules that would do nothing, or not the same in both engines.

    Raises:
        InputError: naming the first of them, with its file and line.
    """
    found = complaints(folder)
    if found:
        rest = f" (and {len(found) - 1} more, which `elfgate bundle test` lists)"
        raise InputError(found[0] + (rest if len(found) > 1 else ""))


def complaints(folder: Path) -> list[str]:
    """The faults of the rules in a folder, a line each.

    Raises:
        InputError: if they cannot be read, or are no Rego.
    """
    modules = own_sources(folder)
    trees = {name: _parsed(folder / name, source) for name, source in modules.items()}
    beside = _Folder({}, declared(modules))
    for name, tree in trees.items():
        said_by = beside.names.setdefault(package_of(modules[name]), [])
        said_by.append(set(heads(tree)) if tree else set())
    found = [f"{file}:1: {_UNREAD}" for file in data_beside(folder)]
    for name, source in modules.items():
        tree = trees[name]
        if tree is None:  # no engine here to parse it
            continue
        held = _Module(source, tree, beside).complaints()
        found += [f"{folder / name}:{line}: {said}" for line, said in sorted(set(held))]
    return found


def _parsed(file: Path, source: str) -> Node:
    tree, complaint = parsed(str(file), source)
    if complaint:
        said = _SHOWN.sub(r"\1: ", complaint)
        raise InputError(f"{file} is not valid Rego: {said}")
    return tree


@dataclass(frozen=True, slots=True)
class _Folder:
    """The rules of a folder.

    Attributes:
        names: The names that each module of a package defines, by package.
        parameters: By rule.
    """

    names: dict[str, list[set[str]]]
    parameters: Mapping[str, Mapping[str, object]]


class _Module:
    """One module of a folder."""

    def __init__(self, source: str, tree: Node, beside: _Folder) -> None:
        self._source = source
        self._tree = tree
        self._beside = beside
        names = beside.names[package_of(source)]
        self._names = set[str]().union(*names)
        self._alone = len(names) == 1

    def complaints(self) -> Iterator[_Told]:
        """The faults of a rule, by line."""
        tree, said = self._tree, annotation(self._source)
        if "findings" not in self._names:
            line = tree["package"]["span"]["line"]
            yield line, "the rule has no `findings`, so that it finds nothing"
        yield from misplaced(self._source)
        types = Types(tree, self._source, alone=self._alone)
        looks = said.looks_at if said else USUAL
        literals = Literals(tree, self._source, alone=self._alone)
        yield from strangers(tree, types, literals, looks)
        yield from unequal(tree, literals, types, looks)
        yield from self._data()
        yield from findings(tree, literals)
        yield from decimals(tree)
        own = self._names | imported(tree, self._source) | {"data", "input"}
        yield from calls(tree, types, own)

    def _data(self) -> Iterator[_Told]:
        for _, reference in nodes(self._tree, "RefDot"):
            complaint = self._unheard(path({"RefDot": reference}))
            if complaint:
                yield reference["span"]["line"], complaint

    def _unheard(self, names: tuple[str, ...]) -> str:
        """The fault of a reference to data; empty if there is none, or a longer one tells."""
        if names[:1] != ("data",):
            return ""
        if len(names) == 2 and names[1] != "elfgate":
            where = ".".join(_PARAMETERS)
            return f"{'.'.join(names)} is nothing that rules have; parameters are in {where}"
        if len(names) == 4 and names[2] in {"lib", "rules"}:
            package = ".".join(names[1:])
            known = package in {*_packages(), *self._beside.names}
            return "" if known else f"no package is called {package}"
        return self._parameter(names)

    def _parameter(self, names: tuple[str, ...]) -> str:
        if names[:4] != _PARAMETERS or len(names) not in {5, 6}:
            return ""
        rule, taken = names[4], self._beside.parameters.get(names[4], {})
        if len(names) == 6 and taken and names[5] not in taken:
            return f"the rule {rule} has no parameter {names[5]}; it has {', '.join(sorted(taken))}"
        if len(names) == 5 and not taken:
            return f"the rule {rule} has no parameters in its METADATA"
        return ""


@cache
def _packages() -> frozenset[str]:
    return frozenset(package_of(source) for source in shipped_modules().values())
