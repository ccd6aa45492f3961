"""A steady load of reviews and of pod creations, each with the answer that is right, and what came of each.

Half of it asks what was asked before; the rest are pods that were never seen, and images that were never seen. What
cannot be judged may be admitted with a warning (*unknown*); a refusal of what starts, or a silent admission of what
cannot, is *wrong*, whatever has happened; no answer is *lost*.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import trustme

from support import founding
from support.background import Background
from support.control_plane import ControlPlane
from support.judging import review_of
from support.manifests import pod
from support.registry import Registry

GOOD, BAD = "2-debian", "2-alpine"
REVIEWS_A_SECOND, PODS_A_SECOND = 12.0, 6.0
PATIENCE = 6.0  # seconds; the webhook is given five

Result = Literal["right", "unknown", "wrong", "lost"]
Door = Literal["review", "pod"]


@dataclass(frozen=True)
class Outcome:
    """What came of one request.

    Attributes:
        at: When it was answered, in monotonic seconds.
        door: Asked of the webhooks, or as a creation of the API server.
        result: Whether that was right.
        text: What whoever asked was shown, if it was not.
    """

    at: float
    door: Door
    result: Result
    text: str = ""


class SteadyLoad(Background):
    """The load; a context manager with a thread of its own.

    Args:
        url: The balancer's.
        ca: Of the webhooks' certificates.
        cluster: Whose API server asks the webhooks too.
        namespace: In which pods are created (as a dry run).
        registry: Has the images; new ones are put into it.
    """

    def __init__(
        self, *, url: str, ca: trustme.CA, cluster: ControlPlane, namespace: str, registry: Registry
    ) -> None:
        self.outcomes: list[Outcome] = []
        self._url = f"{url}/validate?timeout=5s"
        self._pods = f"{cluster.url}/api/v1/namespaces/{namespace}/pods?dryRun=All"
        self._namespace = namespace
        self._registry = registry
        self._ca = ca
        self._cluster = cluster
        self._stopping = threading.Event()
        self._serial = time.monotonic_ns() % 10**9  # another load's images are not new

    def work(self) -> None:
        """Ask, until it is stopped."""
        asyncio.run(self._ask())

    def stop(self) -> None:
        """Ask no more."""
        self._stopping.set()

    async def _ask(self) -> None:
        context = self._cluster.trust()
        self._ca.configure_trust(context)
        # Connections that are kept are the API server's, whose client knows how to use them again; here each is new.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(
            verify=context, trust_env=False, timeout=PATIENCE, limits=limits
        ) as client:
            await asyncio.gather(
                self._ask_steadily(
                    REVIEWS_A_SECOND, lambda obj, denied: self._review(client, obj, denied)
                ),
                self._ask_steadily(
                    PODS_A_SECOND, lambda obj, denied: self._pod(client, obj, denied)
                ),
            )

    async def _ask_steadily(
        self, rate: float, ask: Callable[[dict[str, Any], bool], Coroutine[Any, Any, Outcome]]
    ) -> None:
        """At fixed times, however long answers take."""
        began, number, asked = time.monotonic(), 0, list[asyncio.Task[None]]()
        while not self._stopping.is_set():
            obj, denied = self._case(number)
            asked.append(asyncio.create_task(self._noted(ask(obj, denied))))
            number += 1
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        await asyncio.gather(*asked)

    async def _noted(self, outcome: Coroutine[Any, Any, Outcome]) -> None:
        self.outcomes.append(await outcome)

    def _case(self, number: int) -> tuple[dict[str, Any], bool]:
        """A pod, and whether it is to be denied."""
        denied = number % 2 == 1
        tag = BAD if denied else GOOD
        match number // 2 % 4:
            case 0 | 1:
                name, image = "known", f"{founding.REPOSITORY}:{tag}"
            case 2:
                self._serial += 1
                name, image = f"pod-{self._serial}", f"{founding.REPOSITORY}:{tag}"
            case _:
                self._serial += 1
                name, image = "known", f"chaos/image-{self._serial}:{tag}"
                new = {
                    f"chaos/image-{self._serial}": {tag: founding.unlike_others(tag, self._serial)}
                }
                self._registry.images = {**self._registry.images, **new}
        return pod(name, self._registry.reference(image), on="ppc64le"), denied

    async def _review(
        self, client: httpx.AsyncClient, obj: dict[str, Any], denied: bool
    ) -> Outcome:
        body = review_of(obj, uid=f"u-{time.monotonic_ns()}", namespace=self._namespace)
        try:
            answer = await client.post(
                self._url, content=body, headers={"content-type": "application/json"}
            )
            told = answer.json()["response"]
        except (httpx.HTTPError, ValueError, KeyError) as error:
            return Outcome(time.monotonic(), "review", "lost", _named(error))
        message = told.get("status", {}).get("message", "")
        return _outcome("review", denied, bool(told["allowed"]), told.get("warnings", []), message)

    async def _pod(self, client: httpx.AsyncClient, obj: dict[str, Any], denied: bool) -> Outcome:
        try:
            answer = await client.post(self._pods, json=obj)
            told = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            return Outcome(time.monotonic(), "pod", "lost", _named(error))
        refused = (
            answer.status_code == httpx.codes.FORBIDDEN and "denied the request" in told["message"]
        )
        if not refused and answer.status_code != httpx.codes.CREATED:
            return Outcome(time.monotonic(), "pod", "lost", told.get("message", ""))
        return _outcome(
            "pod", denied, not refused, answer.headers.get_list("warning"), told.get("message", "")
        )


def _outcome(
    door: Door, denied: bool, allowed: bool, warnings: Sequence[str], message: str
) -> Outcome:
    now = time.monotonic()
    if allowed and warnings:
        return Outcome(now, door, "unknown", warnings[0])
    if allowed is denied:
        return Outcome(now, door, "wrong", message or json.dumps({"allowed": allowed}))
    return Outcome(now, door, "right")


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
