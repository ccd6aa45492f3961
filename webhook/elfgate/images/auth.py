"""Who asks: credentials from Docker's configuration, and the tokens that registries give for them.

Sources: RFC 9110, 11 (challenges); RFC 7617 (Basic); the distribution project's "Token Authentication Specification";
Docker's ``config.json``.
"""

import base64
import binascii
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode

import orjson
from pydantic import BaseModel, Field, ValidationError

from elfgate.errors import InputError, UnknownReason, UnreadableError
from elfgate.images.reference import DEFAULT_REGISTRY

_DEFAULT_LIFETIME = 60  # seconds, of a token that does not say
_LEGACY_HOSTS = {"index.docker.io": DEFAULT_REGISTRY, "registry-1.docker.io": DEFAULT_REGISTRY}
_CHALLENGE_PART = re.compile(
    r'(?P<key>[\w-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s,"]+))|(?P<scheme>[A-Za-z][\w-]*)'
)
_TOKEN = re.compile(r"[\x21-\x7e]+")  # anything else could end the header it is sent in


@dataclass(frozen=True, slots=True)
class Credential:
    """A name and its secret, which no message or log shows."""

    username: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """The ``Authorization`` header for it."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


class Credentials(Protocol):
    """Who knows credentials."""

    def find(self, name: str) -> Credential | None:
        """The credential for ``registry/repository``, or None to ask as nobody."""


class _Auth(BaseModel):
    auth: str = Field(default="", repr=False)
    username: str = ""
    password: str = Field(default="", repr=False)

    def credential(self) -> Credential | None:
        username, password = self.username, self.password
        if self.auth:
            decoded = base64.b64decode(self.auth, validate=True).decode()
            username, _, password = decoded.rstrip("\0").partition(":")
        return Credential(username, password) if username else None


class _Config(BaseModel):
    auths: dict[str, _Auth] = Field(default_factory=dict)


class DockerConfig:
    """Credentials of a Docker ``config.json``: the entry of the host, or of the longest path below it, that fits."""

    def __init__(self, entries: Mapping[str, Credential]) -> None:
        self._entries = dict(entries)

    @classmethod
    def read(cls, path: Path) -> "DockerConfig":
        """Read a file; one that does not exist has no entries.

        Raises:
            InputError: if it cannot be read, or an entry is malformed.
        """
        try:
            config = _Config.model_validate(orjson.loads(path.read_bytes()))
            found = {_entry_name(name): auth.credential() for name, auth in config.auths.items()}
        except FileNotFoundError:
            return cls({})
        except (OSError, orjson.JSONDecodeError, ValidationError, binascii.Error, UnicodeDecodeError) as error:
            # Never the error's own words: they may quote a secret.
            raise InputError(f"{path} cannot be used as Docker's config.json ({type(error).__name__})") from error
        return cls({name: credential for name, credential in found.items() if credential})

    def find(self, name: str) -> Credential | None:
        """The most specific entry for ``registry/repository``."""
        while name:
            if name in self._entries:
                return self._entries[name]
            name = name.rpartition("/")[0]
        return None


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
            value = part["plain"] if part["quoted"] is None else re.sub(r"\\(.)", r"\1", part["quoted"])
            parameters[part["key"].lower()] = value
    if scheme:
        yield Challenge(scheme, parameters)


class Authenticator:
    """Authorization for one repository, renewed when it runs out. Thread-safe.

    Args:
        repository: Which; for a challenge that names no scope.
        credential: Who asks, or None.
        fetch: Gets a token service's answer: takes its URL and the ``Authorization`` to send, or an empty string.
    """

    def __init__(self, repository: str, credential: Credential | None, fetch: Callable[[str, str], bytes]) -> None:
        self._repository = repository
        self._credential = credential
        self._fetch = fetch
        self._lock = threading.Lock()
        self._header = ""
        self._until = 0.0

    def header(self) -> str:
        """What to send now; empty before the first challenge and when the token has run out."""
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
                if challenge.scheme == "basic" and self._credential and self._credential.basic != sent:
                    self._header, self._until = self._credential.basic, float("inf")
                    return True
        return False

    def _token(self, challenge: Challenge) -> tuple[str, float]:
        realm = challenge.parameters["realm"]
        query = {"scope": challenge.parameters.get("scope") or f"repository:{self._repository}:pull"}
        if "service" in challenge.parameters:
            query["service"] = challenge.parameters["service"]
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}"
        asked = time.monotonic()
        answer = self._fetch(url, self._credential.basic if self._credential else "")
        try:
            grant = _Grant.model_validate(orjson.loads(answer))
        except (orjson.JSONDecodeError, ValidationError) as error:
            raise _no_token(realm) from error
        token = grant.token or grant.access_token
        if not _TOKEN.fullmatch(token):
            raise _no_token(realm)
        # A tenth early, so that it does not run out on its way.
        return f"Bearer {token}", asked + 0.9 * (grant.expires_in or _DEFAULT_LIFETIME)


class _Grant(BaseModel):
    token: str = ""
    access_token: str = ""
    expires_in: int = Field(default=0, ge=0)


def _no_token(realm: str) -> UnreadableError:
    return UnreadableError(f"{realm[:200]} gave no usable token", reason=UnknownReason.REGISTRY_UNREACHABLE)


def _entry_name(name: str) -> str:
    """Docker writes hosts, URLs and, for its own registry, ``https://index.docker.io/v1/``."""
    name = name.removeprefix("https://").removeprefix("http://").rstrip("/")
    name = name.removesuffix("/v1").removesuffix("/v2")
    host, slash, path = name.partition("/")
    return _LEGACY_HOSTS.get(host, host) + slash + path
