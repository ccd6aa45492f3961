"""How a cluster's API server is reached: with a person's kubeconfig, or a pod's service account."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.cluster.api_errors import one_line
from elfgate.errors import InputError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

# The library's words, behind which it writes what it has read.
_LISTED = re.compile(r"Expected object with name (?P<name>\S+) in .*/(?P<kind>\w+)s list$")
_KEY = re.compile(r"Expected key (?P<name>\S+) in ")
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
        context = access.context or None
        config.load_kube_config(  # type: ignore[no-untyped-call]
            _files(access),
            context,
            configuration,
        )
        return client.ApiClient(configuration)
    except InputError:
        raise
    # A file made by hand: the library raises whatever its shape leads to.
    except Exception as error:  # noqa: BLE001
        hint = "kubectl config view shows it"
        raise InputError(f"the kubeconfig cannot be used: {_words(error)}", hint=hint) from None


def _files(access: Access) -> str:
    """The kubeconfig's files, as the library takes them: it looks at KUBECONFIG on import only.

    Raises:
        InputError: if there is none.
    """
    named = str(access.kubeconfig or environ.get("KUBECONFIG") or Path("~/.kube/config"))
    files = [Path(each).expanduser() for each in named.split(os.pathsep) if each]
    if not any(map(os.path.exists, files)):
        raise InputError(
            f"there is no kubeconfig: {named} does not exist", hint="set KUBECONFIG to yours"
        )
    return os.pathsep.join(map(str, files))


def _words(error: Exception) -> str:
    """The library's words about a kubeconfig, without its contents, which may be secret."""
    said = one_line(error).removeprefix("Invalid kube-config file. ")
    listed = _LISTED.match(said)
    if listed:
        return f"it has no {listed['kind']} {listed['name']}"
    key = _KEY.match(said)
    return f"it has no {key['name']}, where one must be" if key else said


def _in_pod(environment: Mapping[str, str]) -> bool:
    """Whether this runs in a pod, as client-go tells it; a kubeconfig that is named outranks it."""
    return "KUBERNETES_SERVICE_HOST" in environment and "KUBECONFIG" not in environment
