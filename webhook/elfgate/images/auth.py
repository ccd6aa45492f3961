"""Credentials, and the tokens that registries give for them.

Sources: RFC 9110, 11 (challenges); RFC 7617 (Basic); the distribution project's "Token
Authentication Specification" and "Docker Registry v2 Bearer token OAuth2 flow".
"""

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.lenient import Model

_DEFAULT_LIFETIME = 60  # seconds, of a token that does not say
_LONGEST_LIFETIME = 24 * 3600.0
_CLIENT = "elfgate"
_CHALLENGE_PART = re.compile(
    r'(?P<key>[\w-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s,"]+))'
    r"|(?P<scheme>[A-Za-z][\w-]*)"
)
_JSON = json.JSONDecoder()
_TOKEN = re.compile(r"[\x21-\x7e]+")  # anything else could end the header it is sent in


@dataclass(frozen=True, slots=True)
class Credential:
    """A name and its secret, which no message or log shows.

    Attributes:
        username: Empty if the secret is an identity token: one that is exchanged for others (an
            OAuth2 refresh token).
        password: The secret.
    """

    username: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """The ``Authorization`` header for it.

        Empty for an identity token, which is never sent to a registry.
        """
        if not self.username:
            return ""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


class Credentials(Protocol):
    """A source of credentials. Calls may block (a helper is a program); thread-safe."""

    def find(self, name: str) -> Sequence[Credential]:
        """The credentials for ``registry/repository``, in the order to try them.

        None to ask as nobody.

        Raises:
            UnreadableError: NO_CREDENTIALS if it cannot be found out.
        """


class Chain:
    """Credentials of several who know some.

    All of them, in order, as the kubelet unites its keyrings.
    """

    def __init__(self, *links: Credentials) -> None:
        self._links = links

    def find(self, name: str) -> Sequence[Credential]:
        """Everything that the links know of ``registry/repository``, without repetition.

        Raises:
            UnreadableError: NO_CREDENTIALS if one of them fails and the others know nothing.
        """
        found: dict[Credential, None] = {}
        failure: UnreadableError | None = None
        for link in self._links:
            try:
                found |= dict.fromkeys(link.find(name))
            except UnreadableError as error:
                failure = failure or error
        if failure and not found:
            raise failure
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in that a registry offers (``WWW-Authenticate``)."""

    scheme: str
    parameters: Mapping[str, str]


def challenges(header: str) -> Iterator[Challenge]:
    """Read a ``WWW-Authenticate`` header; what is malformed is passed over."""
    scheme = ""
    parameters: dict[str, str] = {}
    for part in _CHALLENGE_PART.finditer(header):
        if part["scheme"]:
            if scheme:
                yield Challenge(scheme, parameters)
            scheme, parameters = part["scheme"].lower(), {}
        else:
            value = (
                part["plain"] if part["quoted"] is None else re.sub(r"\\(.)", r"\1", part["quoted"])
            )
            parameters[part["key"].lower()] = value
    if scheme:
        yield Challenge(scheme, parameters)


Fetch = Callable[[str, str, bytes], bytes]
"""Takes a token service's URL, the ``Authorization`` to send and the form to post.

Both of the latter are empty for none.
"""


class Authenticator:
    """Authorization for one repository, renewed when it runs out. Thread-safe.

    Args:
        repository: Which; for a challenge that names no scope.
        credential: Who asks, or None.
        fetch: Gets a token service's answer.
    """

    def __init__(self, repository: str, credential: Credential | None, fetch: Fetch) -> None:
        self._repository = repository
        self._credential = credential
        self._fetch = fetch
        self._lock = threading.Lock()
        self._header = ""
        self._until = 0.0

    def header(self) -> str:
        """The header to send now.

        Empty before the first challenge and when the token has run out.
        """
        return self._header if time.monotonic() < self._until else ""

    def answer(self, header: str, sent: str) -> bool:
        """Answer a challenge.

        Args:
            header: The registry's ``WWW-Authenticate``.
            sent: The ``Authorization`` that it did not take.

        Returns:
            Whether there is a new ``header()`` to try.

        Raises:
            UnreadableError: if the token service cannot be asked.
        """
        with self._lock:
            if self.header() not in {"", sent}:
                return True  # another thread has renewed it meanwhile
            for challenge in challenges(header):
                if challenge.scheme == "bearer" and challenge.parameters.get("realm"):
                    self._header, self._until = self._token(challenge)
                    return True
                basic = self._credential.basic if self._credential else ""
                if challenge.scheme == "basic" and basic not in {"", sent}:
                    self._header, self._until = basic, float("inf")
                    return True
        return False

    def _token(self, challenge: Challenge) -> tuple[str, float]:
        realm = challenge.parameters["realm"].strip()
        query = {
            "scope": challenge.parameters.get("scope") or f"repository:{self._repository}:pull"
        }
        if "service" in challenge.parameters:
            query["service"] = challenge.parameters["service"]
        asked = time.monotonic()
        if self._credential and not self._credential.username:
            query |= {
                "grant_type": "refresh_token",
                "client_id": _CLIENT,
                "refresh_token": self._credential.password,
            }
            answer = self._fetch(realm, "", urlencode(query).encode())
        else:
            url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}"
            answer = self._fetch(url, self._credential.basic if self._credential else "", b"")
        try:
            # What follows the first value counts for nothing, as in Go.
            told, _ = _JSON.raw_decode(answer.decode("utf-8", "replace").lstrip())
            grant = _Grant.model_validate(told)
        except (ValueError, RecursionError) as error:
            raise _no_token(realm) from error
        token = grant.token or grant.access_token
        if not _TOKEN.fullmatch(token):
            raise _no_token(realm)
        # A tenth early, so that it does not run out on its way.
        return f"Bearer {token}", asked + 0.9 * grant.lifetime


class _Grant(Model):
    """A token service's answer, taken as leniently as clients do.

    Keys in any case, nulls, odd lifetimes.
    """

    token: str = ""
    access_token: str = ""
    expires_in: Any = 0

    @property
    def lifetime(self) -> float:
        """Seconds; a lifetime that is no sensible number counts as one that was not told."""
        try:
            seconds = float(self.expires_in)
        except (TypeError, ValueError, OverflowError):
            return _DEFAULT_LIFETIME
        return min(seconds, _LONGEST_LIFETIME) if seconds > 0 else _DEFAULT_LIFETIME


def _no_token(realm: str) -> UnreadableError:
    return UnreadableError(
        f"{realm[:200]} gave no usable token", reason=UnknownReason.REGISTRY_UNREACHABLE
    )
