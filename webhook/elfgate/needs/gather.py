"""Gathers what a program needs, from the files that a prediction finds it to take.

The walk is the prediction's own: ``Prediction.taken`` has every file that the kernel, the loaders
and scripts take. Facts of those files say the rest.
"""

import posixpath
from collections.abc import Iterable, Sequence

from elfgate.elf.facts import ElfFacts
from elfgate.elf.versions import is_numbered, newest_of_each
from elfgate.linkage.injected import INJECTED
from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.kernel.pages import LARGER_PAGES, SMALLEST, mappable
from elfgate.linkage.loaders.cpu import highest, isa_needed
from elfgate.linkage.report import Effect, Prediction, Role, Taken
from elfgate.linkage.unpacked import predict_unpacked
from elfgate.needs.facts import Library, Needs
from elfgate.platforms import Platform
from elfgate.rootfs.tree import Found, Tree

_OF_THE_SYSTEM = ("/bin/", "/sbin/", "/lib", "/usr/bin/", "/usr/sbin/", "/usr/lib")
_RELR_SINCE = "1.2.4"  # of musl


def needs_of(
    tree: Tree,
    defaults: ImageDefaults,
    overrides: Overrides,
    platform: Platform,
    node: NodeFacts,
    *,
    injected: Sequence[str] = INJECTED,
) -> Needs:
    """Tell what the program of an image needs from its surroundings.

    Args:
        tree: The image's root file system.
        defaults: The image's config.
        overrides: What the pod's container changes.
        platform: The node's.
        node: What else is known of the node.
        injected: Patterns of libraries that nodes add to containers.

    Raises:
        ValueError: if a layer's stored index is damaged.
    """
    prediction = predict_unpacked(
        tree,
        defaults,
        overrides,
        platform,
        node,
        injected=injected,
        explain=True,
    )
    gathered = _Gathered(tree, prediction)
    own = gathered.own
    larger = LARGER_PAGES.get(platform.architecture, ())
    return Needs(
        argv=prediction.argv,
        outcome=prediction.outcome,
        own=tuple(gathered.paths),
        loaders=_unique(facts.interp for facts in own if facts.interp),
        libraries=tuple(gathered.libraries()),
        versions=_versions(own),
        musl=_RELR_SINCE if any(facts.relr for facts in own) else "",
        cpu_level=_level(own),
        kernel=_kernel(own),
        page_size=_largest(own, (SMALLEST, *larger)),
        files=_unique(gathered.files()),
        unknown=tuple(gathered.unknown()),
    )


class _Gathered:
    """The files of one start: the program's own, and those of its surroundings.

    Attributes:
        own: The facts of its own files.
        paths: Where those are, scripts among them.
    """

    def __init__(self, tree: Tree, prediction: Prediction) -> None:
        self._tree = tree
        self._prediction = prediction
        command = next(iter(prediction.taken), None)
        owned = [each for each in prediction.taken if _is_own(each, command)]
        known = (self._facts(each.path) for each in owned)
        self.paths = list(dict.fromkeys(each.path for each in owned))
        self.own = [facts for facts in known if facts is not None]

    def libraries(self) -> Iterable[Library]:
        """The libraries that its own files ask for by name, but for its own."""
        found = self._found()
        named = {name for name, path in found.items() if path in self.paths}
        brought = named | set(map(posixpath.basename, self.paths))
        asked = _unique(name for facts in self.own for name in facts.needed)
        for name in asked:
            if name in brought:
                continue
            yield Library(
                name=name,
                versions=_versions(self.own, name),
                path=found.get(name, ""),
            )

    def files(self) -> Iterable[str]:
        """Interpreters and programs that are not its own."""
        for each in self._prediction.taken:
            is_started = each.role in (Role.PROGRAM, Role.SCRIPT)
            if is_started and each.path not in self.paths:
                yield each.name

    def unknown(self) -> Iterable[str]:
        """Reasons of the prediction for not telling, and the place where it had to end."""
        for finding in self._prediction.findings:
            if finding.effect is Effect.UNKNOWN:
                yield finding.message
            if finding.effect is Effect.FAILS:
                yield f"what is taken beyond this is not known: {finding.message}"
        for path in self.paths:
            facts = self._facts(path)
            if facts is None:
                continue
            if facts.incomplete:
                yield f"{path} is larger or stranger than what is looked at of a file"
            if facts.packed:
                yield f"{path} is packed, which hides its needs"

    def _found(self) -> dict[str, str]:
        taken = self._prediction.taken
        return {each.name: each.path for each in taken if each.role is Role.LIBRARY}

    def _facts(self, path: str) -> ElfFacts | None:
        found = self._tree.lookup(path)
        if isinstance(found, Found):
            return self._tree.facts(found)
        return None


def _is_own(taken: Taken, command: Taken | None) -> bool:
    """Whether a file is the program's own: what is started, or what no system has."""
    if taken.role is Role.LOADER:
        return False
    if taken == command:
        return True
    return not taken.path.startswith(_OF_THE_SYSTEM)


def _unique(names: Iterable[str | None]) -> tuple[str, ...]:
    """The names that there are, each once."""
    return tuple(dict.fromkeys(name for name in names if name))


def _versions(files: Iterable[ElfFacts], library: str = "") -> tuple[str, ...]:
    """The newest version of each family that files ask for; of one library, if it is named."""
    needs = (need for facts in files for need in facts.version_needs)
    asked = set()
    for need in needs:
        is_meant = not need.weak and library in ("", need.file)
        if is_meant and is_numbered(need.version):
            asked.add(need.version)
    return newest_of_each(asked)


def _level(files: Iterable[ElfFacts]) -> str:
    levels: list[str] = []
    for facts in files:
        levels += (isa_needed(facts), facts.runtime_level)
    return highest(filter(None, levels))


def _kernel(files: Iterable[ElfFacts]) -> str:
    floors = (facts.kernel_floor for facts in files)
    newest = max((floor for floor in floors if floor), default=())
    return ".".join(map(str, newest))


def _largest(files: Sequence[ElfFacts], pages: Sequence[int]) -> int:
    """The largest page size with which all of some files can be mapped; 0 without any file."""
    if not files:
        return 0
    fitting = (page for page in pages if _fit(files, page))
    return max(fitting, default=0)


def _fit(files: Sequence[ElfFacts], page: int) -> bool:
    return all(mappable(facts, page) for facts in files)
