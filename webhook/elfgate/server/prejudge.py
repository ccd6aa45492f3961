"""The next review: an admitted object makes pods itself, and its controller now makes the first.

All pods of one owner ask the same, so that the rest are answered from memory; judging the first
before it comes takes its verdict out of the way of its creation. That pod is made of the template,
and what the API server adds to it changes nothing of what policies see, or else it is judged anew.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from elfgate.cluster.part import Part
from elfgate.cluster.review import Resource, Review
from elfgate.cluster.workload import Point
from elfgate.errors import ElfgateError
from elfgate.gate.gate import Judgement

log = logging.getLogger(__name__)

JudgeReview = Callable[[Review, float, Point], Awaitable[Judgement | None]]

AT_A_TIME = 16  # more owners than that at a time, and their pods are judged when they come
SECONDS = 5.0

# The pods of these are named by their owner and five characters (``generateName``). A StatefulSet's
# are counted, and each of a DaemonSet's asks for a node of its own.
_MAKERS = {
    ("apps", "replicasets"): "ReplicaSet",
    ("batch", "jobs"): "Job",
    ("", "replicationcontrollers"): "ReplicationController",
}


class Prejudge:
    """Judges first pods ahead of time.

    Args:
        judge: Judges a decisive review within some seconds, and remembers.
    """

    def __init__(self, judge: JudgeReview) -> None:
        self._judge = judge
        self._tasks: set[asyncio.Task[None]] = set()

    def notice(self, review: Review, judgement: Judgement) -> None:
        """Look ahead if a decisive review is of an object that was admitted and will make pods."""
        if not judgement.verdict.allowed or len(self._tasks) >= AT_A_TIME:
            return
        pod = first_pod(review)
        if pod is not None:
            task = asyncio.create_task(self._look(pod))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Look ahead while the context lasts."""
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look(self, pod: Review) -> None:
        try:
            await self._judge(pod, SECONDS, Point.POD)
        except ElfgateError as error:
            log.debug("a pod is not judged ahead of time: %s", error)


def first_pod(owner: Review) -> Review | None:
    """The decisive review of the first pod that an object's controller will make.

    None if it makes none, or otherwise.

    Raises:
        InputError: if the object has not the shape of its kind.
    """
    kind = _MAKERS.get((owner.resource.group, owner.resource.resource))
    if kind is None or owner.subresource or owner.operation != "CREATE" or owner.dry_run:
        return None
    template = Part(owner.obj).get("spec", "template")
    name, spec = f"{owner.name}-", template.get("spec").value
    controller = {"kind": kind, "name": owner.name, "controller": True}
    given = template.get("metadata")
    metadata = {key: given.get(key).value for key in ("labels", "annotations") if given.get(key)}
    metadata |= {"name": name, "namespace": owner.namespace, "ownerReferences": [controller]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    return owner.model_copy(
        update={"resource": Resource(resource="pods"), "name": name, "obj": pod}
    )
