"""A workload's own credentials for its images: the pull secrets that the kubelet would use.

Sources: the Kubernetes documentation "Pull an Image from a Private Registry" and "Configure Service
Accounts for Pods" (a pod that names no pull secrets gets its service account's); the kubelet, which
passes over secrets that are not there.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from elfgate.cluster.api import Api
from elfgate.cluster.part import Part
from elfgate.cluster.workload import Workload
from elfgate.errors import InputError, UnreadableError
from elfgate.images.keyring import Keyring
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent

log = logging.getLogger(__name__)

PULL_SECRETS = declare(
    "pull-secrets",
    "pull secrets and service accounts, by namespace and name",
    max_bytes=8 << 20,
    seconds=60.0,
)
_MOST_SECRETS = 32  # a pod may name any number
_NOBODY = Keyring(())


class PullSecrets:
    """Reads pull secrets, and remembers them for a minute.

    Args:
        api: Asked for Secrets and ServiceAccounts, which it needs the right to get.
        seconds: How long one of them may take.
        withheld: Use none: whoever asks may be anybody, and names the namespace itself.
    """

    def __init__(self, api: Api, *, seconds: float = 2.0, withheld: bool = False) -> None:
        self._withheld = withheld
        self._api = api
        self._seconds = seconds
        self._remembered: Recent[tuple[str, str, str], Mapping[str, Any]] = Recent(PULL_SECRETS)

    async def of(self, workload: Workload) -> Keyring:
        """The credentials of a workload's pods.

        Secrets that are not to be had, or are malformed, hold none.
        """
        if self._withheld:
            return _NOBODY
        pod = Part(workload.pod_spec)
        try:
            names = _names(pod) or _names(Part(await self._account(workload.namespace, pod)))
        except InputError as error:
            log.warning(
                "pull secrets are not known: %s", error, extra={"namespace": workload.namespace}
            )
            return _NOBODY
        asked = dict.fromkeys(names[:_MOST_SECRETS])
        found = await asyncio.gather(
            *(self._get("secret", workload.namespace, name) for name in asked)
        )
        try:
            return Keyring.of_secrets(found)
        except UnreadableError as error:
            log.warning(
                "pull secrets are not used: %s", error, extra={"namespace": workload.namespace}
            )
            return _NOBODY

    async def _account(self, namespace: str, pod: Part) -> Mapping[str, Any]:
        return await self._get(
            "account", namespace, pod.get("serviceAccountName").text() or "default"
        )

    async def _get(self, kind: str, namespace: str, name: str) -> Mapping[str, Any]:
        """An object; an empty one if it is not to be had."""
        key = (kind, namespace, name)
        found = self._remembered.get(key)
        if found is not None:
            return found
        method: Callable[..., dict[str, Any]] = (
            self._api.secret if kind == "secret" else self._api.service_account
        )
        try:
            found = await asyncio.to_thread(method, namespace, name, seconds=self._seconds)
        except InputError as error:
            log.warning("a pull secret is not known: %s", error, extra={"namespace": namespace})
            found = {}
        self._remembered.put(key, found)
        return found


def _names(holder: Part) -> list[str]:
    names = (item.get("name").text() for item in holder.get("imagePullSecrets").items())
    return [name for name in names if name]
