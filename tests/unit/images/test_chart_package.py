"""The images that a chart's values name."""

import gzip
import io
import tarfile

import pytest

from elfgate.errors import UnreadableError
from elfgate.images.chart_package import chart_images

DIGEST = f"sha256:{'a' * 64}"


def _packed(name: str, values: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(values.encode())
        archive.addfile(member, io.BytesIO(values.encode()))
    return gzip.compress(stream.getvalue())


def _images(values: str) -> list[str]:
    return chart_images(_packed("app/values.yaml", values), "the chart")


def test_images_are_found_wherever_they_stand_and_a_digest_outranks_a_tag() -> None:
    values = (
        "image: {repository: a/b, tag: '1', digest: ''}\n"
        f"opa: {{image: {{repository: c/d, tag: '2', digest: '{DIGEST}'}}}}\n"
        "other: {image: {pullPolicy: Always}, deeper: {image: {repository: e}}}\n"
    )
    assert _images(values) == ["a/b:1", f"c/d@{DIGEST}", "e"]


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"no archive",
        _packed("values.yaml", "image: {repository: a}"),
        _packed("app/charts/b/values.yaml", "image: {repository: a}"),
        _packed("app/values.yaml", "- a list"),
        _packed("app/values.yaml", "{"),
    ],
)
def test_what_is_no_chart_is_told(packed: bytes) -> None:
    with pytest.raises(UnreadableError, match="the chart is not a chart"):
        chart_images(packed, "the chart")
