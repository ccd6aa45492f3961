"""Verdicts where cosign looks for them: beside what others have stated."""

import json

import pytest

from elfgate.attest.cosign import tag, with_statement
from elfgate.attest.statements import VERDICT
from elfgate.errors import InputError
from elfgate.images.digests import digest_of

OTHER = {
    "mediaType": "application/vnd.dsse.envelope.v1+json",
    "digest": f"sha256:{'1' * 64}",
    "size": 7,
    "annotations": {"predicateType": "https://slsa.dev/provenance/v1"},
}


def types(image: bytes) -> list[str]:
    layers = json.loads(image)["layers"]
    return [layer["annotations"]["predicateType"].partition("//")[2] for layer in layers]


def test_the_tag_is_the_one_that_cosign_asks_for() -> None:
    assert tag(f"sha256:{'a' * 64}") == f"sha256-{'a' * 64}.att"


def test_a_verdict_comes_beside_others_and_in_place_of_an_older_one() -> None:
    listed = json.dumps({"layers": [OTHER]}).encode()
    first, _ = with_statement(listed, b"one", VERDICT)
    assert types(first) == ["slsa.dev/provenance/v1", VERDICT.partition("//")[2]]
    second, config = with_statement(first, b"two", VERDICT)
    assert types(second) == types(first)
    assert json.loads(second)["layers"][0] == OTHER
    assert json.loads(second)["layers"][1]["digest"] == digest_of(b"two")
    assert json.loads(second)["config"]["digest"] == digest_of(config)


def test_the_same_verdict_changes_nothing() -> None:
    first, _ = with_statement(None, b"one", VERDICT)
    again, _ = with_statement(first, b"one", VERDICT)
    assert again == first


@pytest.mark.parametrize("listed", [b"{", b"[]", b"{}", b'{"layers": [1]}', b'{"layers": [{}]}'])
def test_what_is_no_image_is_left_alone(listed: bytes) -> None:
    with pytest.raises(InputError, match="is not an image"):
        with_statement(listed, b"one", VERDICT)
