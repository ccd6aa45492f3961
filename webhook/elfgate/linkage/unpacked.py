"""A start, predicted for each way in which nodes unpack an image's layers.

What differs between them is unknown.
"""

from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Protocol

from elfgate.errors import UnknownReason
from elfgate.linkage.injected import INJECTED
from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.predict import predict
from elfgate.linkage.reads import Reads
from elfgate.linkage.report import Code, Effect, Finding, Prediction
from elfgate.platforms import Platform
from elfgate.rootfs.folder import DisputedError
from elfgate.rootfs.tree import Tree
from elfgate.rootfs.unread import UnreadError


class Predicted(Protocol):
    """Predicts the start in a root file system."""

    def __call__(self, unpacked: Tree, /, mounted_in: Tree | None = None) -> Prediction:
        """Predict it; volumes are mounted where this root leads them, or another one."""


_MERGED = "overlayfs"
_ANYWHERE = NodeFacts()
_MOST_TRIED = 16  # upper layers: each try is a prediction
_REMEDY = "give the layer entries for the directories it has names in, or set nodes.snapshotter"


def predict_unpacked(
    tree: Tree,
    defaults: ImageDefaults,
    overrides: Overrides,
    platform: Platform,
    node: NodeFacts = _ANYWHERE,
    *,
    injected: Sequence[str] = INJECTED,
    explain: bool = False,
    reads: Reads | None = None,
) -> Prediction:
    """Predict the start of a container's program, whichever way its layers are unpacked.

    Args:
        tree: The image's root file system, as overlayfs merges its layers.
        defaults: The image's config.
        overrides: What the pod's container changes.
        platform: The node's.
        node: What else is known of the node, such as its snapshotter.
        injected: Patterns of libraries that nodes add to containers.
        explain: Record the walk.
        reads: Notes the variables that are asked for, if somebody wants to know.

    Raises:
        UnreadError: if it turns on layers that are not read.
        ValueError: if a layer's stored index is damaged.
    """

    def predicted(unpacked: Tree, mounted_in: Tree | None = None) -> Prediction:
        return predict(
            unpacked,
            defaults,
            overrides,
            platform,
            node,
            injected=injected,
            explain=explain,
            mounted_in=mounted_in,
            reads=reads,
        )

    try:
        return _on_every_node(tree, predicted, node)
    except DisputedError:
        return _above_dispute(tree, predicted, node) or _disputed(predicted(tree))


def _on_every_node(tree: Tree, predicted: Predicted, node: NodeFacts) -> Prediction:
    """Predict for each kind of node that it may be."""
    merged = predicted(tree)
    if node.snapshotter == _MERGED:
        if tree.is_disputed:
            raise DisputedError
        return merged
    folder = tree.in_one_folder()
    if folder is tree:
        return merged
    alone = predicted(folder)
    if node.snapshotter is not None:
        return alone
    if alone.outcome is merged.outcome:
        return merged
    return _differing(merged, alone)


def _above_dispute(tree: Tree, predicted: Predicted, node: NodeFacts) -> Prediction | None:
    """Predict by upper layers alone, if no dispute below can change anything of some.

    All layers lead the mount points, as overlayfs has them.
    """
    predicted = partial(predicted, mounted_in=tree)
    for upper in islice(tree.uppermost(), _MOST_TRIED):
        try:
            return _on_every_node(upper, predicted, node)
        except DisputedError:
            return None
        except UnreadError:
            continue
    return None


def _disputed(prediction: Prediction) -> Prediction:
    message = "the order of a layer's entries decides what a node unpacks, and that is not known"
    return _unknown(prediction, message)


def _differing(merged: Prediction, folder: Prediction) -> Prediction:
    message = (
        f"nodes with overlayfs and nodes that unpack all layers into one folder see different "
        f"files: {_outcome(merged)} with the former, {_outcome(folder)} with the latter"
    )
    return _unknown(merged, message)


def _outcome(prediction: Prediction) -> str:
    """A prediction in a few words."""
    telling = [finding for finding in prediction.findings if finding.effect is not Effect.NOTE]
    if telling:
        return f"{telling[0].message!r}"
    return "it starts"


def _unknown(prediction: Prediction, message: str) -> Prediction:
    finding = Finding(
        Code.LINKAGE_UNKNOWN,
        "",
        message,
        _REMEDY,
        effect=Effect.UNKNOWN,
        reason=UnknownReason.NODE_FACT_UNKNOWN,
    )
    return Prediction(prediction.argv, (finding,), prediction.walk, taken=prediction.taken)
