"""Puts a bundle into a registry: its file as the only layer of an OCI manifest, as OPA's downloader takes it.

Sources: OCI distribution spec 1.1 (pushing blobs monolithically, pushing manifests); the token authentication of
Docker's registry (``Bearer`` challenges); OPA docs, "Bundles: OCI".
"""

import hashlib
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

import aiohttp
import orjson

from elfgate.errors import InputError
from elfgate.images.auth import Credential, challenges
from elfgate.images.reference import DEFAULT_REGISTRY, Reference

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = b"{}"
_SECONDS = 60.0


async def push(
    packed: bytes, reference: Reference, credential: Credential | None, *, plain_http: bool
) -> str:
    """Push a bundle's file.

    Args:
        packed: The file.
        reference: Where to; with a tag.
        credential: Who pushes, or None.
        plain_http: Speak HTTP without TLS.

    Returns:
        The manifest's digest.

    Raises:
        InputError: if the registry does not take it.
    """
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=_SECONDS), trust_env=True
    ) as session:
        registry = _Registry(session, reference, credential, plain_http=plain_http)
        try:
            for blob in (_CONFIG, packed):
                await registry.put_blob(blob)
            return await registry.put_manifest(_manifest(packed))
        except TimeoutError:
            raise InputError(
                f"{reference.registry} did not take it within {_SECONDS:g} s"
            ) from None
        except (aiohttp.ClientError, ValueError) as error:
            raise InputError(f"{reference.registry} cannot be reached: {error}") from None


class _Registry:
    """One repository, pushed to by one."""

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

    async def put_blob(self, content: bytes) -> None:
        where = (
            await self._send(
                "POST", urljoin(self._base, "blobs/uploads/"), b"", HTTPStatus.ACCEPTED
            )
        ).get("Location")
        if not where:
            raise InputError(f"{self._reference.registry} does not say where to upload to")
        url = urljoin(self._base, where)
        url += ("&" if urlsplit(url).query else "?") + f"digest={_digest(content)}"
        await self._send("PUT", url, content, HTTPStatus.CREATED)

    async def put_manifest(self, content: bytes) -> str:
        url = urljoin(self._base, f"manifests/{self._reference.tag}")
        await self._send("PUT", url, content, HTTPStatus.CREATED, media_type=_MANIFEST_TYPE)
        return _digest(content)

    async def _send(
        self,
        method: str,
        url: str,
        content: bytes,
        expected: HTTPStatus,
        *,
        media_type: str = "application/octet-stream",
    ) -> dict[str, str]:
        """Send a request, a second time after a challenge; return the answer's headers."""
        for challenged in (False, True):
            headers = {"Content-Type": media_type}
            if self._authorization and urlsplit(url).netloc == urlsplit(self._base).netloc:
                headers["Authorization"] = self._authorization
            async with self._session.request(
                method, url, data=content, headers=headers, allow_redirects=False
            ) as response:
                if response.status == expected:
                    return {"Location": response.headers.get("Location", "")}
                if response.status != HTTPStatus.UNAUTHORIZED or challenged:
                    raise InputError(
                        f"{self._reference.registry} answers {response.status} to {method} {urlsplit(url).path}"
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
                self._authorization = (
                    f"Bearer {await self._token(dict(challenge.parameters), basic)}"
                )
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
            granted = orjson.loads(await response.content.read(1 << 16))
        token = (
            granted.get("token") or granted.get("access_token")
            if isinstance(granted, dict)
            else None
        )
        if not isinstance(token, str):
            raise InputError(f"{urlsplit(realm).netloc} gives no token")
        return token


def _manifest(packed: bytes) -> bytes:
    layer = {"mediaType": LAYER_TYPE, "digest": _digest(packed), "size": len(packed)}
    layer |= {"annotations": {"org.opencontainers.image.title": "bundle.tar.gz"}}
    config = {"mediaType": _CONFIG_TYPE, "digest": _digest(_CONFIG), "size": len(_CONFIG)}
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST_TYPE,
        "config": config,
        "layers": [layer],
    }
    return orjson.dumps(manifest)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
