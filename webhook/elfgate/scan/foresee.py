"""One prediction on layers that are in memory.

The work behind every ``Predictor``, wherever it is done.
"""

from collections.abc import Sequence
from dataclasses import replace

from elfgate.errors import UnknownReason
from elfgate.linkage.addons import foreign_addons
from elfgate.linkage.distro import distro_of
from elfgate.linkage.inputs import ImageDefaults
from elfgate.linkage.reads import Reads
from elfgate.linkage.report import Code, Distro, Effect, Finding, Outcome, Prediction
from elfgate.linkage.unpacked import predict_unpacked
from elfgate.needs.facts import Needs
from elfgate.needs.gather import needs_of
from elfgate.platforms import ARCHITECTURES, Architecture, Platform
from elfgate.rootfs.tree import Tree
from elfgate.rootfs.unread import UnreadError
from elfgate.scan.inquiry import Foreseen, Inquiry, unknown

_NOT_KNOWN = Distro("unknown")


def foresee(
    tree: Tree,
    defaults: ImageDefaults,
    declared: Platform,
    inquiry: Inquiry,
    *,
    injected: Sequence[str],
) -> Foreseen:
    """Predict a start, and tell the image's nature.

    Args:
        tree: The image's root file system.
        defaults: The image's config.
        declared: The platform that the config names.
        inquiry: How it is started, and where.
        injected: Patterns of libraries that nodes add to containers.

    Raises:
        ValueError: if a layer's stored index is damaged.
    """
    reads = Reads()
    try:
        prediction = predict_unpacked(
            tree,
            defaults,
            inquiry.overrides,
            inquiry.platform,
            inquiry.node,
            injected=injected,
            explain=inquiry.explain,
            reads=reads,
        )
    except UnreadError as error:
        return Foreseen(unknown(str(error), UnknownReason.NOT_SCANNED), _NOT_KNOWN, whole=False)
    prediction = _with_label(prediction, declared, inquiry.platform)
    prediction = _with_addons(prediction, tree, inquiry)
    try:
        nature = distro_of(tree, _architecture(declared))
    except UnreadError:
        return Foreseen(prediction, _NOT_KNOWN, whole=False)
    return Foreseen(prediction, nature, reads=reads.told())


def needed(
    tree: Tree, defaults: ImageDefaults, inquiry: Inquiry, *, injected: Sequence[str]
) -> Needs:
    """Tell what the program needs from its surroundings.

    Args:
        tree: The image's root file system.
        defaults: The image's config.
        inquiry: How it is started, and where.
        injected: Patterns of libraries that nodes add to containers.

    Raises:
        ValueError: if a layer's stored index is damaged.
    """
    start = (inquiry.overrides, inquiry.platform, inquiry.node)
    return needs_of(tree, defaults, *start, injected=injected)


def _architecture(declared: Platform) -> Architecture:
    """Whose loaders are looked for first to name the image's libc.

    Others follow, as labels may lie.
    """
    return ARCHITECTURES.get(declared.architecture, ARCHITECTURES["amd64"])


def _with_addons(prediction: Prediction, tree: Tree, inquiry: Inquiry) -> Prediction:
    """Add notes of native add-ons that nothing can load; none where not all layers are read."""
    if prediction.outcome is not Outcome.STARTS:
        return prediction
    mounts = inquiry.overrides.mounts
    try:
        notes = tuple(foreign_addons(tree, inquiry.platform, inquiry.node, mounts))
    except UnreadError:
        return prediction
    return replace(prediction, findings=(*prediction.findings, *notes)) if notes else prediction


def _with_label(prediction: Prediction, declared: Platform, platform: Platform) -> Prediction:
    """Add a note if the config's architecture is not the one that the program runs on."""
    right = declared.architecture in ("", platform.architecture)
    if right or prediction.outcome is not Outcome.STARTS:
        return prediction
    note = Finding(
        Code.PLATFORM_LABEL_WRONG,
        "",
        f"the image's config says {declared}, but what it starts runs on {platform}",
        "set the platform when building, so that the label agrees with the content",
        effect=Effect.NOTE,
    )
    return replace(prediction, findings=(*prediction.findings, note))
