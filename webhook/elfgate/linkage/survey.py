"""A survey of an image's other programs that would fail.

Plug-ins, modules, programs behind scripts.

For people, and never a reason to deny: not every program of an image is started, and a plug-in may
find what it needs through the program that loads it.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from elfgate.elf.facts import ElfFacts, Type
from elfgate.linkage.addons import foreign
from elfgate.linkage.credentials import credentials
from elfgate.linkage.environment import Environment
from elfgate.linkage.injected import INJECTED
from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.kernel.machines import architecture_of
from elfgate.linkage.kernel.program import Mapped, Program
from elfgate.linkage.loaders.libcs import LOADERS
from elfgate.linkage.predict import predict
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code, Effect, Finding, Surveyed
from elfgate.linkage.values import Fields
from elfgate.linkage.work import WorkExhaustedError
from elfgate.linkage.world import Process, World
from elfgate.platforms import ARCHITECTURES, Architecture, Platform
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.tree import Found, Tree

_MOST_NAMES = 500_000
_NO_FACTS = NodeFacts()
# A plug-in's symbols may come from the program that loads it; what it needs by name may not be
# missing.
_OF_PLUGINS = frozenset({Code.LIBRARY_MISSING, Code.LIBRARY_MISMATCH, Code.SYMBOL_VERSION_MISSING})

_ADDON = re.compile(r"\.node$|/(site|dist)-packages/.+\.so$|\.(cpython-[^/]*|abi3)\.so$")
_FOR_ALL = "/prebuilds/"  # packages of Node.js that bring every platform's add-on along


def survey(
    tree: Tree,
    defaults: ImageDefaults,
    platform: Platform,
    node: NodeFacts = _NO_FACTS,
    *,
    injected: Sequence[str] = INJECTED,
) -> Iterator[Surveyed]:
    """Predict every program and plug-in of an image, and tell of those that would fail.

    Args:
        tree: The image's root file system.
        defaults: The image's config, for the environment.
        platform: The node's; its architecture is one of ``elfgate.platforms.ARCHITECTURES``.
        node: What else is known of the node.
        injected: Patterns of libraries that nodes add to containers.
    """
    architecture = ARCHITECTURES[platform.architecture]
    loader = _loader(tree, architecture)
    for path, entry in _files(tree):
        found = Found(path, entry, ())
        facts = tree.facts(found)
        if facts is not None and _is_plugin(facts):
            world = World(
                tree=tree,
                architecture=architecture,
                node=node,
                who=credentials("", tree),
                mounts=(),
                injected=tuple(injected),
            )
            findings = _addon(architecture, path, facts)
            if not findings and loader:
                findings = _plugin(world, found, facts, loader)
        elif entry.mode & 0o111 and (facts is not None or entry.head.startswith(b"#!")):
            run = Overrides(command=(path,), args=())
            findings = predict(tree, defaults, run, platform, node, injected=injected).findings
        else:
            continue
        failing = tuple(finding for finding in findings if finding.effect is Effect.FAILS)
        if failing:
            yield Surveyed(path, failing)


def _files(tree: Tree) -> Iterator[tuple[str, Entry]]:
    """Every regular file, by path; symlinks lead to what is listed anyway."""
    folders, names = ["/"], 0
    while folders:
        folder = folders.pop()
        for name, entry in tree.listdir(folder).items():
            names += 1
            if names > _MOST_NAMES:
                return
            path = posixpath.join(folder, name)
            if entry.kind is Kind.DIRECTORY:
                folders.append(path)
            elif entry.kind is Kind.FILE:
                yield path, entry


def _addon(architecture: Architecture, path: str, facts: ElfFacts) -> tuple[Finding, ...]:
    """Find an add-on of Python or Node.js that is another machine's.

    A wheel or a package of the wrong platform.
    """
    row = architecture_of(facts)
    if row in {None, architecture} or not _ADDON.search(path) or _FOR_ALL in path:
        return ()
    return (replace(foreign(path, facts, architecture), effect=Effect.FAILS),)


def _is_plugin(facts: ElfFacts) -> bool:
    return (
        facts.type == Type.DYN
        and facts.interp is None
        and facts.loader is None
        and bool(facts.needed)
    )


def _loader(tree: Tree, architecture: Architecture) -> Mapped | None:
    for path in (*architecture.glibc_loaders, f"/lib/ld-musl-{architecture.musl_name}.so.1"):
        found = tree.lookup(path)
        facts = tree.facts(found) if isinstance(found, Found) else None
        if isinstance(found, Found) and facts is not None and facts.loader is not None:
            return Mapped(path, found.path, facts)
    return None


def _plugin(world: World, found: Found, facts: ElfFacts, loader: Mapped) -> tuple[Finding, ...]:
    """Load a plug-in by itself, with the image's loader."""
    about = loader.facts.loader
    if about is None or facts.malformed or facts.machine != loader.facts.machine:
        return ()
    program = Program(
        Mapped(found.path, found.path, facts), loader, Process(found.path, Fields(), Environment())
    )
    record = Record()
    try:
        LOADERS[about.libc](world, record, program, loader, about)
    except WorkExhaustedError:
        return ()  # nothing is said of a plug-in that takes too long
    return tuple(finding for finding in record.findings if finding.code in _OF_PLUGINS)
