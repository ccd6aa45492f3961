"""The labels of namespaces, for rules that look at them.

Sources: the Kubernetes API reference (Namespace); "Automatic labelling" (the control plane gives each
namespace the label ``kubernetes.io/metadata.name``).
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from elfgate.cluster.manifests import Manifest
from elfgate.cluster.part import Part
from elfgate.errors import InputError
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent

if TYPE_CHECKING:
    from elfgate.cluster.api import Api

log = logging.getLogger(__name__)

Labels: TypeAlias = Mapping[str, str]

FRESH_SECONDS = 30.0
NAMESPACES = declare(
    "namespaces",
    "the labels of namespaces, by name",
    max_bytes=4 << 20,
    seconds=FRESH_SECONDS,
)


class Namespaces(Protocol):
    """Knows the labels of namespaces."""

    async def labels(self, name: str) -> Labels | None:
        """A namespace's labels; None if they are not known."""


@dataclass(frozen=True, slots=True)
class Given:
    """Namespaces of manifests.

    Attributes:
        known: The labels by name.
    """

    known: Mapping[str, Labels]

    @classmethod
    def of(cls, manifests: Iterable[Manifest]) -> "Given":
        """The Namespace objects among some manifests.

        Raises:
            InputError: if the labels of one have another shape than Kubernetes'.
        """
        objects = [each.obj for each in manifests if each.kind == "Namespace"]
        return cls({_name(each): _labels(each) for each in objects})

    async def labels(self, name: str) -> Labels | None:
        """A namespace's labels; None if no manifest is of it."""
        return self.known.get(name)


class Read:
    """Namespaces of a cluster, each read when it is asked for, and remembered for half a minute.

    Args:
        api: Asked for Namespaces, which it needs the right to get.
        seconds: How long one of them may take.
    """

    def __init__(self, api: "Api", *, seconds: float = 1.0) -> None:
        self._api = api
        self._seconds = seconds
        self._remembered: Recent[str, Labels] = Recent(NAMESPACES)
        self._failed_until = 0.0

    async def labels(self, name: str) -> Labels | None:
        """A namespace's labels; None if the API server does not tell them in time."""
        found = self._remembered.get(name)
        if found is not None:
            return found
        if time.monotonic() < self._failed_until:
            return None
        try:
            obj = await asyncio.to_thread(self._api.namespace, name, seconds=self._seconds)
            found = _labels(obj)
        except InputError as error:
            # Reviews do not wait again at once for what they have just waited for in vain.
            self._failed_until = time.monotonic() + self._seconds
            log.warning("a namespace's labels are not known: %s", error, extra={"namespace": name})
            return None
        self._remembered.put(name, found)
        return found


def _name(obj: Mapping[str, Any]) -> str:
    return Part(obj).get("metadata", "name").text()


def _labels(obj: Mapping[str, Any]) -> Labels:
    name = _name(obj)
    return {"kubernetes.io/metadata.name": name, **Part(obj).get("metadata", "labels").texts()}
