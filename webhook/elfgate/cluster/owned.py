"""The objects of elfgate in its cluster.

A Secret, a Lease, and the authorities that its webhook configurations trust.

Sources: the Kubernetes API concepts (a write that names a resourceVersion fails with 409 if the
object is another by then), the API reference (``caBundle``: base64 of PEM certificates).
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from elfgate.cluster.api import Api
from elfgate.cluster.api_errors import ApiError
from elfgate.cluster.part import Part

_NOT_FOUND = 404
_KINDS = ("validating", "mutating")


@dataclass(frozen=True, slots=True)
class Configuration:
    """A webhook configuration.

    Attributes:
        kind: ``validating`` or ``mutating``.
        name: Its name.
        version: Its resourceVersion.
        trusts: By webhook, the PEM certificates that the API server takes from it.
    """

    kind: str
    name: str
    version: str
    trusts: dict[str, bytes]


class Owned:
    """Reads and writes them. Each method raises ApiError if the API server says no or nothing.

    Args:
        api: The cluster.
        namespace: Where the Secret and the Lease are.
        secret: The Secret's name.
        lease: The Lease's name.
        configurations: Names of ValidatingWebhookConfigurations and MutatingWebhookConfigurations.
    """

    def __init__(
        self, api: Api, *, namespace: str, secret: str, lease: str, configurations: Sequence[str]
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._secret = secret
        self._lease = lease
        self._configurations = configurations

    def now(self) -> float:
        """The API server's clock, in seconds since the epoch."""
        return self._api.now()

    def secret(self) -> dict[str, Any]:
        """The Secret; one without a resourceVersion if there is none."""
        metadata = {"name": self._secret, "namespace": self._namespace}
        return self._read("secret", metadata) or {"metadata": metadata, "type": "Opaque"}

    def write_secret(self, obj: dict[str, Any]) -> dict[str, Any]:
        """Write the Secret that was read, or make it; as it is then."""
        return self._write("secret", obj)

    def lease(self) -> dict[str, Any]:
        """The Lease; one without a resourceVersion if there is none."""
        metadata = {"name": self._lease, "namespace": self._namespace}
        return self._read("lease", metadata) or {"metadata": metadata}

    def write_lease(self, obj: dict[str, Any]) -> dict[str, Any]:
        """Write the Lease that was read, or make it; as it is then."""
        return self._write("lease", obj)

    def configurations(self) -> list[Configuration]:
        """The webhook configurations, those of them that there are."""
        return list(self._found())

    def trust(self, configuration: Configuration, bundle: bytes) -> None:
        """Have the API server take these PEM certificates from a configuration's webhooks."""
        encoded = base64.b64encode(bundle).decode()
        hooks = [
            {"name": name, "clientConfig": {"caBundle": encoded}} for name in configuration.trusts
        ]
        body = {"metadata": {"resourceVersion": configuration.version}, "webhooks": hooks}
        method = getattr(self._admission(), f"patch_{configuration.kind}_webhook_configuration")
        self._api.ask(
            f"let its webhook configuration {configuration.name} be changed",
            method,
            configuration.name,
            body,
        )

    def _found(self) -> Iterator[Configuration]:
        for name in self._configurations:
            for kind in _KINDS:
                method = getattr(self._admission(), f"read_{kind}_webhook_configuration")
                answer = self._unless_missing(
                    f"show its {kind} webhook configuration {name}", method, name
                )
                if answer:
                    version = answer.get("metadata", "resourceVersion").text()
                    hooks = answer.get("webhooks").items()
                    trusts = {
                        hook.get("name").text(): _decoded(hook.get("clientConfig", "caBundle"))
                        for hook in hooks
                    }
                    yield Configuration(kind, name, version, trusts)

    def _read(self, kind: str, metadata: dict[str, str]) -> dict[str, Any] | None:
        name, namespace = metadata["name"], metadata["namespace"]
        method = getattr(self._of(kind), f"read_namespaced_{kind}")
        answer = self._unless_missing(
            f"show the {kind} {namespace}/{name}", method, name, namespace
        )
        return dict(answer.mapping()) if answer else None

    def _write(self, kind: str, obj: dict[str, Any]) -> dict[str, Any]:
        name = obj["metadata"]["name"]
        deed = f"let the {kind} {self._namespace}/{name} be written"
        if "resourceVersion" in obj["metadata"]:
            replacing = getattr(self._of(kind), f"replace_namespaced_{kind}")
            return dict(self._api.ask(deed, replacing, name, self._namespace, obj).mapping())
        creating = getattr(self._of(kind), f"create_namespaced_{kind}")
        return dict(self._api.ask(deed, creating, self._namespace, obj).mapping())

    def _unless_missing(self, deed: str, method: Callable[..., Any], *names: str) -> Part | None:
        try:
            return self._api.ask(deed, method, *names)
        except ApiError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def _of(self, kind: str) -> Any:
        # Takes half a second.
        from kubernetes.client import CoordinationV1Api, CoreV1Api  # noqa: PLC0415

        return (CoreV1Api if kind == "secret" else CoordinationV1Api)(self._api.client)

    def _admission(self) -> Any:
        from kubernetes.client import AdmissionregistrationV1Api  # noqa: PLC0415

        return AdmissionregistrationV1Api(self._api.client)


def _decoded(bundle: Part) -> bytes:
    try:
        return base64.b64decode(bundle.text())
    except (binascii.Error, ValueError):
        # The API server would not have taken it; whoever did has nothing that is worth keeping.
        return b""
