"""Words that stand for files: patterns are matched to the names of directories.

Source: POSIX.1-2017, Shell Command Language, 2.13.3.
"""

from elfgate.linkage.shell.automaton import Automaton, PatternError
from elfgate.linkage.shell.ends import LostError
from elfgate.linkage.shell.files import may_have_changed, test
from elfgate.linkage.shell.patterns import Run, glob, has_pattern
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.values import Truth, either
from elfgate.linkage.shell.world import World
from elfgate.linkage.values import Fields, Unknown

_NOT_KNOWN = Unknown("the files that match a pattern are not known")
_MOST = 200  # files that a pattern may match
_OTHERWISE = frozenset({"dotglob", "globstar", "nocaseglob", "extglob"})


def matching(runs: list[Run], state: State, world: World) -> Fields:
    """Give the files that match, in order; the pattern itself if none does.

    Args:
        runs: The word, its quoted characters marked.
        state: Where the script stands.
        world: Where the files are.
    """
    if "failglob" in state.has:
        raise LostError("a pattern may match no file, which ends the line")
    if _OTHERWISE & state.has:
        return Fields(more=_NOT_KNOWN)
    components = _components(runs)
    found: list[str] = [""]
    for number, component in enumerate(components):
        following: list[str] = []
        for prefix in found:
            names = _names(prefix, component, state, world)
            if isinstance(names, Unknown):
                return Fields(more=names)
            following += [prefix + name for name in names]
        if len(following) > _MOST:
            return Fields(more=_NOT_KNOWN)
        found = following if number == len(components) - 1 else [f"{name}/" for name in following]
    return _existing(found, runs, state, world)


def _existing(found: list[str], runs: list[Run], state: State, world: World) -> Fields:
    """Give the files that are there; the pattern itself if none is."""
    is_there = [(path, _is_there(path, state, world)) for path in found if path]
    if any(there is None for _, there in is_there):
        return Fields(more=_NOT_KNOWN)
    existing = [path for path, there in is_there if there]
    if existing or "nullglob" in state.has:
        return Fields(tuple(existing))
    return Fields(("".join(text for text, _ in runs),))


def _is_there(path: str, state: State, world: World) -> Truth:
    """Tell whether there is a file of that name; a symlink counts whatever it leads to.

    With a slash behind, it is the name of a directory.
    """
    if path.endswith("/"):
        return test("d", path, state, world)
    return either(test("e", path, state, world), test("h", path, state, world))


def _components(runs: list[Run]) -> list[list[Run]]:
    components: list[list[Run]] = [[]]
    for text, quoted in runs:
        for number, piece in enumerate(text.split("/")):
            if number:
                components.append([])
            if piece:
                components[-1].append((piece, quoted))
    return components


def _names(
    prefix: str, component: list[Run], state: State, world: World
) -> tuple[str, ...] | Unknown:
    """The names of one component below a prefix."""
    if not has_pattern(component):
        return ("".join(text.replace("\\", "") if not q else text for text, q in component),)
    directory = prefix or "."
    if may_have_changed(directory, state):
        return _NOT_KNOWN
    there = test("d", directory, state, world)
    if there is not True:
        if there is None:
            return _NOT_KNOWN
        return ()
    listing = world.listing(directory, state.files.cwd)
    if isinstance(listing, Unknown):
        return listing
    return _matched(listing, component, world)


def _matched(
    listing: tuple[str, ...], component: list[Run], world: World
) -> tuple[str, ...] | Unknown:
    try:
        automaton = Automaton(
            glob(component, extended=False, carets=world.dialect.carets), world.spend
        )
    except PatternError:
        return _NOT_KNOWN
    world.spend(len(listing) // 4)
    dots = component[0][0].lstrip("\\").startswith(".")
    if dots and (automaton.matches(".") or automaton.matches("..")):
        return _NOT_KNOWN  # releases differ in whether they are given
    return tuple(
        name for name in listing if (dots or not name.startswith(".")) and automaton.matches(name)
    )
