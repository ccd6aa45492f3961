"""Asks a webhook as the API server would.

Through TLS with the configured CA bundle, and with a review.
"""

import base64
import binascii
import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import urlsplit

import orjson

from elfgate.cluster.part import Part
from elfgate.errors import InputError

_SECONDS = 5.0
_SOON = 7 * 24 * 3600.0  # a certificate that ends within a week should have been renewed
_ANSWER_BYTES = 1 << 20
_UID = "elfgate-doctor"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The place of a webhook, as its clientConfig says.

    Attributes:
        host: Also the name that its certificate must have.
        port: TCP.
        path: Of reviews.
        trust: Trusts the CA bundle and nothing else; the system's authorities if there is none.
    """

    host: str
    port: int
    path: str
    trust: ssl.SSLContext

    @classmethod
    def of(cls, client_config: Part) -> Self:
        """Read a WebhookClientConfig.

        Raises:
            InputError: if its CA bundle holds no certificate.
        """
        trust = _trust(client_config.get("caBundle").text())
        service = client_config.get("service")
        if service:
            host = f"{service.get('name').text()}.{service.get('namespace').text()}.svc"
            return cls(
                host, service.get("port").integer() or 443, service.get("path").text() or "/", trust
            )
        url = urlsplit(client_config.get("url").text())
        return cls(url.hostname or "", url.port or 443, url.path or "/", trust)


@dataclass(frozen=True, slots=True)
class Probed:
    """The finding about one aspect of a webhook.

    Attributes:
        aspect: Which.
        state: How it is.
        message: What was found.
        remedy: How to repair it.
    """

    aspect: str
    state: Literal["ok", "wrong", "unknown"]
    message: str
    remedy: str = ""


def probe(endpoint: Endpoint, revision: str = "") -> Iterator[Probed]:
    """Connect, look at certificate and readiness, and send a review.

    Policies of that revision should judge it.
    """
    connection = http.client.HTTPSConnection(
        endpoint.host, endpoint.port, timeout=_SECONDS, context=endpoint.trust
    )
    try:
        connection.connect()
        yield _certificate(connection)
        yield _readiness(connection)
        yield _review(connection, endpoint.path, revision)
    except ssl.SSLError as error:
        yield Probed(
            "certificate",
            "wrong",
            f"the API server will not take it: {_reason(error)}",
            "put the authority that signed it in caBundle, or issue one for this name",
        )
    except socket.gaierror:
        yield Probed(
            "address",
            "unknown",
            f"{endpoint.host} is not known here",
            "run elfgate doctor in the cluster",
        )
    except (OSError, http.client.HTTPException) as error:
        yield Probed(
            "address",
            "wrong",
            f"{endpoint.host}:{endpoint.port} does not answer: {error}",
            "look whether the webhook runs, and at the network policies",
        )
    finally:
        connection.close()


def _trust(bundle: str) -> ssl.SSLContext:
    if not bundle:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(
            cadata=base64.b64decode(bundle, validate=True).decode("ascii")
        )
    except (binascii.Error, ValueError, ssl.SSLError) as error:
        hint = "set caBundle to the PEM certificate of the authority that signed the webhook's"
        raise InputError("caBundle is no PEM certificate", hint=hint) from error
    return context


def _certificate(connection: http.client.HTTPSConnection) -> Probed:
    shown = connection.sock.getpeercert()
    ends = str(shown.get("notAfter", "")) if shown else ""
    if ends and ssl.cert_time_to_seconds(ends) - time.time() < _SOON:
        return Probed("certificate", "wrong", f"it ends on {ends}", "renew it")
    return Probed("certificate", "ok", f"it is signed by the CA bundle and ends on {ends}")


def _readiness(connection: http.client.HTTPSConnection) -> Probed:
    status, body = _exchange(connection, "GET", "/readyz")
    if status == http.HTTPStatus.OK:
        return Probed("readiness", "ok", "it is ready")
    lines = "; ".join(body.decode(errors="replace").split("\n")).strip("; ")
    return Probed("readiness", "wrong", f"/readyz says {status}: {lines}", "its log says more")


def _review(connection: http.client.HTTPSConnection, path: str, wanted: str) -> Probed:
    """Send a review of a pod that lands nowhere, so that no image is read for it."""
    spec = {"nodeName": _UID, "containers": [{"name": "probe", "image": "scratch"}]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _UID, "namespace": "default"},
        "spec": spec,
    }
    request: dict[str, object] = {
        "uid": _UID,
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "namespace": "default",
    }
    request |= {"operation": "CREATE", "name": _UID, "dryRun": True, "object": pod}
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    status, body = _exchange(connection, "POST", f"{path}?timeout=5s", orjson.dumps(review))
    try:
        response = Part(orjson.loads(body)).get("response")
        revision = response.get("auditAnnotations", "policy-revision").text()
        answered = response.get("uid").text() == _UID
    except (orjson.JSONDecodeError, InputError):
        answered, revision = False, ""
    if not answered or not revision:
        said = body[:200].decode(errors="replace").strip()
        return Probed(
            "review",
            "wrong",
            f"a review was answered with {status} and no verdict: {said}",
            "look at the path of the URL or service, and at the webhook's log",
        )
    if wanted and revision != wanted:
        return Probed(
            "review",
            "wrong",
            f"a review is judged by policies of revision {revision}, not {wanted}",
            "give it these policies and settings, or look whether they are the right ones",
        )
    return Probed("review", "ok", f"a review is answered, by policies of revision {revision}")


def _exchange(
    connection: http.client.HTTPSConnection, method: str, path: str, body: bytes | None = None
) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json"} if body else {}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read(_ANSWER_BYTES)


def _reason(error: ssl.SSLError) -> str:
    return str(getattr(error, "verify_message", "") or error.reason or error)
