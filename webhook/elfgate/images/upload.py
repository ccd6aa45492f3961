"""Puts blobs and manifests into one repository of a registry.

Sources: OCI distribution spec 1.1 (pushing blobs monolithically, pushing manifests); the token
authentication of Docker's registry (``Bearer`` challenges).
"""

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import aiohttp
import orjson

from elfgate.errors import InputError
from elfgate.images.auth import Credential, challenges
from elfgate.images.reference import DEFAULT_REGISTRY, Reference

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
_PIECE = 1 << 20
_MAX_TOKEN = 1 << 16  # bytes
_MAX_MANIFEST = 4 << 20
_TOLD = ("Location", "OCI-Subject")


def digest_of(content: bytes) -> str:
    """The digest of a blob."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Upload:
    """One repository, pushed to by one user.

    Args:
        session: The HTTP client.
        reference: The repository; its tag names what is pushed, unless another name is given.
        credential: The user, or None.
        plain_http: Speak HTTP without TLS.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        reference: Reference,
        credential: Credential | None,
        *,
        plain_http: bool,
    ) -> None:
        host = (
            "registry-1.docker.io" if reference.registry == DEFAULT_REGISTRY else reference.registry
        )
        self._session = session
        self._reference = reference
        self._credential = credential
        self._base = f"{'http' if plain_http else 'https'}://{host}/v2/{reference.repository}/"
        self._authorization = ""

    async def has_blob(self, digest: str) -> bool:
        """Whether the repository has a blob already."""
        url = urljoin(self._base, f"blobs/{digest}")
        expected = (HTTPStatus.OK, HTTPStatus.NOT_FOUND)
        return (await self._send("HEAD", url, b"", *expected)).status == HTTPStatus.OK

    async def put_blob(self, content: bytes) -> None:
        """Push a blob.

        Raises:
            InputError: if the registry does not take it.
        """
        await self.put_file(BytesIO(content), digest_of(content), len(content))

    async def put_file(self, file: BinaryIO, digest: str, size: int) -> None:
        """Push a blob from a file.

        Args:
            file: The blob's bytes, from where the file stands.
            digest: The blob's digest.
            size: The blob's bytes.

        Raises:
            InputError: if the registry does not take it.
        """
        uploads = urljoin(self._base, "blobs/uploads/")
        answer = await self._send("POST", uploads, b"", HTTPStatus.ACCEPTED)
        where = answer.headers["Location"]
        if not where:
            raise InputError(f"{self._reference.registry} does not say where to upload to")
        url = urljoin(self._base, where)
        url += ("&" if urlsplit(url).query else "?") + f"digest={digest}"
        await self._send("PUT", url, file, HTTPStatus.CREATED, size=size)

    async def put_manifest(
        self, content: bytes, *, name: str = "", media_type: str = MANIFEST_TYPE
    ) -> str:
        """Push a manifest or an index, by the reference's tag.

        Another tag or a digest may be given instead.

        Raises:
            InputError: if the registry does not take it.
        """
        url = urljoin(self._base, f"manifests/{name or self._reference.tag}")
        await self._send("PUT", url, content, HTTPStatus.CREATED, media_type=media_type)
        return digest_of(content)

    async def put_referrer(self, content: bytes, digest: str) -> bool:
        """Push a manifest that refers to another; whether the registry lists it there by itself.

        Source: OCI distribution spec 1.1, "Pushing Manifests with Subject".

        Raises:
            InputError: if the registry does not take it.
        """
        url = urljoin(self._base, f"manifests/{digest}")
        answer = await self._send("PUT", url, content, HTTPStatus.CREATED, media_type=MANIFEST_TYPE)
        return bool(answer.headers["OCI-Subject"])

    async def get_manifest(self, name: str) -> bytes | None:
        """The bytes of a manifest or an index; None if there is none of that name.

        Raises:
            InputError: if it is too large, or the registry wants credentials that are not there.
        """
        url = urljoin(self._base, f"manifests/{name}")
        headers = {"Accept": f"{INDEX_TYPE}, {MANIFEST_TYPE}"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        async with self._session.get(url, headers=headers, allow_redirects=False) as response:
            if response.status == HTTPStatus.NOT_FOUND:
                return None
            if response.status != HTTPStatus.OK:
                path = urlsplit(url).path
                raise InputError(
                    f"{self._reference.registry} answers {response.status} to GET {path}"
                )
            content = await response.content.read(_MAX_MANIFEST + 1)
        if len(content) > _MAX_MANIFEST:
            raise InputError(f"{self._reference.registry} has too large a manifest {name}")
        return content

    async def _send(
        self,
        method: str,
        url: str,
        content: bytes | BinaryIO,
        *expected: HTTPStatus,
        media_type: str = "application/octet-stream",
        size: int | None = None,
    ) -> "_Answer":
        """Send a request, a second time after a challenge."""
        start = 0 if isinstance(content, bytes) else content.tell()
        for challenged in (False, True):
            headers = {"Content-Type": media_type}
            if not isinstance(content, bytes):
                content.seek(start)
                headers["Content-Length"] = str(size)
            if self._authorization and urlsplit(url).netloc == urlsplit(self._base).netloc:
                headers["Authorization"] = self._authorization
            async with self._session.request(
                method,
                url,
                data=content if isinstance(content, bytes) else _pieces(content),
                headers=headers,
                allow_redirects=False,
            ) as response:
                if response.status in expected:
                    told = {name: response.headers.get(name, "") for name in _TOLD}
                    return _Answer(response.status, told)
                if response.status != HTTPStatus.UNAUTHORIZED or challenged:
                    path = urlsplit(url).path
                    raise InputError(
                        f"{self._reference.registry} answers {response.status} to {method} {path}"
                    )
                await self._answer(response.headers.get("WWW-Authenticate", ""))
        raise AssertionError  # the second time returns or raises

    async def _answer(self, header: str) -> None:
        basic = self._credential.basic if self._credential else ""
        for challenge in challenges(header):
            if challenge.scheme == "basic" and basic:
                self._authorization = basic
                return
            if challenge.scheme == "bearer":
                token = await self._token(dict(challenge.parameters), basic)
                self._authorization = f"Bearer {token}"
                return
        raise InputError(
            f"{self._reference.registry} needs credentials", hint="docker login writes them"
        )

    async def _token(self, parameters: dict[str, str], basic: str) -> str:
        realm = parameters.get("realm", "")
        if urlsplit(realm).scheme not in {"https", urlsplit(self._base).scheme}:
            raise InputError(
                f"{self._reference.registry} would have its credentials sent unprotected"
            )
        scope = f"repository:{self._reference.repository}:pull,push"
        asked = {"service": parameters.get("service", ""), "scope": scope}
        headers = {"Authorization": basic} if basic else {}
        async with self._session.get(
            realm, params=asked, headers=headers, allow_redirects=False
        ) as response:
            if response.status != HTTPStatus.OK:
                raise InputError(f"{urlsplit(realm).netloc} answers {response.status} to {scope}")
            granted = orjson.loads(await response.content.read(_MAX_TOKEN))
        token = _granted(granted)
        if not token:
            raise InputError(f"{urlsplit(realm).netloc} gives no token")
        return token


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    """A file as a request's body; it stays open for a second time."""
    while piece := file.read(_PIECE):
        yield piece


def _granted(answer: object) -> str:
    """The token of an answer; empty if there is none."""
    if not isinstance(answer, dict):
        return ""
    token = answer.get("token") or answer.get("access_token")
    return token if isinstance(token, str) else ""
