"""A heavy document that is pared says what it said: the same images, and the same refusals."""

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.manifest import Manifest, read_config, read_document
from elfgate.images.pared import LIGHT_BYTES, MOST_BYTES, pare
from elfgate.images.source import Descriptor, Limits
from support.asking import asking, descriptor
from support.oci import OCI_MANIFEST, Blob, image, index, json_blob, manifest_of
from support.registry import Answer, Registry

HERE = Descriptor("application/json", "sha256:" + "a" * 64)
APP = image([b"layer"], platform="linux/amd64", entrypoint=["/app"])
CONFIG, LAYER = APP.children
PLAIN = [json.loads(blob.data) for blob in (APP, CONFIG, index([APP, image([b"other"])]))]
ODD: list[Any] = [None, 7, "", "x", [], {}, [[]], {"config": {}}, {"os": "linux"}, [1, "2"]]


def said(read: Callable[[bytes], Any], data: bytes) -> object:
    """What is read of a document but for its annotations, or why it is refused."""
    try:
        return bare(read(data))
    except UnreadableError as error:
        return error.reason, error.message


def bare(document: Any) -> str:
    lines = (getattr(document, "layers", ()), getattr(document, "entries", ()))
    for descriptors in lines:
        for one in descriptors:
            one.annotations.clear()
    return repr(document)


def as_document(data: bytes) -> Any:
    return read_document(data, HERE, limits=Limits())


def as_config(data: bytes) -> Any:
    return read_config(data, HERE)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something may be put in the place of what is there."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    below = [place for key, item in items for place in places(item, (*path, key))]
    return [path, *below] if path else below


def changed(value: Any, path: tuple[Any, ...], item: Any, key: str) -> Any:
    copy = json.loads(json.dumps(value))
    part = copy
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = item
    if isinstance(part, dict) and key:
        part[key] = item
    return copy


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    value = draw(st.sampled_from(PLAIN))
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(places(value)))
        key = draw(st.sampled_from(["", "junk", "Config", "LAYERS", "annotations", "manifests"]))
        value = changed(value, path, draw(st.sampled_from(ODD)), key)
    return json.dumps(value).encode()


@given(documents())
@settings(max_examples=300, deadline=None)
def test_nothing_that_is_read_of_a_document_changes(data: bytes) -> None:
    pared = pare(data, "it")
    for read in (as_document, as_config):
        assert said(read, pared) == said(read, data)
    assert pare(pared, "it") == pared


def heavy(**more: Any) -> Blob:
    """An image's manifest of a megabyte, nearly all of it an annotation."""
    manifest = manifest_of(OCI_MANIFEST, CONFIG, [LAYER])
    manifest["layers"][0]["annotations"] = {"x": "y" * (1 << 20)}
    return json_blob(OCI_MANIFEST, manifest | more, [CONFIG, LAYER])


def test_what_nothing_reads_is_left_out() -> None:
    pared = pare(heavy().data, "it")
    assert len(pared) < LIGHT_BYTES
    assert as_document(pared).layers[0].digest == LAYER.digest


def test_an_annotation_that_is_read_stays() -> None:
    name = "containerd.io/snapshot/stargz/toc.digest"
    manifest = manifest_of(OCI_MANIFEST, CONFIG, [LAYER])
    manifest["layers"][0]["annotations"] = {name: LAYER.digest, "x": "y"}
    read = as_document(pare(orjson.dumps(manifest), "it"))
    assert read.layers[0].annotations == {name: LAYER.digest}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no JSON", UnknownReason.IMAGE_INVALID),
        (b"[]", UnknownReason.IMAGE_INVALID),
        (orjson.dumps({"env": ["x" * MOST_BYTES]}), UnknownReason.LIMIT_EXCEEDED),
        (orjson.dumps({"layers": [{}] * MOST_BYTES}), UnknownReason.LIMIT_EXCEEDED),
    ],
)
def test_what_has_no_short_form_is_refused(data: bytes, reason: UnknownReason) -> None:
    with pytest.raises(UnreadableError) as raised:
        pare(data, "it")
    assert raised.value.reason is reason


def test_what_is_nested_deeply_ends() -> None:
    deep = b'{"layers":' + b"[" * 900 + b"]" * 900 + b"}"
    assert len(pare(deep, "it")) < 100


def test_a_registry_gives_a_short_document_for_a_heavy_one() -> None:
    blob = heavy()
    with Registry({"example/app": {"1.0": blob}}) as registry, asking(registry) as repository:
        data = repository.document(descriptor(blob))
    assert len(data) < LIGHT_BYTES
    assert isinstance(as_document(data), Manifest)


def test_a_heavy_document_without_a_type_is_told_apart_too() -> None:
    blob = heavy()
    with Registry({"example/app": {"1.0": blob}}) as registry, asking(registry) as repository:
        registry.answer("/v2/example/app/manifests/1.0", Answer(404), Answer(200, {}, blob.data))
        assert repository.resolve("1.0").media_type == OCI_MANIFEST
