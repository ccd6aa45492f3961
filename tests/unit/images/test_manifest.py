"""Indexes, manifests and configs, sound and not."""

import json
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.layout import Folder, Layout
from elfgate.images.manifest import Config, Index, Manifest, read_config, read_document
from elfgate.images.pull import platforms, pull
from elfgate.images.source import Descriptor, Limits
from elfgate.platforms import Platform
from support.oci import (
    OCI_INDEX,
    OCI_MANIFEST,
    Blob,
    image,
    index,
    json_blob,
    manifest_of,
    write_layout,
)

DIGEST = "sha256:" + "a" * 64
HERE = Descriptor("application/json", DIGEST)
CONFIG = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": DIGEST, "size": 2}


def document(content: Any, limits: Limits | None = None) -> Index | Manifest:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_document(data, HERE, limits=limits or Limits())


def config(content: Any) -> Config:
    return read_config(json.dumps(content).encode(), HERE)


def layer(media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": DIGEST, "size": 1}


def test_an_index_lists_its_entries_with_their_platforms() -> None:
    read = document(
        index([image([], platform="linux/arm/v7"), image([], platform="linux/s390x")]).data
    )
    assert isinstance(read, Index)
    assert [entry.platform for entry in read.entries] == [
        Platform("linux", "arm", "v7"),
        Platform("linux", "s390x"),
    ]


def test_attestations_are_no_images() -> None:
    ours = image([], platform="linux/amd64")
    by_platform = Blob(OCI_MANIFEST, b"1", platform={"os": "unknown", "architecture": "unknown"})
    by_annotation = Blob(
        OCI_MANIFEST, b"2", annotations={"vnd.docker.reference.type": "attestation-manifest"}
    )
    read = document(index([by_platform, ours, by_annotation]).data)
    assert isinstance(read, Index)
    assert [entry.digest for entry in read.entries] == [ours.digest]


def test_a_manifest_lists_its_config_and_layers_bottom_first() -> None:
    app = image([b"base", b"top"])
    read = document(app.data)
    assert isinstance(read, Manifest)
    assert [read.config.digest, *(layer.digest for layer in read.layers)] == [
        blob.digest for blob in app.children
    ]
    assert not read.artifact


def test_what_has_another_config_is_an_artifact_whatever_its_layers_are() -> None:
    chart = json_blob("application/vnd.cncf.helm.config.v1+json", {})
    read = document(
        manifest_of(
            OCI_MANIFEST, chart, [Blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", b"")]
        )
    )
    assert isinstance(read, Manifest)
    assert read.artifact


def test_early_dockers_configs_are_configs() -> None:
    config_type = {**CONFIG, "mediaType": "application/octet-stream"}
    read = document({"schemaVersion": 2, "config": config_type, "layers": []})
    assert isinstance(read, Manifest)
    assert not read.artifact


def test_an_image_that_names_an_artifact_type_is_still_an_image() -> None:
    read = document(
        {"schemaVersion": 2, "artifactType": "application/x", "config": CONFIG, "layers": []}
    )
    assert isinstance(read, Manifest)
    assert not read.artifact


@pytest.mark.parametrize(
    ("media_type", "words"),
    [
        ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "is encrypted"),
        ("application/vnd.in-toto+json", "unknown media type"),
    ],
)
def test_layers_that_cannot_be_read_make_an_image_unsupported(media_type: str, words: str) -> None:
    with pytest.raises(UnreadableError, match=words) as raised:
        document({"schemaVersion": 2, "config": CONFIG, "layers": [layer(media_type)]})
    assert raised.value.reason is UnknownReason.IMAGE_UNSUPPORTED


def test_schema_1_is_unsupported_in_a_clear_line() -> None:
    with pytest.raises(
        UnreadableError, match=r"schema 1.*no longer pull: build and push"
    ) as raised:
        document({"schemaVersion": 1, "name": "a", "fsLayers": [], "history": []})
    assert raised.value.reason is UnknownReason.IMAGE_UNSUPPORTED


def test_a_version_alone_makes_no_schema_1() -> None:
    """containerd looks at ``fsLayers`` only."""
    assert isinstance(document({"schemaVersion": 1, "manifests": []}), Index)
    assert isinstance(document({"schemaVersion": 1, "config": CONFIG, "layers": []}), Manifest)
    with pytest.raises(UnreadableError, match="schema 1"):
        document({"schemaVersion": 1})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"manifest"',
        b"<html></html>",
        b"[" * 100_000,
        {},
        {"schemaVersion": 2},
        {"manifests": {}},
        {"manifests": [1]},
        {"manifests": [{"digest": DIGEST, "size": -1}]},
        {"manifests": [{"digest": DIGEST, "size": 1, "platform": "linux"}]},
        {"manifests": [], "layers": []},
        {"config": "x", "layers": []},
        {"config": CONFIG, "layers": {}},
        {"config": CONFIG, "layers": [{"size": 1}]},
        {"config": CONFIG, "layers": [{"digest": "sha256:../../etc/passwd", "size": 1}]},
        {"config": {**CONFIG, "digest": "md5:" + "a" * 32}, "layers": []},
        {"layers": []},
    ],
)
def test_what_is_no_document_is_invalid_in_one_line(content: Any) -> None:
    with pytest.raises(UnreadableError) as raised:
        document(content)
    assert raised.value.reason is UnknownReason.IMAGE_INVALID
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


def test_a_document_that_is_index_and_manifest_at_once_is_invalid() -> None:
    with pytest.raises(UnreadableError, match="both an index and a manifest"):
        document({"manifests": [], "config": CONFIG})


def test_an_index_of_too_many_images_exceeds_the_limit() -> None:
    with pytest.raises(UnreadableError, match="over the limit of 2") as raised:
        document(index([image([])] * 3).data, Limits(index_entries=2))
    assert raised.value.reason is UnknownReason.LIMIT_EXCEEDED


def test_an_index_without_entries_is_an_index() -> None:
    assert document({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}) == Index(())


def test_an_image_of_absurdly_many_layers_exceeds_the_limit() -> None:
    layers = [layer("application/vnd.oci.image.layer.v1.tar")] * 1001
    with pytest.raises(UnreadableError) as raised:
        document({"config": CONFIG, "layers": layers})
    assert raised.value.reason is UnknownReason.LIMIT_EXCEEDED


def test_a_config_says_how_to_start() -> None:
    start = {
        "Entrypoint": ["/a"],
        "Cmd": None,
        "Env": ["PATH=/bin", "E=", "X=a=b", "no-value"],
        "User": "1:2",
    }
    read = config({"os": "linux", "architecture": "arm", "variant": "v7", "config": start})
    assert read.platform == Platform("linux", "arm", "v7")
    assert read.defaults.entrypoint == ("/a",)
    assert read.defaults.cmd == ()
    assert read.defaults.env == {"PATH": "/bin", "E": "", "X": "a=b"}
    assert read.defaults.user == "1:2"


def test_keys_match_whatever_their_case_and_the_last_one_wins() -> None:
    """As Go's encoding/json has it."""
    start = {"entrypoint": ["/a"], "Cmd": ["x"], "CMD": ["y"], "User": "1", "user": None}
    read = config({"Architecture": "s390x", "config": start})
    assert read.platform.architecture == "s390x"
    assert (read.defaults.entrypoint, read.defaults.cmd) == (("/a",), ("y",))


@pytest.mark.parametrize("name", ["manifests", "Manifests", "MANIFESTS"])
def test_a_document_is_told_by_its_keys_whatever_their_case(name: str) -> None:
    assert isinstance(document({name: [{"Digest": DIGEST}]}), Index)
    assert isinstance(document({"CONFIG": CONFIG, "Layers": []}), Manifest)
    with pytest.raises(UnreadableError, match="both an index and a manifest"):
        document({name: [], "Layers": []})


def test_nulls_among_texts_are_empty_ones() -> None:
    entry = {"digest": DIGEST, "annotations": {"a": None}}
    read = document({"manifests": [entry]})
    assert isinstance(read, Index)
    assert read.entries[0].annotations == {"a": ""}
    assert config({"config": {"Cmd": ["x", None]}}).defaults.cmd == ("x", "")


def test_a_null_in_a_document_s_place_says_nothing() -> None:
    """As Go's encoding/json has it; so it spoils no entry beside it."""
    read = document({"manifests": [None, {"digest": DIGEST}]})
    assert isinstance(read, Index)
    assert [entry.digest for entry in read.entries] == ["", DIGEST]
    listed = {"manifests": [None, {"digest": DIGEST, "platform": {"architecture": "arm64"}}]}
    offered = platforms(HERE, lambda _: json.dumps(listed).encode(), Limits())
    assert offered == (Platform("linux", "arm64"),)


def test_a_descriptor_may_carry_its_content() -> None:
    said = {"digest": f"sha256:{sha256(b'{}').hexdigest()}", "size": 2, "data": "e30="}
    assert carried(said) == b"{}"
    assert carried({**said, "digest": DIGEST}) == b""
    assert carried({**said, "size": 3}) == b""
    assert carried({**said, "data": "no base64"}) == b""
    assert carried({**said, "data": None}) == b""


def carried(descriptor: dict[str, Any]) -> bytes:
    read = document({"config": {**CONFIG, **descriptor}, "layers": []})
    assert isinstance(read, Manifest)
    return read.config.content


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (b"a\xffb", "a\ufffdb"),
        (rb"a\ud800b", "a\ufffdb"),
        (rb"a\udc00\ud800", "a\ufffd\ufffd"),
        (rb"\ud83d\ude00\ud83d", "\U0001f600\ufffd"),
        (rb"\\ud800\ud800", "\\ud800\ufffd"),
    ],
)
def test_what_is_no_text_is_replaced(written: bytes, text: str) -> None:
    """As Go's encoding/json does: such bytes come from builders that know Latin-1."""
    read = read_config(b'{"config": {"Cmd": ["%s"]}}' % written, HERE)
    assert read.defaults.cmd == (text,)


@pytest.mark.parametrize("digest", ["sha256:../../etc/passwd", "md5:" + "a" * 32, ""])
def test_an_entry_that_cannot_be_verified_spoils_no_other(digest: str, tmp_path: Path) -> None:
    """It is chosen on s390x only, and unknown there."""
    ours = image([], platform="linux/amd64")
    write_layout(tmp_path, {"1": index([ours])})
    other = {"digest": digest, "platform": {"os": "linux", "architecture": "s390x"}}
    top = json.loads(index([ours]).data)
    top["manifests"].insert(0, other)
    (tmp_path / "index.json").write_text(json.dumps(top))
    source = Layout(Folder(str(tmp_path)), Limits())
    here = source.resolve("")
    found = pull(here, Platform("linux", "amd64"), source.document, Limits())
    assert found is not None
    assert found.descriptor.digest == ours.digest
    with pytest.raises(UnreadableError) as raised:
        pull(here, Platform("linux", "s390x"), source.document, Limits())
    assert raised.value.reason is UnknownReason.IMAGE_INVALID


@pytest.mark.parametrize("content", [{}, {"config": None}, {"config": {}, "rootfs": None}])
def test_a_config_may_say_nothing(content: Any) -> None:
    read = config(content)
    assert read.defaults.entrypoint == ()
    assert read.platform == Platform("linux", "")


@pytest.mark.parametrize(
    "content",
    [
        [],
        1,
        {"config": []},
        {"config": {"Env": "A=b"}},
        {"config": {"Cmd": [1]}},
        {"architecture": 5},
    ],
)
def test_a_malformed_config_is_invalid_in_one_line(content: Any) -> None:
    with pytest.raises(UnreadableError) as raised:
        config(content)
    assert raised.value.reason is UnknownReason.IMAGE_INVALID
    assert "\n" not in str(raised.value)


KEYS = ["manifests", "config", "layers", "digest", "size", "platform", "annotations", "mediaType"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(DIGEST),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(JSON)
def test_any_json_is_read_or_unreadable(content: Any) -> None:
    for read in (document, config):
        with suppress(UnreadableError):
            assert isinstance(read(content), Index | Manifest | Config)
