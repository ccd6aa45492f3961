"""Other tags that are worth a look, and a registry's list of them."""

import json
from collections.abc import Callable

import pytest

from elfgate.audit.tags import MOST, candidates
from elfgate.errors import UnreadableError
from elfgate.images.tags import MOST_PAGES, PAGE, listed

TAGS = (
    "1-alpine",
    "2",
    "2-alpine",
    "2-debian",
    "2.1-alpine",
    "3-alpine",
    "3-rc1-alpine",
    "4-alpine",
    "latest",
)


def test_siblings_and_newer_tags_come_in_turn() -> None:
    assert candidates("2-alpine", TAGS) == ["2", "4-alpine", "2-debian", "3-alpine"]


def test_an_update_within_the_major_version_comes_before_the_next_major() -> None:
    tags = ("1.2.0", "1.3.0", "1.10.0", "2.0.0", "2.1.0-beta.1", "1.2")
    assert candidates("1.2.0", tags) == ["1.10.0", "1.3.0", "2.0.0"]


def test_a_pre_release_may_be_followed_by_another() -> None:
    assert candidates("v2.0-rc1", ("v2.0-rc1", "v2.0", "v3.0-rc1")) == ["v2.0", "v3.0-rc1"]


def test_a_tag_without_a_version_has_siblings_without_one() -> None:
    assert candidates("alpine", ("alpine", "slim", "1-alpine", "latest")) == ["slim", "latest"]


def test_signatures_are_no_tags_of_images_and_the_list_is_short() -> None:
    many = [f"2-flavor{number}" for number in range(100)]
    found = candidates("2", [f"sha256-{'0' * 64}.sig", *many])
    assert len(found) == MOST
    assert not any(each.startswith("sha256-") for each in found)


@pytest.mark.parametrize("tag", ["", "9" * 5000, "1." * 3000, "\n", "v", "1.٣"])
def test_any_word_is_taken(tag: str) -> None:
    assert candidates(tag, (tag, "2", *TAGS)) is not None


def pages(*each: list[str] | None) -> tuple[Callable[[str], bytes], list[str]]:
    asked: list[str] = []

    def fetch(path: str) -> bytes:
        asked.append(path)
        return json.dumps({"name": "app", "tags": each[len(asked) - 1]}).encode()

    return fetch, asked


def test_pages_are_asked_for_until_one_is_short() -> None:
    first = [f"{number:04}" for number in range(PAGE)]
    fetch, asked = pages(first, ["latest"])
    assert listed(fetch, "tags of app") == (*first, "latest")
    assert asked == [f"tags/list?n={PAGE}", f"tags/list?n={PAGE}&last={first[-1]}"]


def test_a_registry_that_has_no_end_is_left() -> None:
    each = [[f"{page}.{number}" for number in range(PAGE)] for page in range(MOST_PAGES + 1)]
    fetch, asked = pages(*each)
    assert len(listed(fetch, "tags of app")) == MOST_PAGES * PAGE
    assert len(asked) == MOST_PAGES


def test_a_registry_that_repeats_itself_is_left() -> None:
    same = [str(number) for number in range(PAGE)]
    fetch, asked = pages(same, same, same)
    assert listed(fetch, "tags of app") == tuple(same)
    assert len(asked) == 2


def test_a_repository_without_tags_has_none() -> None:
    assert listed(pages(None)[0], "tags of app") == ()


@pytest.mark.parametrize("data", [b"", b"[]", b'{"tags": 1}', b'{"tags": [1]}', b"<html>"])
def test_what_is_no_list_is_an_error(data: bytes) -> None:
    with pytest.raises(UnreadableError, match="tags of app: the registry's answer is no list"):
        listed(lambda _: data, "tags of app")
