"""A bundle in a registry: an OCI manifest whose only layer is the bundle's file.

Source: OPA docs, "Bundles: OCI" (the media type of the layer that OPA's downloader takes).
"""

from elfgate.errors import InputError
from elfgate.images.manifest import Manifest, read_document
from elfgate.images.source import Limits, Source

LAYER_TYPES = frozenset(
    {"application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.cncf.openpolicyagent.layer.v1.tar+gzip"}
)


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
