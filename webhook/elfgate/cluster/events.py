"""Events: what is found out too late for an answer.

They are told where people look for them (``kubectl describe``).

Sources: the Kubernetes API reference (Event), ``k8s.io/client-go/tools/record`` (one event is
counted up instead of many being made, messages of at most 1,024 characters, a limit of events a
second).
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from elfgate.cluster.api import Api
from elfgate.cluster.api_errors import ApiError
from elfgate.cluster.part import Part
from elfgate.cluster.review import Review
from elfgate.errors import InputError

log = logging.getLogger(__name__)

REASON = "CannotStart"
_COMPONENT = "elfgate"
_MESSAGE = 1024
_INTERVAL = 1.0  # seconds between two rounds
_ROUND = 5  # events written a round
_MOST = 1000  # different events that wait, and as many that are remembered
_NOT_FOUND, _CONFLICT = 404, 409


@dataclass(frozen=True, slots=True)
class Subject:
    """An object that an event is about (ObjectReference)."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class _Told:
    """One event: how often it happened, and how often that was since it was last written."""

    subject: Subject
    message: str
    reason: str = REASON
    first: str = field(default_factory=_now)
    count: int = 0
    written: bool = False


def subjects(review: Review) -> list[Subject]:
    """The object that a review is of, and the one that it belongs to (its controller).

    Raises:
        InputError: if its metadata have not the shape of an object's.
    """
    root = Part(review.obj)
    metadata = root.get("metadata")
    name = metadata.get("name").text() or review.name
    uid = metadata.get("uid").text()
    own = Subject(
        root.get("apiVersion").text(), root.get("kind").text(), review.namespace, name, uid
    )
    owners = [
        Subject(
            owner.get("apiVersion").text(),
            owner.get("kind").text(),
            review.namespace,
            owner.get("name").text(),
            owner.get("uid").text(),
        )
        for owner in metadata.get("ownerReferences").items()
        if owner.get("controller").value is True
    ]
    return [own, *owners]


def own_pod(environment: Mapping[str, str]) -> Subject | None:
    """The pod that this process runs in, as the downward API tells it; None if it does not."""
    name, namespace = environment.get("POD_NAME", ""), environment.get("POD_NAMESPACE", "")
    return (
        Subject("v1", "Pod", namespace, name, environment.get("POD_UID", ""))
        if name and namespace
        else None
    )


class Events:
    """Writes events, counted up and a few at a time.

    Args:
        api: Where to.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._told: OrderedDict[tuple[str, str], _Told] = OrderedDict()
        self._waiting: OrderedDict[tuple[str, str], _Told] = OrderedDict()

    def tell(self, subject: Subject, message: str, reason: str = REASON) -> None:
        """Note that something happened to an object; it is written in one of the next rounds.

        Args:
            subject: Which.
            message: What.
            reason: What it comes to, in a word (CamelCase).
        """
        key = (subject.uid, message)
        if key not in self._waiting and len(self._waiting) >= _MOST:
            log.warning(
                "an event is dropped, too many wait",
                extra={"kind": subject.kind, "object": subject.name},
            )
            return
        told = self._told.setdefault(key, _Told(subject, message, reason))
        told.count += 1
        self._waiting[key] = told
        if len(self._told) > _MOST:
            self._told.popitem(last=False)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Write while the context lasts."""
        task = asyncio.create_task(self._write())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _write(self) -> None:
        while True:
            for _ in range(min(_ROUND, len(self._waiting))):
                _, told = self._waiting.popitem(last=False)
                try:
                    await asyncio.to_thread(partial(self._put, told))
                except InputError as error:
                    log.warning("an event is not written: %s", error)
            await asyncio.sleep(_INTERVAL)

    def _put(self, told: _Told) -> None:
        """Write an event, or count it up.

        Another replica may have made it, and it is gone after an hour.
        """
        subject, name = told.subject, _name(told)
        count = {"count": told.count, "lastTimestamp": _now()}
        try:
            if told.written:
                self._api.patch_event(subject.namespace, name, count)
            else:
                self._api.create_event(subject.namespace, _event(name, told) | count)
        except ApiError as error:
            if error.status not in {_NOT_FOUND, _CONFLICT}:
                raise
            if told.written:
                self._api.create_event(subject.namespace, _event(name, told) | count)
            else:
                self._api.patch_event(subject.namespace, name, count)
        told.written = True


def _name(told: _Told) -> str:
    """One name for one message about one object, in every replica."""
    digest = hashlib.sha256(f"{told.subject.uid} {told.message}".encode()).hexdigest()
    return f"{told.subject.name[:200]}.{digest[:16]}"


def _event(name: str, told: _Told) -> dict[str, Any]:
    subject = told.subject
    message = told.message if len(told.message) <= _MESSAGE else told.message[: _MESSAGE - 1] + "…"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": subject.namespace},
        "involvedObject": {
            "apiVersion": subject.api_version,
            "kind": subject.kind,
            "namespace": subject.namespace,
            "name": subject.name,
            "uid": subject.uid,
        },
        "type": "Warning",
        "reason": told.reason,
        "message": message,
        "source": {"component": _COMPONENT},
        "reportingComponent": _COMPONENT,
        "firstTimestamp": told.first,
    }
