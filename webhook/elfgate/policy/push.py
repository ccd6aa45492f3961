"""Puts a bundle into a registry.

Its file as the only layer of an OCI manifest, as OPA's downloader takes it.

Source: OPA docs, "Bundles: OCI".
"""

import aiohttp
import orjson

from elfgate.errors import InputError
from elfgate.images.auth import Credential
from elfgate.images.reference import Reference
from elfgate.images.upload import MANIFEST_TYPE, Upload, digest_of

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
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
        upload = Upload(session, reference, credential, plain_http=plain_http)
        try:
            for blob in (_CONFIG, packed):
                await upload.put_blob(blob)
            return await upload.put_manifest(_manifest(packed))
        except TimeoutError:
            raise InputError(
                f"{reference.registry} did not take the bundle within {_SECONDS:g} s"
            ) from None
        except (aiohttp.ClientError, ValueError) as error:
            raise InputError(f"{reference.registry} cannot be reached: {error}") from None


def _manifest(packed: bytes) -> bytes:
    layer = {"mediaType": LAYER_TYPE, "digest": digest_of(packed), "size": len(packed)}
    layer |= {"annotations": {"org.opencontainers.image.title": "bundle.tar.gz"}}
    config = {"mediaType": _CONFIG_TYPE, "digest": digest_of(_CONFIG), "size": len(_CONFIG)}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config,
        "layers": [layer],
    }
    return orjson.dumps(manifest)
