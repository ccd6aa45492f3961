"""How a cluster's API server is reached: with a person's kubeconfig, or a pod's service account."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.cluster.api_errors import one_line
from elfgate.errors import InputError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

# Of a host that is gone the kernel tells sooner: seconds until it asks, between its questions, and
# how many.
_KEEPALIVE = {"idle": 5, "interval": 3, "count": 3}


@dataclass(frozen=True, slots=True)
class Access:
    """How a cluster is reached.

    Attributes:
        kubeconfig: The file; None for ``$KUBECONFIG``, else ``~/.kube/config``, and in a pod its
            service account.
        context: The file's context; empty for the current one.
    """

    kubeconfig: Path | None = None
    context: str = ""


def client_of(access: Access) -> "ApiClient":
    """The client of a cluster, from a kubeconfig or a pod's service account.

    Raises:
        InputError: if the kubeconfig cannot be used.
    """
    from kubernetes import client, config  # noqa: PLC0415
    from kubernetes.utils.keepalive import tcp_keepalive_socket_options  # noqa: PLC0415

    configuration = client.Configuration()
    configuration.socket_options = tcp_keepalive_socket_options(**_KEEPALIVE)
    try:
        if access == Access() and _in_pod(environ):
            config.load_incluster_config(  # type: ignore[no-untyped-call]
                client_configuration=configuration,
            )
            return client.ApiClient(configuration)
        # The library looks at KUBECONFIG once, when it is imported.
        file = str(access.kubeconfig) if access.kubeconfig else environ.get("KUBECONFIG")
        context = access.context or None
        config.load_kube_config(  # type: ignore[no-untyped-call]
            file,
            context,
            configuration,
        )
        return client.ApiClient(configuration)
    except (
        Exception
    ) as error:  # a file made by hand: the library raises whatever its shape leads to
        hint = "kubectl config view shows it"
        raise InputError(f"the kubeconfig cannot be used: {one_line(error)}", hint=hint) from error


def _in_pod(environment: Mapping[str, str]) -> bool:
    """Whether this runs in a pod, as client-go tells it; a kubeconfig that is named outranks it."""
    return "KUBERNETES_SERVICE_HOST" in environment and "KUBECONFIG" not in environment
