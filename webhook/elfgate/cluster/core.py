"""The few calls of the core API that a webhook makes, by path.

Connections and credentials are the client's.

The client's own class for them describes each object of Kubernetes: it takes 20 MB and up to a
second to import, in every replica, for answers that are decoded here anyhow (``api``).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from urllib3 import Timeout

if TYPE_CHECKING:
    from kubernetes.client import ApiClient
    from urllib3 import BaseHTTPResponse

Timeouts = tuple[float, float] | float
_JSON, _MERGE = "application/json", "application/merge-patch+json"


class Core:
    """Calls ``/api/v1``.

    Each method raises the client's ``ApiException`` for a status that is no success.

    Args:
        client: Whose connections and credentials to use.
    """

    def __init__(self, client: "ApiClient") -> None:
        self._client = client

    def list(
        self, resource: str, query: Mapping[str, str], *, seconds: Timeouts, stream: bool = False
    ) -> "BaseHTTPResponse":
        """List objects of all namespaces, or with ``stream`` watch them.

        Then the body is still to be read.
        """
        return self._call("GET", resource, query=query, seconds=seconds, preload=not stream)

    def read(
        self, namespace: str, resource: str, name: str, *, seconds: Timeouts
    ) -> "BaseHTTPResponse":
        """One object."""
        return self._call("GET", "namespaces", namespace, resource, name, seconds=seconds)

    def read_namespace(self, name: str, *, seconds: Timeouts) -> "BaseHTTPResponse":
        """A namespace."""
        return self._call("GET", "namespaces", name, seconds=seconds)

    def create(
        self, namespace: str, resource: str, obj: object, *, seconds: Timeouts
    ) -> "BaseHTTPResponse":
        """Make an object."""
        return self._call("POST", "namespaces", namespace, resource, body=obj, seconds=seconds)

    def merge(
        self, namespace: str, resource: str, name: str, change: object, *, seconds: Timeouts
    ) -> "BaseHTTPResponse":
        """Change an object's members (RFC 7386)."""
        return self._call(
            "PATCH",
            "namespaces",
            namespace,
            resource,
            name,
            body=change,
            media_type=_MERGE,
            seconds=seconds,
        )

    def _call(
        self,
        method: str,
        *path: str,
        seconds: Timeouts,
        query: Mapping[str, str] | None = None,
        body: object = None,
        media_type: str = _JSON,
        preload: bool = True,
    ) -> "BaseHTTPResponse":
        connect, read = seconds if isinstance(seconds, tuple) else (seconds, seconds)
        content = {} if body is None else {"body": orjson.dumps(body)}
        answer: BaseHTTPResponse = self._client.rest_client.pool_manager.request(
            method,
            "/".join(
                (
                    self._client.configuration.host,
                    "api/v1",
                    *(quote(part, safe="") for part in path),
                )
            ),
            fields=dict(query) if query else None,
            headers=self._headers() | ({"Content-Type": media_type} if content else {}),
            timeout=Timeout(connect=connect, read=read),
            preload_content=preload,
            **content,
        )
        if not 200 <= answer.status < 300:
            raise self._refused(answer)
        return answer

    def _headers(self) -> dict[str, str]:
        """The user that asks; a token that has expired is got anew, as the kubeconfig says."""
        settings: Mapping[str, Mapping[str, Any]] = self._client.configuration.auth_settings()
        told = {
            each["key"]: each["value"]
            for each in settings.values()
            if each["in"] == "header" and each["value"]
        }
        return {"Accept": _JSON, "User-Agent": self._client.user_agent, **told}

    def _refused(self, answer: "BaseHTTPResponse") -> Exception:
        from kubernetes.client import ApiException  # noqa: PLC0415

        error = ApiException(status=answer.status, reason=answer.reason)
        error.body = answer.data.decode(errors="replace")
        return error
