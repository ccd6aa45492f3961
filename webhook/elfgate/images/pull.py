"""From what a name points at to the one manifest that a node of some platform pulls.

Sources: containerd's ``images.Manifest``; containers/image's ``OCI1Index.chooseInstance`` for
CRI-O.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.choose import accepts, choose, normalise
from elfgate.images.digests import short
from elfgate.images.manifest import Index, Manifest, read_config, read_document
from elfgate.images.source import Descriptor, Limits
from elfgate.platforms import Platform

Documents = Callable[[Descriptor], bytes]  # the verified bytes of an index, manifest or config
_DEEPEST = 4  # an index within an index is rare, a third level unheard of


@dataclass(frozen=True, slots=True)
class Pulled:
    """The manifest that a node pulls.

    Attributes:
        descriptor: The manifest's own.
        manifest: What it says.
    """

    descriptor: Descriptor
    manifest: Manifest


def pull(
    descriptor: Descriptor,
    node: Platform,
    documents: Documents,
    limits: Limits,
    runtime: str | None = None,
) -> Pulled | None:
    """Follow ``descriptor`` to the manifest that a node of platform ``node`` pulls.

    The node has its container runtime.

    A manifest that is named directly is pulled whatever its config says of its platform.

    Returns:
        The manifest, or None if the index has none for the platform.

    Raises:
        UnreadableError: if a document on the way cannot be had or read, or indexes nest too deeply.
    """
    entry = descriptor
    for _ in range(_DEEPEST):
        document = read_document(documents(entry), entry, limits=limits)
        if isinstance(document, Manifest):
            taken = (
                entry is descriptor
                or entry.platform is not None
                or _fits(document, node, documents, runtime)
            )
            return Pulled(entry, document) if taken else None
        chosen = choose(document.entries, node, runtime)
        if chosen is None:
            return None
        entry = chosen
    raise _too_deep(descriptor)


def platforms(descriptor: Descriptor, documents: Documents, limits: Limits) -> tuple[Platform, ...]:
    """Every platform that an image is offered for, in its index's order, without repetition.

    A manifest that is named directly counts as offered for the platform that its config claims.

    Raises:
        UnreadableError: as ``pull`` does.
    """
    return tuple(dict.fromkeys(_walk(descriptor, documents, limits, _DEEPEST)))


def _walk(
    entry: Descriptor, documents: Documents, limits: Limits, depth: int
) -> Iterator[Platform]:
    if depth == 0:
        raise _too_deep(entry)
    document = read_document(documents(entry), entry, limits=limits)
    if isinstance(document, Index):
        for child in document.entries:
            if child.platform is None and child.digest:  # a null entry names nothing
                yield from _walk(child, documents, limits, depth - 1)
            elif child.platform is not None:
                yield normalise(child.platform)
    elif not document.artifact:
        platform = read_config(documents(document.config), document.config).platform
        if platform.architecture:  # a folder's config does not say
            yield normalise(platform)


def _fits(manifest: Manifest, node: Platform, documents: Documents, runtime: str | None) -> bool:
    """Whether a manifest whose index says nothing of its platform is for the node.

    Its config tells.
    """
    if manifest.artifact:
        return False
    return accepts(node, read_config(documents(manifest.config), manifest.config).platform, runtime)


def _too_deep(descriptor: Descriptor) -> UnreadableError:
    return UnreadableError(
        f"index {short(descriptor.digest)} nests more than {_DEEPEST} levels deep",
        reason=UnknownReason.LIMIT_EXCEEDED,
    )
