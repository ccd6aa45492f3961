"""The status of a DaemonSet, as far as it tells where its pods are."""

from collections.abc import Mapping
from typing import Any

from elfgate.cluster.told import mapping

PLACED = "currentNumberScheduled"


def placed(obj: Mapping[str, Any]) -> int | None:
    """How many nodes have the pods of a DaemonSet; None if its status does not say.

    Source: the Kubernetes API, ``DaemonSetStatus``.
    """
    count = mapping(obj.get("status")).get(PLACED)
    return count if isinstance(count, int) else None
