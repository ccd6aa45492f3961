"""A program put upon another base: its own files over that base's tree, predicted as any image."""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace

from elfgate.linkage.report import Outcome, Prediction
from elfgate.needs.facts import Needs
from elfgate.platforms import Platform
from elfgate.rootfs.build import LayerBuilder
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.tree import Found, Tree
from elfgate.scan.linkage import not_offered
from elfgate.scan.located import Contents
from elfgate.scan.scanner import Scanner


@dataclass(frozen=True, slots=True)
class Rebased:
    """A program upon one base, on one platform.

    Attributes:
        base: The base's image.
        platform: Where.
        prediction: What would come of its start there.
        size: The packed bytes of the base; 0 if that is not known.
    """

    base: str
    platform: Platform
    prediction: Prediction
    size: int = 0

    @property
    def starts(self) -> bool:
        """Whether it certainly starts."""
        return self.prediction.outcome is Outcome.STARTS


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is to be moved.

    Attributes:
        contents: The image that it is in.
        needs: What it needs; its own files are what is moved.
    """

    contents: Contents
    needs: Needs


async def rebased(scanner: Scanner, program: Program, base: str, platform: Platform) -> Rebased:
    """Predict the start of a program upon a base.

    Raises:
        InputError: if ``base`` is not an image reference.
        UnreadableError: if it cannot be read.
    """
    contents = await scanner.images.contents(base, platform)
    if contents is None:
        offers = await scanner.images.platforms(base)
        return Rebased(base, platform, not_offered(platform, offers))
    size = await scanner.images.size(base, platform)
    prediction = await scanner.images.predicted(_moved(program, contents), platform)
    return Rebased(base, platform, prediction, size)


def _moved(program: Program, base: Contents) -> Contents:
    """The base's layers, and the program's own files upon them."""
    tree = Tree([layer for _, layer in program.contents.layers])
    upper = _layer(tree, program.needs.own)
    entrypoint = (program.needs.own[0], *program.needs.argv[1:])
    defaults = replace(program.contents.defaults, entrypoint=entrypoint, cmd=(), user="")
    name = f"dir:{program.contents.digest} upon {base.digest}"  # of which nothing is kept
    return replace(
        base,
        digest=name,
        defaults=defaults,
        layers=(*base.layers, (name, upper)),
    )


def _layer(tree: Tree, paths: Sequence[str]) -> Layer:
    builder = LayerBuilder()
    for path in paths:
        found = tree.lookup(path)
        if isinstance(found, Found):
            kept = tree.excerpt(found.entry)
            for name in _names(tree, found):
                builder.carry(name, found.entry, kept)
    return builder.build()


def _names(tree: Tree, found: Found) -> set[str]:
    """The path of a file, and that by which its loader asks for it."""
    facts = tree.facts(found)
    if facts is None or not facts.soname:
        return {found.path}
    return {found.path, posixpath.join(posixpath.dirname(found.path), facts.soname)}
