"""Keeping a pod to some architectures: a patch that adds a demand to those that it has.

Sources: JSON Patch (RFC 6902) and JSON Pointer (RFC 6901); the Kubernetes API reference
(NodeSelector: its terms are ORed, the expressions of a term ANDed, and a term without any matches
no node).
"""

from collections.abc import Iterator, Sequence

from elfgate.cluster.part import Part

ANNOTATION = "elfgate.dev/steered-to"
_LABEL = "kubernetes.io/arch"
_WAY = (
    "affinity",
    "nodeAffinity",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "nodeSelectorTerms",
)

Operation = dict[str, object]


def steer(pod: object, architectures: Sequence[str]) -> list[Operation]:
    """Make the patch that keeps a pod to architectures, whatever else it asks of its node.

    The demand goes into each of its terms, as any of them is enough to land somewhere.

    Args:
        pod: The Pod.
        architectures: The values of ``kubernetes.io/arch`` that are left to it; at least one.

    Returns:
        The operations, in order; none if the pod's own terms match no node, so that it lands
        nowhere anyhow.

    Raises:
        InputError: if a part that is read has a wrong type.
    """
    root = Part(pod)
    demand: Operation = {"key": _LABEL, "operator": "In", "values": list(architectures)}
    demands = list(_demands(root.get("spec"), demand))
    if not demands:
        return []
    note = ",".join(architectures)
    annotations = root.get("metadata", "annotations")
    if annotations:
        return [*demands, _add("/metadata/annotations/" + ANNOTATION.replace("/", "~1"), note)]
    return [*demands, _add("/metadata/annotations", {ANNOTATION: note})]


def _demands(spec: Part, demand: Operation) -> Iterator[Operation]:
    part, path = spec, "/spec"
    for depth, step in enumerate(_WAY):
        part, path = part.get(step), f"{path}/{step}"
        if not part:
            yield _add(path, _nested(_WAY[depth + 1 :], [{"matchExpressions": [demand]}]))
            return
    for index, term in enumerate(part.items()):
        expressions = term.get("matchExpressions").items()
        if expressions:
            yield _add(f"{path}/{index}/matchExpressions/-", demand)
        elif term.get("matchFields").items():
            yield _add(f"{path}/{index}/matchExpressions", [demand])


def _nested(way: Sequence[str], value: object) -> object:
    for step in reversed(way):
        value = {step: value}
    return value


def _add(path: str, value: object) -> Operation:
    return {"op": "add", "path": path, "value": value}
