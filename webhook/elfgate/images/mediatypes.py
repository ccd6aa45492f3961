"""Media types of images: which is what.

Sources: OCI image spec, "Media Types"; Docker's image manifest version 2, schemas 1 and 2; ocicrypt
(``+encrypted``).
"""

from enum import Enum

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"

INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
# Early Dockers pushed configs as octet streams; containerd still takes them (remotes/docker,
# ConvertManifest).
CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG, "application/octet-stream"})
SCHEMA_1 = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    }
)

_LAYERS = frozenset(
    {
        OCI_LAYER,
        f"{OCI_LAYER}+gzip",
        f"{OCI_LAYER}+zstd",
        DOCKER_LAYER,
        f"{DOCKER_LAYER}.gzip",
        f"{DOCKER_LAYER}.zstd",  # what BuildKit writes for zstd under Docker's types
    }
)
_FOREIGN = (
    "application/vnd.oci.image.layer.nondistributable.v1.",
    "application/vnd.docker.image.rootfs.foreign.",
)


class LayerType(Enum):
    """The promises of a layer's media type."""

    READABLE = "readable"
    FOREIGN = "foreign"  # its bytes need not be where the image is
    ENCRYPTED = "encrypted"
    UNKNOWN = "unknown"


def essence(media_type: str) -> str:
    """A media type without its parameters, in lower case (RFC 9110, 8.3.1)."""
    return media_type.partition(";")[0].strip().lower()


def layer_type(media_type: str) -> LayerType:
    """Classify a layer's media type.

    Whether the bytes are compressed, and how, is told by the bytes.
    """
    if media_type.endswith("+encrypted"):
        return LayerType.ENCRYPTED
    if media_type.startswith(_FOREIGN):
        return LayerType.FOREIGN
    return LayerType.READABLE if media_type in _LAYERS else LayerType.UNKNOWN
