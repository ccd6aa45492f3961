"""Bindings: the one moment at which a pod's node is certain.

Source: the Kubernetes API reference (Binding, ``pods/binding``). A Binding holds a pod's name and a
node's, and nothing of the pod, so that the pod is asked of the API server.
"""

import asyncio
import logging
from dataclasses import replace
from functools import partial

from elfgate.cluster.api import Api
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.review import Review, bound_node
from elfgate.cluster.template import workload
from elfgate.cluster.workload import Workload
from elfgate.errors import InputError

log = logging.getLogger(__name__)


class Bindings:
    """Finds what a binding would start, and where.

    Args:
        api: Asked for pods.
        inventory: The nodes there are.
    """

    def __init__(self, api: Api, inventory: Inventory) -> None:
        self._api = api
        self._inventory = inventory

    async def bound(self, review: Review, seconds: float) -> Workload | None:
        """The pod, as if it named the node that it is bound to.

        Returns:
            None if there is nothing to judge: the review is of no binding, or pod or node are not
                to be had. A refused
            binding is tried again for ever by the scheduler, so that not to know is no reason for
            one.

        Raises:
            InputError: if the object has not the shape of a Binding.
        """
        pair = bound_node(review)
        if pair is None or self._inventory.kind_of(pair[1]) is None:
            return None
        name, node = pair
        try:
            pod = await asyncio.to_thread(
                partial(self._api.pod, review.namespace, name, seconds=seconds)
            )
            found = workload(pod | {"apiVersion": "v1", "kind": "Pod"})
        except InputError as error:
            log.warning("a binding is not judged: %s", error, extra={"uid": review.uid})
            return None
        return replace(found, pod_spec=found.pod_spec | {"nodeName": node}) if found else None
