"""The nodes of a live cluster, asked once, with the user's own kubeconfig."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import orjson

from elfgate.cluster.nodes import Node, read_node
from elfgate.cluster.part import Part
from elfgate.errors import InputError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, ApiException, CoreV1Api

_PAGE = 500  # nodes an answer, as kubectl asks
_TIMEOUT = (5.0, 30.0)  # seconds to connect, and between two bytes


def read_context(context: str = "") -> tuple[Node, ...]:
    """List the nodes of a cluster.

    Args:
        context: A context of the kubeconfig (``$KUBECONFIG``, else ``~/.kube/config``); empty for the current one.

    Returns:
        Its nodes, without those that do not (yet) say of which architecture they are.

    Raises:
        InputError: if there is no such context, the cluster does not answer, or it does not let us list nodes.
    """
    # Imported here as it takes half a second, and only this verb needs it.
    from kubernetes.client import ApiException, CoreV1Api  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    with _client(context) as client:
        host = client.configuration.host
        try:
            read = [read_node(obj) for obj in _list_nodes(CoreV1Api(client))]
        except ApiException as error:
            raise InputError(f"the cluster at {host} does not list its nodes: {_refusal(error)}") from error
        except (HTTPError, OSError) as error:
            # What urllib3 says of its retries holds the reason, in the middle of a long line.
            raise InputError(f"the cluster at {host} does not answer: {getattr(error, 'reason', error)}") from error
        except orjson.JSONDecodeError as error:
            raise InputError(f"{host} is not a Kubernetes API server: its answer is not JSON") from error
    return tuple(node for node in read if node)


def _client(context: str) -> "ApiClient":
    from kubernetes.config import new_client_from_config  # noqa: PLC0415

    try:
        return cast("ApiClient", new_client_from_config(context=context or None))  # type: ignore[no-untyped-call]
    except Exception as error:  # a file made by hand: the library raises whatever its shape leads to
        hint = "kubectl config view shows it"
        raise InputError(f"the kubeconfig cannot be used: {_one_line(error)}", hint=hint) from error


def _list_nodes(api: "CoreV1Api") -> Iterator[Any]:
    """Every node as JSON: the client's own models take longer to build than the list to come."""
    position: str | None = None
    while position != "":
        answer: Any = api.list_node(limit=_PAGE, _continue=position, _preload_content=False, _request_timeout=_TIMEOUT)
        page = Part(orjson.loads(answer.data), None, "the answer")
        yield from (item.value for item in page.get("items").items())
        position = page.get("metadata", "continue").text()


def _refusal(error: "ApiException") -> str:
    """The status, and the API server's own words if it has any (a Status object)."""
    try:
        said = Part(orjson.loads(error.body or b"")).get("message").text()
    except (orjson.JSONDecodeError, InputError):
        said = str(error.reason)
    return f"{error.status} {_one_line(said)}"


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
