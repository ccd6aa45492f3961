"""The way to free a cluster that the webhook locks.

Which configurations ask it, and how each is taken out of the way.

The API server asks no webhook about webhook configurations themselves (Kubernetes, "Dynamic
Admission Control"), so this works however badly the webhook does, and without it.
"""

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from elfgate.cluster.api import Api
from elfgate.cluster.api_errors import ApiError
from elfgate.cluster.doctor import DOMAIN
from elfgate.cluster.part import Part

_KINDS = ("validating", "mutating")
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A webhook configuration by which the API server asks elfgate.

    Attributes:
        kind: ``validating`` or ``mutating``.
        name: The configuration's.
        webhooks: The webhooks of ours in it, with their place there and their failure policy.
        shared: It holds webhooks of others too, which must stay.
    """

    kind: str
    name: str
    webhooks: tuple[tuple[int, str, str], ...]
    shared: bool

    @property
    def resource(self) -> str:
        """The name that kubectl uses."""
        return f"{self.kind}webhookconfiguration"

    @property
    def refuses(self) -> bool:
        """Whether requests fail when a webhook of it cannot be asked.

        That is ``failurePolicy``, whose default is Fail.
        """
        return any(policy != "Ignore" for _, _, policy in self.webhooks)

    @property
    def patch(self) -> list[dict[str, Any]]:
        """The JSON patch that lets pass what cannot be asked.

        It fails if the webhooks have changed places.
        """
        return [
            step
            for place, name, _ in self.webhooks
            for step in (
                {"op": "test", "path": f"/webhooks/{place}/name", "value": name},
                {"op": "replace", "path": f"/webhooks/{place}/failurePolicy", "value": "Ignore"},
            )
        ]

    @property
    def let_pass(self) -> str:
        """The command that keeps the configuration, and lets pass what cannot be asked about."""
        patch = shlex.quote(json.dumps(self.patch, separators=(",", ":")))
        return f"kubectl patch {self.resource} {shlex.quote(self.name)} --type=json -p {patch}"

    @property
    def remove(self) -> str:
        """The command after which the API server asks nothing.

        Empty if others' webhooks would go too.
        """
        return "" if self.shared else f"kubectl delete {self.resource} {shlex.quote(self.name)}"


def obstacles(api: Api, names: Sequence[str] = ()) -> Iterator[Obstacle]:
    """The configurations with webhooks of ours.

    Args:
        api: The cluster.
        names: Only configurations of these names, which takes no right to list them; all if empty.

    Raises:
        ApiError: if the API server does not answer, or does not show its webhook configurations.
    """
    for kind in _KINDS:
        for item in _named(api, kind, names) if names else _all(api, kind):
            webhooks = item.get("webhooks").items()
            ours = tuple(
                (place, name, hook.get("failurePolicy").text() or "Fail")
                for place, hook in enumerate(webhooks)
                if (name := hook.get("name").text()).endswith(DOMAIN)
            )
            if ours:
                yield Obstacle(
                    kind,
                    item.get("metadata", "name").text(),
                    ours,
                    shared=len(ours) < len(webhooks),
                )


def clear(api: Api, obstacle: Obstacle) -> str:
    """Delete a configuration, or let others' webhooks in it stay and let ours pass.

    Args:
        api: The cluster.
        obstacle: What is in the way.

    Returns:
        What was done: ``deleted``, ``set to Ignore`` or ``gone already``.

    Raises:
        ApiError: if the API server does not do it.
    """
    kind, name = obstacle.kind, obstacle.name
    try:
        if obstacle.shared:
            api.ask(
                f"change {obstacle.resource} {name}",
                _method(api, "patch", kind),
                name,
                obstacle.patch,
            )
            return "set to Ignore"
        api.ask(f"delete {obstacle.resource} {name}", _method(api, "delete", kind), name)
    except ApiError as error:
        if error.status != _NOT_FOUND:
            raise
        return "gone already"
    return "deleted"


def _all(api: Api, kind: str) -> list[Part]:
    return (
        api.ask(f"list its {kind} webhook configurations", _method(api, "list", kind))
        .get("items")
        .items()
    )


def _named(api: Api, kind: str, names: Sequence[str]) -> Iterator[Part]:
    for name in names:
        try:
            yield api.ask(
                f"show {kind}webhookconfiguration {name}", _method(api, "read", kind), name
            )
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise


def _method(api: Api, verb: str, kind: str) -> Any:
    # Slow to import, and few verbs need it.
    from kubernetes.client import AdmissionregistrationV1Api  # noqa: PLC0415

    return getattr(AdmissionregistrationV1Api(api.client), f"{verb}_{kind}_webhook_configuration")
