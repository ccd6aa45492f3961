"""Reports in the cluster: written when their content changes, and removed when it goes.

Sources: the Kubernetes API concepts (resourceVersion, 409), the OpenReports and Policy Report APIs.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from elfgate.cluster.api import Api
from elfgate.cluster.api_errors import ApiError
from elfgate.cluster.part import Part
from elfgate.errors import InputError

NAME = "elfgate"  # of each report, where one installation alone writes some
_DIGEST = "elfgate.dev/content"
_OWN = {"app.kubernetes.io/managed-by": "elfgate"}
_PAGE = 200
# The namespace is going, somebody else's object has the name, or it has changed since.
_PASSED = frozenset((403, 404, 409))


@dataclass(frozen=True, slots=True)
class Kind:
    """An API that reports can be written in.

    Attributes:
        group: Its group.
        version: Its version.
        kind: Of a report.
        plural: The same, in paths.
        own: Further fields of each report.
    """

    group: str
    version: str
    kind: str
    plural: str
    own: tuple[tuple[str, str], ...] = ()


KINDS = {
    "openreports": Kind(
        "openreports.io", "v1alpha1", "Report", "reports", own=(("source", "elfgate"),)
    ),
    "policyreport": Kind("wgpolicyk8s.io", "v1alpha2", "PolicyReport", "policyreports"),
}


class Reports:
    """The reports of this program in one cluster.

    Args:
        api: The API server.
        kind: How they are written.
        refused: Told why one could not be written or removed.
        name: Of each report; another installation's reports have another one.
    """

    def __init__(
        self, api: Api, kind: Kind, refused: Callable[[str], None], name: str = NAME
    ) -> None:
        from kubernetes.client import CustomObjectsApi  # noqa: PLC0415

        self._api = api
        self._kind = kind
        self._refused = refused
        self._name = name
        self._custom = CustomObjectsApi(api.client)

    def write(
        self, contents: Mapping[str, Mapping[str, Any]], *, complete: bool = True
    ) -> Counter[str]:
        """Have each namespace hold the report of this content, and the others none.

        Args:
            contents: By namespace.
            complete: Whether a namespace without content has nothing to tell; else its report
                stays.

        Returns:
            How many were ``written``, ``removed`` and left ``unchanged``.

        Raises:
            InputError: if the cluster has no such reports, or does not answer.
        """
        there = {each.get("metadata", "namespace").text(): each for each in self._own()}
        done: Counter[str] = Counter()
        for namespace, content in contents.items():
            done[self._put(namespace, content, there.get(namespace))] += 1
        for namespace in there.keys() - contents.keys() if complete else ():
            done[self._remove(namespace)] += 1
        return done

    def _own(self) -> Iterator[Part]:
        """The reports that there are, those of other programs and installations left out."""
        selector = ",".join(f"{name}={value}" for name, value in _OWN.items())
        position: str | None = None
        while position != "":
            paged = {"_continue": position} if position else {}
            page = self._list(label_selector=selector, limit=_PAGE, **paged)
            for item in page.get("items").items():
                if item.get("metadata", "name").text() == self._name:
                    yield item
            position = page.get("metadata", "continue").text()

    def _list(self, **query: Any) -> Part:
        kind = self._kind
        method = self._custom.list_cluster_custom_object
        names = (kind.group, kind.version, kind.plural)
        try:
            return self._api.ask(f"list its {kind.plural}", method, *names, **query)
        except ApiError as error:
            if error.status != 404:
                raise
            message = f"the cluster has no {kind.plural}.{kind.group}"
            raise InputError(message, hint="install its CustomResourceDefinition") from error

    def _put(self, namespace: str, content: Mapping[str, Any], there: Part | None) -> str:
        told = self._object(namespace, content)
        digest = told["metadata"]["annotations"][_DIGEST]
        place = (self._kind.group, self._kind.version, namespace, self._kind.plural)
        change = f"take a report on {namespace}"
        if there is None:
            make = self._custom.create_namespaced_custom_object
            return self._done(change, make, *place, told)
        metadata = there.get("metadata")
        if metadata.get("annotations").texts().get(_DIGEST) == digest:
            return "unchanged"
        told["metadata"]["resourceVersion"] = metadata.get("resourceVersion").text()
        replace = self._custom.replace_namespaced_custom_object
        return self._done(change, replace, *place, self._name, told)

    def _object(self, namespace: str, content: Mapping[str, Any]) -> dict[str, Any]:
        kind = self._kind
        body = dict(kind.own) | dict(content)
        digest = hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
        metadata = {
            "name": self._name,
            "namespace": namespace,
            "labels": dict(_OWN),
            "annotations": {_DIGEST: digest},
        }
        head = {"apiVersion": f"{kind.group}/{kind.version}", "kind": kind.kind}
        return {**head, "metadata": metadata, **body}

    def _remove(self, namespace: str) -> str:
        place = (self._kind.group, self._kind.version, namespace, self._kind.plural, self._name)
        method = self._custom.delete_namespaced_custom_object
        word = self._done(f"remove the report on {namespace}", method, *place)
        return "removed" if word == "written" else word

    def _done(self, change: str, method: Callable[..., Any], *words: Any) -> str:
        """Ask for a change; what another client prevents is left to the next audit."""
        try:
            self._api.ask(change, method, *words)
        except ApiError as error:
            if error.status not in _PASSED:
                raise
            self._refused(error.message)
            return "refused"
        return "written"
