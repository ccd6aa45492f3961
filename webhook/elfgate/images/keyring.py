"""Pull secrets, matched to images as the kubelet does.

Source: Kubernetes' ``pkg/credentialprovider`` (``BasicDockerKeyring``: its index, ``URLsMatch``,
the default registry) and ``MakeDockerKeyring`` (which types of Secret count, and the fields they
are read from).
"""

import base64
import binascii
import fnmatch
import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.auth import Credential
from elfgate.images.dockerauth import MalformedError, read_entries, read_object
from elfgate.images.reference import DEFAULT_REGISTRY

_FIELDS = {
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/dockercfg": ".dockercfg",
}
_DOCKER_HUB = "index.docker.io"
_GLOB = frozenset("*?[")
_WITHIN_CLUSTER = frozenset({"svc", "local"})  # services: NAME.NAMESPACE.svc[.cluster.local]
_PROCESS_KEY = secrets.token_bytes(
    32
)  # an identity tells nothing of the secrets behind it, not even by guessing


class Keyring:
    """Credentials by the patterns they are written under (``Credentials``).

    A pattern is ``host[:port][/path]``, with globs in the labels of the host: as many labels, the
    same port, and the path as a beginning of the repository's. All that match are tried, the
    pattern that sorts last first.

    One rule is stricter than the kubelet's: whoever names an image names the host that is given a
    credential. So a pattern with a glob must say whose hosts it means. One that ends in a glob, one
    of addresses, and one of names within the cluster, where any namespace makes its own (and where
    no node would ask), hold no credential.
    """

    def __init__(self, entries: Iterable[tuple[str, Credential]]) -> None:
        found: dict[str, list[Credential]] = {}
        for pattern, credential in entries:
            key = _key(pattern)
            if _names_its_hosts(key):
                found.setdefault(key, []).append(credential)
        self._entries = dict(sorted(found.items(), reverse=True))

    @classmethod
    def of_secrets(cls, objects: Iterable[Mapping[str, Any]]) -> "Keyring":
        """Take the credentials from Secrets, as the API has them; Secrets of other types hold none.

        Raises:
            UnreadableError: NO_CREDENTIALS if one is malformed: the kubelet then pulls nothing.
        """
        return cls(entry for secret in objects for entry in _secret_entries(secret))

    def find(self, name: str) -> Sequence[Credential]:
        """The credentials for ``registry/repository``, in the kubelet's order."""
        matching = [entry for pattern, entry in self._entries.items() if matches(pattern, name)]
        if not matching and name.startswith(f"{DEFAULT_REGISTRY}/"):
            matching = [self._entries.get(_DOCKER_HUB, [])]
        return tuple(credential for entry in matching for credential in entry)

    def identity(self, name: str) -> str:
        """An opaque name for who asks for ``registry/repository``.

        Equal for equal credentials, empty for none.
        """
        digest = hashlib.blake2b(key=_PROCESS_KEY, digest_size=16)
        found = self.find(name)
        for credential in found:
            for part in (credential.username, credential.password):
                digest.update(f"{len(part)}:{part}".encode())
        return digest.hexdigest() if found else ""


def matches(pattern: str, name: str) -> bool:
    """Whether ``host[:port][/path]`` matches ``registry/repository``.

    The host's labels may hold globs.
    """
    pattern_host, pattern_port, pattern_path = _split(pattern)
    host, port, path = _split(name)
    labels, wanted = host.split("."), pattern_host.split(".")
    return (
        pattern_port == port
        and path.startswith(pattern_path)
        and len(labels) == len(wanted)
        and all(
            fnmatch.fnmatchcase(label, glob.replace("[^", "[!"))
            for label, glob in zip(labels, wanted, strict=True)
        )
    )


def _names_its_hosts(pattern: str) -> bool:
    """Whether all hosts that a pattern matches are of somebody whom it names."""
    labels = _split(pattern)[0].split(".")
    globs = [not _GLOB.isdisjoint(label) for label in labels]
    if not any(globs):
        return True
    numbers = all(glob or label.isdecimal() for glob, label in zip(globs, labels, strict=True))
    return not globs[-1] and not numbers and labels[-1] not in _WITHIN_CLUSTER


def _key(pattern: str) -> str:
    """Without scheme.

    Without the path's first part if that is the API's version and more follows, or nothing does.
    """
    rest = pattern.removeprefix("https://").removeprefix("http://")
    host, slash, path = rest.partition("/")
    path = slash + path
    if path.startswith(("/v1/", "/v2/")):
        path = path[3:]
    return host if path == "/" else host + path


def _split(text: str) -> tuple[str, str, str]:
    host, slash, path = text.partition("/")
    port = ""
    if host.rfind(":") > host.rfind("]"):
        host, _, port = host.rpartition(":")
    if host.startswith("[") and host.endswith("]") and ":" in host:
        host = host[1:-1]  # an IPv6 address, whose brackets are not those of a glob
    return host, port, slash + path


class _Secret(BaseModel):
    type: str = ""
    data: dict[str, str] | None = Field(default=None, repr=False)


def _secret_entries(obj: Mapping[str, Any]) -> Iterable[tuple[str, Credential]]:
    try:
        secret = _Secret.model_validate(obj)
        field = _FIELDS.get(secret.type, "")
        text = base64.b64decode((secret.data or {}).get(field, ""), validate=True)
        if not text:
            return ()
        document = read_object(text)
        auths = document.get("auths", {}) if field == ".dockerconfigjson" else document
        return read_entries(auths, identity_tokens=False).items()
    except (ValidationError, binascii.Error, MalformedError):
        metadata = obj.get("metadata")
        name = metadata.get("name", "") if isinstance(metadata, dict) else ""
        message = f"pull secret {name} is malformed".replace("  ", " ")
        raise UnreadableError(message, reason=UnknownReason.NO_CREDENTIALS) from None
