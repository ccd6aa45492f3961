"""From a name to the manifest that a node pulls."""

import pytest

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.pull import platforms, pull
from elfgate.images.source import Descriptor, Limits
from elfgate.platforms import Platform
from support.oci import OCI_MANIFEST, Blob, image, index, json_blob, manifest_of

AMD64, PPC64LE = Platform("linux", "amd64"), Platform("linux", "ppc64le")


def walk(top: Blob, node: Platform) -> str | None:
    """The digest of what is pulled."""
    blobs = top.everything()
    found = pull(
        Descriptor(top.media_type, top.digest),
        node,
        lambda descriptor: blobs[descriptor.digest].data,
        Limits(),
    )
    return None if found is None else found.descriptor.digest


def offered(top: Blob) -> list[str]:
    blobs = top.everything()
    read = platforms(
        Descriptor(top.media_type, top.digest),
        lambda descriptor: blobs[descriptor.digest].data,
        Limits(),
    )
    return [str(platform) for platform in read]


def unlabelled(blob: Blob) -> Blob:
    return Blob(blob.media_type, blob.data, blob.children)


def nested(top: Blob, levels: int) -> Blob:
    for _ in range(levels):
        top = index([top])
    return top


def test_a_manifest_named_directly_is_pulled_whatever_its_config_says() -> None:
    ours = image([], platform="linux/amd64")
    assert walk(ours, PPC64LE) == ours.digest


def test_an_index_without_the_platform_gives_nothing() -> None:
    assert walk(index([image([], platform="linux/amd64")]), PPC64LE) is None


def test_an_entry_without_a_platform_is_pulled_if_its_config_fits() -> None:
    ours = image([], platform="linux/ppc64le")
    assert walk(index([unlabelled(ours)]), PPC64LE) == ours.digest
    assert walk(index([unlabelled(ours)]), AMD64) is None


def test_an_artifact_without_a_platform_is_for_no_node() -> None:
    chart = json_blob(OCI_MANIFEST, manifest_of(OCI_MANIFEST, json_blob("application/x", {}), []))
    assert walk(index([chart]), AMD64) is None


def test_the_index_outranks_the_config() -> None:
    lying = image([], platform="linux/amd64")
    labelled = Blob(
        lying.media_type, lying.data, lying.children, {"os": "linux", "architecture": "ppc64le"}
    )
    assert walk(index([labelled]), PPC64LE) == lying.digest


def test_indexes_nest_to_a_bounded_depth() -> None:
    ours = image([], platform="linux/ppc64le")
    assert walk(nested(ours, 3), PPC64LE) == ours.digest
    with pytest.raises(UnreadableError, match="nests") as raised:
        walk(nested(ours, 4), PPC64LE)
    assert raised.value.reason is UnknownReason.LIMIT_EXCEEDED


def test_an_image_is_offered_for_what_its_indexes_say() -> None:
    top = index(
        [
            image([], platform="linux/arm64/v8"),
            index([image([], platform="linux/arm/v7")]),
            unlabelled(image([])),
        ]
    )
    assert offered(top) == ["linux/arm64", "linux/arm/v7", "linux/amd64"]


def test_a_manifest_named_directly_is_offered_for_what_its_config_says() -> None:
    assert offered(image([], platform="linux/s390x")) == ["linux/s390x"]


def test_the_platforms_of_indexes_that_nest_too_deeply_are_not_known() -> None:
    with pytest.raises(UnreadableError, match="nests"):
        offered(nested(index([unlabelled(image([]))]), 4))
