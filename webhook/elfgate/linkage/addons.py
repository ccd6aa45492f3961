"""Native add-ons of Node.js and Python that no program of an architecture can load.

A wheel or a package of the wrong platform, copied into an image. What loads it may do without, so
that it is never more than a note. A package that has an add-on for the architecture as well is in
order: some bring all of theirs along, and choose when they are loaded.

Sources: Node.js' documentation of add-ons (``.node``), node-gyp-build (``prebuilds/``), npm's
packages of one platform (``@img/sharp-linux-x64``), PEP 3149 and ``importlib.machinery`` (the
endings of extension modules).
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from elfgate.elf.facts import ElfFacts
from elfgate.linkage import messages
from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.kernel.machines import Taken, describe, taken
from elfgate.linkage.report import Code, Effect, Finding
from elfgate.platforms import ARCHITECTURES, Architecture, Platform
from elfgate.rootfs.tree import Found, Tree

# What is looked at of an image at most: names, packages, files of a package.
_MOST_NAMES = 4096
_MOST_PACKAGES = 64
_MOST_FILES = 16
_MOST_FINDINGS = 6

_ENDINGS = (".node", ".so")
_ADDON = re.compile(r"\.node$|/(?:site|dist)-packages/.+\.(?:abi3|(?:cpython|pypy)[^/]*)\.so$")
_PACKAGE = re.compile(r".*/(?:node_modules/((?:@[^/]+/)?[^/]+)|(?:site|dist)-packages/([^/.]+))")
_PLATFORM_WORDS = (
    *("linux", "linuxmusl", "musl", "gnu", "glibc", "gnueabihf", "musleabihf"),
    *("x64", "x86[-_]64", "amd64", "ia32", "i686", "x86", "arm64", "aarch64", "armv?[678]?"),
    *("ppc64le", "ppc64", "powerpc64le", "s390x", "riscv64", "loong64"),
)
_PLATFORM_WORD = re.compile(f"(?<![a-z0-9])(?:{'|'.join(_PLATFORM_WORDS)})(?![a-z0-9])")


def foreign_addons(
    tree: Tree, platform: Platform, node: NodeFacts, hidden: Sequence[str]
) -> Iterator[Finding]:
    """Find packages whose add-ons are all of another machine.

    Args:
        tree: The image's root file system.
        platform: The node's; its architecture is one of ``elfgate.platforms.ARCHITECTURES``.
        node: What else is known of the node.
        hidden: Directories that volumes hide.

    Raises:
        UnreadError: if the image has layers that are not read.
        ValueError: if a layer's stored index is damaged.
    """
    architecture = ARCHITECTURES[platform.architecture]
    packages = _packages(tree, hidden)
    found = (_foreign(tree, paths, architecture, node) for paths in packages.values())
    yield from islice((finding for finding in found if finding), _MOST_FINDINGS)


def _packages(tree: Tree, hidden: Sequence[str]) -> dict[str, list[str]]:
    """The paths of add-ons, by the package that each belongs to."""
    packages: dict[str, list[str]] = defaultdict(list)
    names = dict.fromkeys(islice(tree.ending(_ENDINGS), _MOST_NAMES))
    for path in filter(_ADDON.search, names):
        package = package_of(path)
        is_new = package not in packages
        if _is_hidden(path, hidden) or (is_new and len(packages) == _MOST_PACKAGES):
            continue
        packages[package].append(path)
    return packages


def package_of(path: str) -> str:
    """The name of an add-on's package, without words for platforms.

    The add-on's path without them, where it is in no package.
    """
    named = _PACKAGE.match(path)
    name = (named[1] or named[2]) if named else path
    return _PLATFORM_WORD.sub("", name.lower()).strip("-_.")


def _is_hidden(path: str, hidden: Sequence[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in hidden)


def _foreign(
    tree: Tree, paths: Sequence[str], architecture: Architecture, node: NodeFacts
) -> Finding | None:
    """Tell of a package that has add-ons, and none for the architecture."""
    if len(paths) > _MOST_FILES:
        return None
    finding = None
    for path in paths:
        facts = _facts(tree, path)
        if facts is None:
            continue  # another system's, or no longer there
        if taken(facts, architecture, node) is not Taken.NO:
            return None
        finding = finding or foreign(path, facts, architecture)
    return finding


def foreign(path: str, facts: ElfFacts, architecture: Architecture) -> Finding:
    """The finding about an add-on of another machine."""
    message = f"{path} is {describe(facts)}, which programs for {architecture.name} cannot load"
    return Finding(Code.ADDON_MISMATCH, path, message, messages.FIX_FORMAT, Effect.NOTE)


def _facts(tree: Tree, path: str) -> ElfFacts | None:
    found = tree.lookup(path)
    return tree.facts(found) if isinstance(found, Found) else None
