"""``POST /notify``.

Registries tell of images that were pushed, so that these are known before their first pod.

Whoever tells shows a token, in the path or in a header, as far as registries can be told to send
one. It opens nothing but this: an image that it names is read as one that a pod names, and no
answer says what came of it.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qs, unquote

from elfgate.errors import InputError
from elfgate.server.ahead import Ahead
from elfgate.server.intake import Intake
from elfgate.server.pushes import pushed
from elfgate.server.request import Hold, Receive, RefusedError, Scope, read_body
from elfgate.server.shares import Shares

PATH = "/notify"
_BODY_BYTES = 256 << 10
_ALL_BYTES = 2 << 20  # of notifications that are being read
_SECONDS = 5.0
_HEADERS = (b"authorization", b"x-gitlab-token")


class Notify:
    """Takes notifications.

    Args:
        tokens: Of which one must be shown.
        ahead: Who reads the images.
    """

    def __init__(self, tokens: Sequence[str], ahead: Ahead) -> None:
        self._tokens = [token.encode() for token in tokens]
        self._ahead = ahead
        self._shares = Shares(_ALL_BYTES)
        self._intake = Intake()

    async def answer(self, scope: Scope, receive: Receive, now: float) -> str:
        """Take one notification.

        Args:
            scope: ASGI's.
            receive: ASGI's.
            now: The loop's time.

        Returns:
            How many images will be read, for people.

        Raises:
            RefusedError: if it is none, shows no token, or there is no room.
            HungUpError: if the client hangs up.
        """
        if not self._is_known(scope):
            raise RefusedError(401, "it shows no token that is known")
        peer = (scope.get("client") or ("",))[0]
        with Hold(self._shares, self._intake, peer) as hold:
            body = await read_body(
                scope, receive, until=now + _SECONDS, limit=_BODY_BYTES, hold=hold
            )
            images = _images(scope, body)
        told = [self._ahead.tell(image) for image in images]
        if not all(told):
            raise RefusedError(503, "too many images wait to be read")
        return f"{len(images)} to be read\n"

    def _is_known(self, scope: Scope) -> bool:
        """Whether one of the tokens is shown; each is compared, in constant time."""
        shown = list(_shown(scope))
        same = [hmac.compare_digest(one, token) for token in self._tokens for one in shown]
        return any(same)


def _shown(scope: Scope) -> Iterator[bytes]:
    """The words that may be a token: in the path, or in a header with or without a scheme."""
    yield unquote(scope["path"].removeprefix(PATH).lstrip("/")).encode()
    for name, value in scope["headers"]:
        if name not in _HEADERS:
            continue
        scheme, _, rest = value.partition(b" ")
        yield value
        yield rest.strip()
        if scheme.lower() == b"basic":
            yield _password(rest)


def _password(encoded: bytes) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True).partition(b":")[2]
    except binascii.Error:
        return b""


def _images(scope: Scope, body: bytes) -> list[str]:
    query = parse_qs(scope["query_string"].decode("latin-1"))
    event = dict(scope["headers"]).get(b"ce-type", b"").decode("latin-1")
    try:
        return pushed(json.loads(body), registry=query.get("registry", [""])[0], event=event)
    except (InputError, ValueError, RecursionError) as error:
        raise RefusedError(400, f"it is no notification: {error}") from None
