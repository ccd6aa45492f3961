"""The workloads of a cluster, listed page by page.

The images that workloads name, and the objects themselves.

Source: the Kubernetes API reference (paged lists, discovery).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elfgate.cluster.access import Access
from elfgate.cluster.api import Api
from elfgate.cluster.api_errors import ApiError
from elfgate.cluster.kinds import TEMPLATES, Template
from elfgate.cluster.manifests import Manifest
from elfgate.cluster.part import Part
from elfgate.cluster.template import workload

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

_PAGE = 200  # objects an answer: a pod is tens of kilobytes
_BUILT_IN = frozenset(("", "apps", "batch"))
_REFUSED = frozenset((403, 404, 405))


@dataclass(frozen=True, slots=True)
class _List:
    """A list of all namespaces' objects of one kind.

    Attributes:
        name: For people, in the plural.
        method: The client's method, which takes ``limit`` and ``_continue``.
        args: What else it takes.
        called: List the objects of this name alone; empty for all.
    """

    name: str
    method: Callable[..., Any]
    args: tuple[str, ...] = ()
    called: str = ""

    def chosen(self) -> Mapping[str, str]:
        """The client's options that choose among the objects."""
        return {"field_selector": f"metadata.name={self.called}"} if self.called else {}


def images(context: str = "") -> Iterator[str]:
    """List every image that a workload names; an image comes as often as it is named.

    ReplicaSets are left out, as old ones are kept for rolling back.

    Args:
        context: A context of the kubeconfig; empty for the current one.

    Raises:
        InputError: if there is no such context, the cluster does not answer, or it does not let us
            list its workloads.
    """
    with Api(Access(context=context)) as api:
        for each in _workloads(api.client):
            for obj in _objects(api, each):
                found = workload(obj)
                if found is not None:
                    yield from (
                        container.image for container in found.containers if container.image
                    )


def objects(
    context: str = "",
    *,
    templates: Iterable[Template] = TEMPLATES,
    config_maps: str = "",
    refused: Callable[[str], None],
) -> Iterator[Manifest]:
    """List namespaces, and the objects that hold pod templates, owners before what they make.

    Args:
        context: A context of the kubeconfig; empty for the current one.
        templates: The kinds that hold pod templates; those of other groups are listed where the
            cluster has them.
        config_maps: List the ConfigMaps of this name too; empty for none.
        refused: Told why objects of a kind cannot be listed.

    Raises:
        InputError: if there is no such context, or the cluster does not answer.
    """
    with Api(Access(context=context)) as api:
        for each in _audited(api, templates, config_maps):
            try:
                for obj in _objects(api, each):
                    yield Manifest(_position(obj), obj)
            except ApiError as error:
                if error.status not in _REFUSED:
                    raise
                refused(str(error))


def _position(obj: dict[str, Any]) -> str:
    metadata = Part(obj).get("metadata")
    place = (metadata.get("namespace").text(), str(obj["kind"]), metadata.get("name").text())
    return "/".join(part for part in place if part)


def _workloads(client: "ApiClient") -> Iterator[_List]:
    # Imported here as it takes half a second, and few verbs need it.
    from kubernetes.client import AppsV1Api, BatchV1Api, CoreV1Api  # noqa: PLC0415

    apps, batch = AppsV1Api(client), BatchV1Api(client)
    yield _List("deployments", apps.list_deployment_for_all_namespaces)
    yield _List("stateful sets", apps.list_stateful_set_for_all_namespaces)
    yield _List("daemon sets", apps.list_daemon_set_for_all_namespaces)
    yield _List("cron jobs", batch.list_cron_job_for_all_namespaces)
    yield _List("jobs", batch.list_job_for_all_namespaces)
    yield _List("pods", CoreV1Api(client).list_pod_for_all_namespaces)


def _audited(api: Api, templates: Iterable[Template], config_maps: str) -> Iterator[_List]:
    from kubernetes.client import AppsV1Api, CoreV1Api  # noqa: PLC0415

    core = CoreV1Api(api.client)
    *workloads, pods = _workloads(api.client)
    yield _List("namespaces", core.list_namespace)
    if config_maps:
        listing = core.list_config_map_for_all_namespaces
        yield _List(f"ConfigMaps called {config_maps}", listing, called=config_maps)
    yield from _custom(api, templates)
    yield from workloads
    controllers = core.list_replication_controller_for_all_namespaces
    yield _List("replication controllers", controllers)
    yield _List("replica sets", AppsV1Api(api.client).list_replica_set_for_all_namespaces)
    yield pods


def _custom(api: Api, templates: Iterable[Template]) -> Iterator[_List]:
    """The lists of kinds of other groups, as far as the cluster has them."""
    from kubernetes.client import ApisApi, CustomObjectsApi  # noqa: PLC0415

    kinds = {(row.group, row.kind) for row in templates if row.group not in _BUILT_IN}
    custom = CustomObjectsApi(api.client)
    groups = api.ask("list its API groups", ApisApi(api.client).get_api_versions).get("groups")
    for group in groups.items():
        name = group.get("name").text()
        if name not in {known for known, _ in kinds}:
            continue
        version = group.get("preferredVersion", "version").text()
        found = api.ask(f"list the kinds of {name}", custom.get_api_resources, name, version)
        for resource in found.get("resources").items():
            plural = resource.get("name").text()
            if (name, resource.get("kind").text()) in kinds and "/" not in plural:
                listing = custom.list_cluster_custom_object
                yield _List(f"{plural}.{name}", listing, (name, version, plural))


def _objects(api: Api, each: _List) -> Iterator[dict[str, Any]]:
    position: str | None = None
    while position != "":
        paged = {"limit": _PAGE, **({"_continue": position} if position else {})}
        page = api.ask(f"list its {each.name}", each.method, *each.args, **paged, **each.chosen())
        for item in page.get("items").items():
            yield {**_type_of(page), **item.mapping()}
        position = page.get("metadata", "continue").text()


def _type_of(page: Part) -> dict[str, object]:
    """The fields that the API leaves out of a typed list's items."""
    return {
        "apiVersion": page.get("apiVersion").text(),
        "kind": page.get("kind").text().removesuffix("List"),
    }
