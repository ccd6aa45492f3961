"""Credentials of Docker's ``config.json``, with the programs that it leaves secrets to.

Sources: Docker's command line reference (``credsStore``, ``credHelpers``); the protocol of
docker-credential-helpers; containers-auth.json(5) (entries for paths below a host).
"""

import re
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, Field, ValidationError

from elfgate.errors import InputError, UnknownReason, UnreadableError
from elfgate.given_file import SETTING_BYTES
from elfgate.images.auth import Credential
from elfgate.images.dockerauth import MalformedError, read_entries, read_object
from elfgate.images.programs import ask
from elfgate.images.reference import DEFAULT_REGISTRY

HELPER_SECONDS = 10.0
_REMEMBERED_SECONDS = (
    300.0  # helpers of clouds hand out what holds for hours, and keyrings may ask a person
)
_LEGACY_HOSTS = {"index.docker.io": DEFAULT_REGISTRY, "registry-1.docker.io": DEFAULT_REGISTRY}
# Under which name Docker keeps the credentials of its own registry.
_DOCKER_HUB = "https://index.docker.io/v1/"
_HELPER = re.compile(r"[A-Za-z0-9._-]+")
_NOT_FOUND = b"credentials not found"  # what helpers say on standard output, with exit code 1
_IDENTITY_TOKEN = "<token>"  # noqa: S105 - the name that stands for one, not a secret


class _Config(BaseModel):
    auths: dict[str, Any] = Field(default_factory=dict, repr=False)
    store: str = Field(default="", alias="credsStore")
    helpers: dict[str, str] = Field(default_factory=dict, alias="credHelpers")


class DockerConfig:
    """The credentials of a ``config.json`` (``Credentials``).

    A helper's answer, else the entry that fits best.

    Args:
        entries: By host, or by a path below one.
        helpers: The helper (``osxkeychain``) of each host that has one of its own.
        store: The helper of all other hosts, or empty.
        helper_seconds: How long a helper may take.
    """

    def __init__(
        self,
        entries: Mapping[str, Credential],
        *,
        helpers: Mapping[str, str] | None = None,
        store: str = "",
        helper_seconds: float = HELPER_SECONDS,
    ) -> None:
        self._entries = {_entry_name(name): credential for name, credential in entries.items()}
        self._helpers = {_entry_name(host): helper for host, helper in (helpers or {}).items()}
        self._store = store
        self._seconds = helper_seconds
        self._lock = threading.Lock()
        self._answers: dict[str, tuple[float, Credential | None]] = {}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file; one that does not exist knows nothing.

        Raises:
            InputError: if it cannot be read, or an entry is malformed.
        """
        try:
            with path.open("rb") as file:
                config = _Config.model_validate(read_object(file.read(SETTING_BYTES)))
            entries = read_entries(config.auths, identity_tokens=True)
        except FileNotFoundError:
            return cls({})
        except (OSError, MalformedError, ValidationError) as error:
            # Never the error's own words: they may quote a secret.
            raise InputError(
                f"{path} cannot be used as Docker's config.json ({type(error).__name__})"
            ) from None
        for helper in filter(None, (config.store, *config.helpers.values())):
            if not _HELPER.fullmatch(helper):
                raise InputError(
                    f"{path} names a credential helper that cannot be one: {helper[:80]!r}"
                )
        return cls(entries, helpers=config.helpers, store=config.store)

    def find(self, name: str) -> Sequence[Credential]:
        """The helper's credential for the host of ``registry/repository``.

        Else the most specific entry.

        Raises:
            UnreadableError: NO_CREDENTIALS if the helper fails.
        """
        host = name.partition("/")[0]
        helper = self._helpers.get(host, self._store)
        told = self._told(helper, host) if helper else None
        found = told or self._entry(name)
        return (found,) if found else ()

    def _entry(self, name: str) -> Credential | None:
        while name:
            if name in self._entries:
                return self._entries[name]
            name = name.rpartition("/")[0]
        return None

    def _told(self, helper: str, host: str) -> Credential | None:
        """The helper's answer, asked for now and then: one at a time, as some ask a person."""
        with self._lock:
            until, credential = self._answers.get(host, (0.0, None))
            if time.monotonic() > until:
                credential = _ask_helper(helper, host, self._seconds)
                self._answers[host] = (time.monotonic() + _REMEMBERED_SECONDS, credential)
            return credential


class _Answer(BaseModel):
    username: str = Field(default="", alias="Username")
    secret: str = Field(default="", alias="Secret", repr=False)


def _ask_helper(helper: str, host: str, seconds: float) -> Credential | None:
    program = f"docker-credential-{helper}"
    server = _DOCKER_HUB if host == DEFAULT_REGISTRY else host
    code, text = ask([program, "get"], server.encode(), seconds=seconds)
    if code != 0:
        if _NOT_FOUND in text:
            return None
        raise UnreadableError(
            f"{program} fails for {host} (exit code {code})", reason=UnknownReason.NO_CREDENTIALS
        )
    try:
        answer = _Answer.model_validate(read_object(text))
    except (MalformedError, ValidationError):
        message = f"{program} answers for {host} with no credentials"
        raise UnreadableError(message, reason=UnknownReason.NO_CREDENTIALS) from None
    if not answer.secret:
        return None
    return Credential("" if answer.username == _IDENTITY_TOKEN else answer.username, answer.secret)


def _entry_name(name: str) -> str:
    """Docker writes hosts, URLs and, for its own registry, ``https://index.docker.io/v1/``."""
    name = name.removeprefix("https://").removeprefix("http://").rstrip("/")
    name = name.removesuffix("/v1").removesuffix("/v2")
    host, slash, path = name.partition("/")
    return _LEGACY_HOSTS.get(host, host) + slash + path
