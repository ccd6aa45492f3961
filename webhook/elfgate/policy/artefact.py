"""The places of bundles.

On a web server, or in a registry as an OCI manifest whose only layer is the bundle's file.

Source: OPA docs, "Bundles: OCI" (the media type of the layer that OPA's downloader takes).
"""

from http import HTTPStatus

import aiohttp

from elfgate.errors import InputError
from elfgate.images.manifest import Manifest, read_document
from elfgate.images.source import Limits, Source
from elfgate.policy.archive import MAX_PACKED

LAYER_TYPES = frozenset(
    {
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.cncf.openpolicyagent.layer.v1.tar+gzip",
    }
)

_SECONDS = 30.0


def fetch(source: Source, name: str, location: str) -> bytes:
    """Read a bundle's file; every byte is verified against its digest.

    Args:
        source: Where it is.
        name: A tag or digest.
        location: The same, for messages.

    Raises:
        InputError: if that is no bundle.
        UnreadableError: if it cannot be read.
    """
    descriptor = source.resolve(name)
    manifest = read_document(source.document(descriptor), descriptor, limits=Limits())
    layers = manifest.layers if isinstance(manifest, Manifest) else ()
    bundles = [layer for layer in layers if layer.media_type in LAYER_TYPES]
    if len(bundles) != 1:
        raise InputError(f"{location} is not a policy bundle: it has not one layer with one in it")
    return source.document(bundles[0])


async def download(url: str) -> bytes:
    """Read a bundle's file from a web server.

    Raises:
        InputError: if it cannot be had whole within its time and size.
    """
    data = bytearray()
    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_SECONDS), trust_env=True
            ) as session,
            session.get(url, max_redirects=3) as response,
        ):
            if response.status != HTTPStatus.OK:
                raise InputError(f"{url} answers {response.status}")
            async for chunk in response.content.iter_chunked(1 << 16):
                data += chunk
                if len(data) > MAX_PACKED:
                    raise InputError(f"{url} is larger than the {MAX_PACKED >> 20} MiB of a bundle")
    except TimeoutError:
        raise InputError(f"{url} did not answer within {_SECONDS:g} s") from None
    except (aiohttp.ClientError, ValueError) as error:
        raise InputError(f"{url} cannot be read: {error}") from None
    return bytes(data)
