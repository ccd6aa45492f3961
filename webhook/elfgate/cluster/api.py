"""A live cluster's API server, asked with a person's kubeconfig or a pod's service account.

Answers are taken as bytes and decoded here: the client's own models take longer to build than a
list to come, and keep every field of every node. Sources: the Kubernetes API concepts (paged lists,
watches, bookmarks, 410 Gone).
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import orjson

from elfgate.cluster.access import Access, client_of
from elfgate.cluster.api_errors import Errors
from elfgate.cluster.core import Core
from elfgate.cluster.nodes import Node, Page, read_node, read_page
from elfgate.cluster.part import Part
from elfgate.errors import InputError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient
    from urllib3 import BaseHTTPResponse

_PAGE = 500  # nodes an answer, as kubectl asks
_TIMEOUT = (5.0, 30.0)  # seconds to connect, and between two bytes
# The API server ends a watch after that time, and sends a bookmark two seconds before
# (k8s.io/apiserver, cacher): so short that silence tells soon of a peer that is not there any
# longer.
_WATCH_SECONDS = 20
_WATCH_SILENCE = 25.0
_EVENT_BYTES = 8 << 20  # etcd takes objects of 1.5 MiB
_CHUNK = 1 << 16


class Api:
    """One cluster's API server; a context manager. Threads may share it.

    Each method raises ApiError if the server says no or nothing, and InputError if it does not talk
    as one.
    """

    def __init__(self, access: Access | None = None) -> None:
        """Read the kubeconfig, or the pod's service account.

        Raises:
            InputError: if it cannot be used.
        """
        self._client = client_of(access or Access())
        self._watch: Any = None
        self._ahead: float | None = None  # of the steady clock, the API server's

    @property
    def host(self) -> str:
        """The API server's URL."""
        return str(self._client.configuration.host)

    @property
    def client(self) -> "ApiClient":
        """The client, for the generated methods that ``ask`` calls."""
        return self._client

    def now(self) -> float:
        """The API server's clock, as its last answer told it, in seconds since the epoch.

        Until then this machine's.
        """
        return time.time() if self._ahead is None else time.monotonic() + self._ahead

    def nodes(self) -> Iterator[Page]:
        """List the nodes, a page at a time."""
        position: str | None = None
        while position != "":
            query = {"limit": str(_PAGE), **({"continue": position} if position else {})}
            with self._errors("list its nodes"):
                page = read_page(
                    self._answer(Core(self._client).list("nodes", query, seconds=_TIMEOUT))
                )
            yield page
            position = page.position

    def config_maps(self, name: str) -> Iterator[Part]:
        """List the ConfigMaps of one name in all namespaces, a page (a ConfigMapList) at a time."""
        position: str | None = None
        while position != "":
            query = {"limit": str(_PAGE), **_of_name(name)}
            if position:
                query["continue"] = position
            page = self._core("list its ConfigMaps", partial(_config_maps, query))
            yield page
            position = page.get("metadata", "continue").text()

    def watch_nodes(self, version: str, *, opened: Callable[[], None]) -> Iterator[Part]:
        """Follow the nodes from a resourceVersion on (``_followed``)."""
        return self._followed("nodes", version, {}, opened)

    def watch_config_maps(
        self, name: str, version: str, *, opened: Callable[[], None]
    ) -> Iterator[Part]:
        """Follow the ConfigMaps of one name from a resourceVersion on (``_followed``)."""
        return self._followed("configmaps", version, _of_name(name), opened)

    def _followed(
        self,
        resource: str,
        version: str,
        chosen: Mapping[str, str],
        opened: Callable[[], None],
    ) -> Iterator[Part]:
        """Follow the objects of a resource from a resourceVersion on.

        Args:
            resource: Which.
            version: The resourceVersion.
            chosen: What chooses among the objects, as a query.
            opened: Called when the server has agreed to tell what happens.

        Returns:
            Watch events (``type``, ``object``), until the server ends the watch, which it does
            after some minutes.
        """
        with self._errors(f"watch its {resource}"):
            self._watch = Core(self._client).list(
                resource,
                {
                    "watch": "true",
                    "resourceVersion": version,
                    "allowWatchBookmarks": "true",
                    "timeoutSeconds": str(_WATCH_SECONDS),
                    **chosen,
                },
                seconds=(_TIMEOUT[0], _WATCH_SILENCE),
                stream=True,
            )
            try:
                opened()
                for line in _lines(self._watch.stream(_CHUNK)):
                    yield Part(orjson.loads(line), None, "the event")
            finally:
                self._watch.close()

    def end_watch(self) -> None:
        """End the watch that another thread is waiting for, if there is one."""
        if self._watch is not None:
            with suppress(OSError, RuntimeError, ValueError):  # it has just ended by itself
                self._watch.shutdown()

    def pod(self, namespace: str, name: str, *, seconds: float) -> dict[str, Any]:
        """One pod, within some seconds."""
        deed = f"show the pod {namespace}/{name}"
        answer = self._core(deed, lambda core: core.read(namespace, "pods", name, seconds=seconds))
        return dict(answer.mapping())

    def namespace(self, name: str, *, seconds: float) -> dict[str, Any]:
        """One Namespace, within some seconds."""
        deed = f"show the namespace {name}"
        answer = self._core(deed, lambda core: core.read_namespace(name, seconds=seconds))
        return dict(answer.mapping())

    def secret(self, namespace: str, name: str, *, seconds: float) -> dict[str, Any]:
        """One Secret, within some seconds."""
        deed = f"show the secret {namespace}/{name}"
        answer = self._core(
            deed, lambda core: core.read(namespace, "secrets", name, seconds=seconds)
        )
        return dict(answer.mapping())

    def service_account(self, namespace: str, name: str, *, seconds: float) -> dict[str, Any]:
        """One ServiceAccount, within some seconds."""
        deed = f"show the service account {namespace}/{name}"
        answer = self._core(
            deed, lambda core: core.read(namespace, "serviceaccounts", name, seconds=seconds)
        )
        return dict(answer.mapping())

    def create_event(self, namespace: str, event: dict[str, Any]) -> None:
        """Make an event."""
        self._core(
            "take an event", lambda core: core.create(namespace, "events", event, seconds=_TIMEOUT)
        )

    def patch_event(self, namespace: str, name: str, change: dict[str, Any]) -> None:
        """Change an event's members."""
        self._core(
            "take an event",
            lambda core: core.merge(namespace, "events", name, change, seconds=_TIMEOUT),
        )

    def validating_webhooks(self) -> list[Part]:
        """The ValidatingWebhookConfigurations."""
        from kubernetes.client import AdmissionregistrationV1Api  # noqa: PLC0415

        method = AdmissionregistrationV1Api(self._client).list_validating_webhook_configuration
        return self.ask("list its webhook configurations", method).get("items").items()

    def namespace_labels(self) -> dict[str, dict[str, str]]:
        """Each namespace's labels."""
        answer = self._core(
            "list its namespaces", lambda core: core.list("namespaces", {}, seconds=_TIMEOUT)
        )
        metadata = [item.get("metadata") for item in answer.get("items").items()]
        return {each.get("name").text(): each.get("labels").texts() for each in metadata}

    def ready_endpoints(self, namespace: str, service: str) -> int:
        """How many ready endpoints a Service has."""
        from kubernetes.client import DiscoveryV1Api  # noqa: PLC0415

        method = DiscoveryV1Api(self._client).list_namespaced_endpoint_slice
        selector = f"kubernetes.io/service-name={service}"
        answer = self.ask(
            f"list the endpoints of {namespace}/{service}",
            method,
            namespace,
            label_selector=selector,
        )
        found = [
            end for piece in answer.get("items").items() for end in piece.get("endpoints").items()
        ]
        return sum(end.get("conditions", "ready").value is not False for end in found)

    def may(self, verb: str, resource: str, *, service_account: str = "") -> bool:
        """Whether an account may do something to a core resource in every namespace.

        Args:
            verb: Such as ``list``.
            resource: Such as ``nodes``.
            service_account: ``NAMESPACE/NAME``; empty for who asks.
        """
        from kubernetes.client import AuthorizationV1Api  # noqa: PLC0415

        spec: dict[str, object] = {"resourceAttributes": {"verb": verb, "resource": resource}}
        api, method = AuthorizationV1Api(self._client), "create_self_subject_access_review"
        kind = "SelfSubjectAccessReview"
        if service_account:
            method, kind = "create_subject_access_review", "SubjectAccessReview"
            namespace, _, name = service_account.partition("/")
            spec["user"] = f"system:serviceaccount:{namespace}:{name}"
            spec["groups"] = [
                "system:serviceaccounts",
                f"system:serviceaccounts:{namespace}",
                "system:authenticated",
            ]
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
        answer = self.ask("tell rights", getattr(api, method), body)
        return answer.get("status", "allowed").value is True

    def ask(self, deed: str, method: Callable[..., Any], *args: Any, **options: Any) -> Part:
        """Call one of the client's generated methods.

        Args:
            deed: What the cluster is asked to do, for errors, such as ``list its nodes``.
            method: Which.
            args: What the method takes.
            options: The same.

        Returns:
            The answer.
        """
        return self._asked(
            deed,
            lambda: method(
                *args, **{"_request_timeout": _TIMEOUT, **options, "_preload_content": False}
            ),
        )

    def _core(self, deed: str, call: "Callable[[Core], BaseHTTPResponse]") -> Part:
        """Call one of the core API's methods."""
        return self._asked(deed, lambda: call(Core(self._client)))

    def _asked(self, deed: str, call: "Callable[[], BaseHTTPResponse]") -> Part:
        with self._errors(deed):
            return Part(orjson.loads(self._answer(call())), None, "the answer")

    def _answer(self, answer: "BaseHTTPResponse") -> bytes:
        """An answer's body; its date is noted."""
        with suppress(ValueError):
            self._ahead = (
                parsedate_to_datetime(answer.headers.get("Date", "")).timestamp() - time.monotonic()
            )
        return answer.data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def _errors(self, deed: str) -> Errors:
        return Errors(self.host, deed)


def read_context(context: str = "") -> tuple[Node, ...]:
    """List the nodes of a cluster once.

    Args:
        context: A context of the kubeconfig; empty for the current one.

    Raises:
        InputError: if there is no such context, the cluster does not answer, or it does not let us
            list nodes.
    """
    with Api(Access(context=context)) as api:
        return tuple(read_node(obj) for page in api.nodes() for obj in page.items)


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Split a watch's body into its events.

    Raises:
        InputError: if one is too long to be of Kubernetes.
    """
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _EVENT_BYTES:
            raise InputError(f"the API server's event is longer than {_EVENT_BYTES >> 20} MiB")
        yield from filter(None, lines)


def _of_name(name: str) -> dict[str, str]:
    """A query for objects of one name; a right may then be for that name alone (RBAC).

    Source: Kubernetes, "Using RBAC Authorization" (``list`` and ``watch`` by resource name).
    """
    return {"fieldSelector": f"metadata.name={name}"}


def _config_maps(query: Mapping[str, str], core: Core) -> "BaseHTTPResponse":
    return core.list("configmaps", query, seconds=_TIMEOUT)
