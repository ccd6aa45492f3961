"""The labels of configs, and the annotations of indexes and manifests, as they are told to rules."""

import json
from typing import Any

import pytest

from elfgate.errors import UnreadableError
from elfgate.images.labels import LONGEST, MOST, annotations_in, labels_in
from elfgate.images.pared import LIGHT_BYTES, pare

SOURCE = {"org.opencontainers.image.source": "https://example.test/app"}


def config(labels: Any) -> bytes:
    return json.dumps({"architecture": "amd64", "config": {"Labels": labels}}).encode()


def manifest(annotations: Any, **more: Any) -> bytes:
    return json.dumps({"schemaVersion": 2, "annotations": annotations, **more}).encode()


@pytest.mark.parametrize("labels", [{}, SOURCE, {"a": "", "": "b"}])
def test_a_document_tells_its_texts(labels: dict[str, str]) -> None:
    assert labels_in(config(labels)) == labels
    assert annotations_in(manifest(labels)) == labels


@pytest.mark.parametrize(
    "data",
    [
        *(b"{}", b'{"config": null}', b'{"config": {}}', config(None)),
        b'{"CONFIG": {"LABELS": {}}}',
    ],
)
def test_a_document_without_texts_has_none(data: bytes) -> None:
    assert labels_in(data) == {}
    assert annotations_in(data) == {}


def test_a_long_text_is_cut() -> None:
    assert labels_in(config({"long": "x" * 5000, "short": "y"})) == {
        "long": "x" * LONGEST,
        "short": "y",
    }


@pytest.mark.parametrize(
    "labels",
    [
        {"a": 1},
        {"a": None},
        ["a"],
        "a",
        0,
        {str(number): "x" * 999 for number in range(MOST // 900)},
    ],
)
def test_what_is_no_text_or_too_many_is_not_known(labels: Any) -> None:
    for data in (config(labels), pare(config(labels), "it")):
        with pytest.raises(UnreadableError, match="labels are not all text"):
            labels_in(data)
    for data in (manifest(labels), pare(manifest(labels), "it")):
        with pytest.raises(UnreadableError, match="annotations are not all text"):
            annotations_in(data)


def test_a_heavy_document_tells_the_same_once_it_is_pared() -> None:
    heavy = {**SOURCE, "metadata": "x" * LIGHT_BYTES}
    assert labels_in(pare(config(heavy), "it")) == labels_in(config(heavy))
    entries = [{"digest": f"sha256:{'a' * 64}", "annotations": {"junk": "x" * LIGHT_BYTES}}]
    data = manifest(heavy, manifests=entries)
    pared = pare(data, "it")
    assert annotations_in(pared) == annotations_in(data)
    assert len(pared) < 5 * LONGEST
