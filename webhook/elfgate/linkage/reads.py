"""The variables that a prediction reads: what is said of all others makes no difference to it.

So one prediction stands for many pods, which differ in variables that nothing on the way looks at.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from elfgate.linkage.inputs import Overrides

ANY = "*"  # stands for all names; behind the beginning of names, for those that begin so

# Of the variables of a pod that others may stand for. Whatever counts variables without reading
# them leaves so much room (``kernel.arguments``), or notes that it reads all.
MOST_NAMES = 64
MOST_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class Reads:
    """Notes what is read. It is shared by all environments that are made of a container's.

    Attributes:
        names: Names of variables, and beginnings of names with ``ANY`` behind.
    """

    names: set[str] = field(default_factory=set)

    def note(self, name: str) -> None:
        """Note a name, or a beginning with ``ANY`` behind."""
        self.names.add(name)

    def note_all(self) -> None:
        """Note that all variables make a difference."""
        self.names.add(ANY)

    def told(self) -> frozenset[str]:
        """All of them; any if they are too many to tell."""
        if len(self.names) > MOST_NAMES or sum(map(len, self.names)) > MOST_CHARACTERS:
            return frozenset({ANY})
        return frozenset(self.names)


def reduced(overrides: Overrides, reads: frozenset[str]) -> Overrides | None:
    """Leave out of what a pod says the variables that are not read.

    Args:
        overrides: What it says.
        reads: What a prediction read (``Reads.told``).

    Returns:
        The rest; None if it has so many variables that they matter by their number.
    """
    if ANY in reads or not _is_small(overrides):
        return None
    begin = tuple(name.removesuffix(ANY) for name in reads if name.endswith(ANY))

    def read(names: Iterable[str]) -> list[str]:
        return [name for name in names if name in reads or name.startswith(begin)]

    env = {name: overrides.env[name] for name in sorted(read(overrides.env))}
    unknown = frozenset(read(overrides.unknown_env)) | overrides.unknown_env & {ANY}
    return replace(overrides, env=env, unknown_env=unknown)


def _is_small(overrides: Overrides) -> bool:
    texts = (*overrides.env, *overrides.env.values(), *overrides.unknown_env)
    count = len(overrides.env) + len(overrides.unknown_env)
    return count <= MOST_NAMES and sum(map(len, texts)) <= MOST_CHARACTERS
