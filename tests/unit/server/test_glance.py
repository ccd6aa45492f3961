"""A review's uid and namespace, told without reading it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elfgate.server import glance

RECORDED = sorted((Path(__file__).parents[2] / "data" / "reviews").glob("*.json"))
POST = (
    b"POST /validate?timeout=10s HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nContent-Length: %d"
)


def written(review: object) -> bytes:
    """A review as the API server writes it."""
    return json.dumps(review, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_each_recorded_review_is_told_at_a_glance(file: Path) -> None:
    review = json.loads(file.read_text())
    found = glance.review(b"before" + written(review), len(b"before"))
    assert found == glance.Glance(review["request"]["uid"], review["request"]["namespace"])


@given(st.dictionaries(st.sampled_from(["name", "subResource", "namespace", "kind"]), st.text()))
def test_no_text_of_a_review_is_taken_for_its_namespace(texts: dict[str, str]) -> None:
    request = {"uid": "u", **texts, "operation": "CREATE", "object": {"namespace": "other"}}
    found = glance.review(
        written(
            {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}
        )
    )
    assert found is None or found.namespace == texts.get("namespace")


@pytest.mark.parametrize(
    "review",
    [
        b"",
        b"{}",
        b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u"}}',
        b'{ "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}',
        b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"'
        + b"a" * 9000,
    ],
)
def test_any_other_review_is_read(review: bytes) -> None:
    assert glance.review(review) is None


def test_a_request_that_has_come_whole_is_told() -> None:
    head = POST % 2 + b"\r\n\r\n"
    assert glance.request(head + b"{}") == ("/validate", len(head))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        POST % 3 + b"\r\n\r\n{}",
        POST % 1 + b"\r\n\r\n{}",
        POST % 2 + b"\r\nContent-Length: 2\r\n\r\n{}",
        POST % 2 + b"\r\nConnection: close\r\n\r\n{}",
        POST % 2 + b"\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        POST % 2 + b"\r\nexpect: 100-continue\r\n\r\n{}",
        (POST % 2).replace(b"1.1", b"1.0") + b"\r\n\r\n{}",
        (POST % 2).replace(b"POST", b"GET") + b"\r\n\r\n{}",
    ],
)
def test_any_other_request_is_read(data: bytes) -> None:
    assert glance.request(data) is None
