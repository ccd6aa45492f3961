"""Asking oneself.

A webhook is ready when its own endpoint answers a review, over TLS, as the API server would ask.
"""

import asyncio
import ssl
from contextlib import suppress

import orjson

from elfgate.errors import ElfgateError

SECONDS = 2.0
_UID = "elfgate-readiness"
_REVIEW = orjson.dumps(
    {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        # A deletion: there is nothing to judge in it, so that no image is read.
        "request": {
            "uid": _UID,
            "operation": "DELETE",
            "resource": {"group": "", "version": "v1", "resource": "pods"},
        },
    }
)
_REQUEST = (
    b"POST /validate?timeout=%ds HTTP/1.1\r\nhost: localhost\r\n"
    b"content-type: application/json\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%s" % (SECONDS, len(_REVIEW), _REVIEW)
)
# Where a listener on every interface is to be found.
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


async def answers(
    host: str, port: int, *, certificates_asked: bool, seconds: float = SECONDS
) -> None:
    """Ask the endpoint at ``host`` and ``port`` to answer a review within ``seconds``.

    Where clients are asked for certificates there is none to show here: that the review is refused
    is the right answer.

    Raises:
        ElfgateError: if it does not answer in time, or not as it must.
    """
    try:
        async with asyncio.timeout(seconds):
            status, body = await _exchange(_WILDCARDS.get(host, host), port)
    except TimeoutError:
        raise ElfgateError(f"its own endpoint gave no answer within {seconds:g} s") from None
    except (OSError, ValueError, IndexError) as error:
        raise ElfgateError(f"its own endpoint does not answer: {error}") from None
    if status != (403 if certificates_asked else 200) or (status == 200 and not _is_answer(body)):
        raise ElfgateError(f"its own endpoint does not answer a review as it must: status {status}")


def _is_answer(body: bytes) -> bool:
    try:
        return bool(orjson.loads(body)["response"]["uid"] == _UID)
    except (ValueError, KeyError, TypeError):
        return False


async def _exchange(host: str, port: int) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(host, port, ssl=_context())
    try:
        writer.write(_REQUEST)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        return int(head.split(None, 2)[1]), body
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _context() -> ssl.SSLContext:
    """Takes any certificate.

    Whether it can serve is checked when it is loaded, and whom it is for is the caller's.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
