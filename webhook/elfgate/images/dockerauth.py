"""The entries in which Docker writes a registry's credentials.

Of ``config.json`` and of Kubernetes' pull secrets.

Sources: Docker's ``config.json``; Kubernetes' ``pkg/credentialprovider`` (what it takes of
``auth``).
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from elfgate.images.auth import Credential


class MalformedError(ValueError):
    """An entry that cannot be read.

    It never quotes what it could not read: that may be a secret.
    """


class DockerAuth(BaseModel):
    """The entry of one registry."""

    auth: str = Field(default="", repr=False)
    username: str = ""
    password: str = Field(default="", repr=False)
    identity_token: str = Field(default="", repr=False, alias="identitytoken")

    def credential(self, *, identity_tokens: bool) -> Credential | None:
        """The credential, or None if there is none in it.

        Args:
            identity_tokens: Take an identity token, as Docker does and the kubelet does not.

        Raises:
            MalformedError: if ``auth`` is not ``name:password`` in base64.
        """
        if identity_tokens and self.identity_token:
            return Credential("", self.identity_token)
        if not self.auth:
            return Credential(self.username, self.password) if self.username else None
        username, colon, password = _decoded(self.auth.strip()).rstrip("\0").partition(":")
        if not colon:
            raise MalformedError("auth has no colon")
        return Credential(username, password) if username else None


_ENTRIES = TypeAdapter(dict[str, DockerAuth])


def read_entries(document: Any, *, identity_tokens: bool) -> Mapping[str, Credential]:
    """The credentials of an ``auths`` object, by the name that each is written under.

    Raises:
        MalformedError: if it is not such an object.
    """
    try:
        found = _ENTRIES.validate_python(document)
    except ValidationError:
        raise MalformedError("not an object of entries") from None
    read = {
        name: entry.credential(identity_tokens=identity_tokens) for name, entry in found.items()
    }
    return {name: credential for name, credential in read.items() if credential}


def read_object(text: bytes | str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        MalformedError: if it is none.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise MalformedError("not JSON") from None
    if not isinstance(document, dict):
        raise MalformedError("not a JSON object")
    return document


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(
            text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True
        ).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise MalformedError("auth is not base64") from None
