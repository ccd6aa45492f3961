"""The images that a cluster's workloads name: of what runs, and of what would run again (scaled to nothing, scheduled).

Source: the Kubernetes API reference (paged lists). ReplicaSets are left out, as old ones are kept for rolling back.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from elfgate.cluster.api import Access, Api
from elfgate.cluster.part import Part
from elfgate.cluster.template import workload

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

_PAGE = 200  # objects an answer: a pod is tens of kilobytes


def images(context: str = "") -> Iterator[str]:
    """List every image that a workload names; an image comes as often as it is named.

    Args:
        context: A context of the kubeconfig; empty for the current one.

    Raises:
        InputError: if there is no such context, the cluster does not answer, or it does not let us list its workloads.
    """
    with Api(Access(context=context)) as api:
        for name, method in _lists(api.client):
            for obj in _objects(api, name, method):
                found = workload(obj)
                if found is not None:
                    yield from (
                        container.image for container in found.containers if container.image
                    )


def _lists(client: "ApiClient") -> Iterator[tuple[str, Callable[..., Any]]]:
    # Imported here as it takes half a second, and few verbs need it.
    from kubernetes.client import AppsV1Api, BatchV1Api, CoreV1Api  # noqa: PLC0415

    apps, batch = AppsV1Api(client), BatchV1Api(client)
    yield "deployments", apps.list_deployment_for_all_namespaces
    yield "stateful sets", apps.list_stateful_set_for_all_namespaces
    yield "daemon sets", apps.list_daemon_set_for_all_namespaces
    yield "cron jobs", batch.list_cron_job_for_all_namespaces
    yield "jobs", batch.list_job_for_all_namespaces
    yield "pods", CoreV1Api(client).list_pod_for_all_namespaces


def _objects(api: Api, name: str, method: Callable[..., Any]) -> Iterator[dict[str, object]]:
    position: str | None = None
    while position != "":
        page = api.ask(f"list its {name}", method, limit=_PAGE, _continue=position)
        for item in page.get("items").items():
            yield {**_type_of(page), **item.mapping()}
        position = page.get("metadata", "continue").text()


def _type_of(page: Part) -> dict[str, object]:
    """The fields that the API leaves out of a typed list's items."""
    return {
        "apiVersion": page.get("apiVersion").text(),
        "kind": page.get("kind").text().removesuffix("List"),
    }
