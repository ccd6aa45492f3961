"""A long list that is read an item at a time holds what it would hold as a whole."""

import io
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elfgate.cluster import liststream
from elfgate.cluster.liststream import CHUNK, ListStream
from elfgate.cluster.manifests import streamed
from elfgate.errors import InputError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def items(text: str, first: int, step: int) -> list[Any]:
    """The items, if so much of the text comes at once."""
    rest = io.StringIO(text[first:])
    found = ListStream(text[:first], lambda _: rest.read(step), "f")
    assert found.is_list
    return list(found.items())


@given(
    st.lists(st.dictionaries(st.text(), VALUES, max_size=3), max_size=5),
    st.sampled_from((None, 2)),
    st.integers(45, 70),
    st.integers(1, 50),
)
def test_items_are_those_of_the_whole_wherever_reading_stops(
    listed: list[Any], indent: int | None, first: int, step: int
) -> None:
    text = json.dumps({"apiVersion": "v1", "items": listed, "kind": "List"}, indent=indent)
    assert items(text, first, step) == listed


@pytest.mark.parametrize(
    "text",
    [
        '{"items": [{} {}], "kind": "List"}',
        '{"items": [12], "kind": "List"}',
        '{"items": [{"a": 1},], "kind": "List"}',
        '{"items": [,{}], "kind": "List"}',
        '{"items": [{}], "kind": "List"',
        '{"items": [{}], "kind": "List"} x',
        '{"items": [{}',
        '{"items": [{"a',
        '{"items": [{}], "kind": "Shelf"}',
        '{"items": []',
    ],
)
def test_what_breaks_off_or_is_no_list_is_an_error(text: str) -> None:
    with pytest.raises(InputError, match="f: not a list of objects in JSON"):
        items(text, 12, 3)


@pytest.mark.parametrize("text", ["", "[1]", '{"kind": "Pod"}', '{"metadata": {}, "items": [1]}'])
def test_what_begins_otherwise_is_left_to_others(text: str) -> None:
    assert not ListStream(text, lambda _: "", "f").is_list


def test_an_item_may_not_be_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liststream, "MOST", 1000)
    endless = ListStream('{"items": [{"a": "', lambda _: "x" * 100, "f")
    with pytest.raises(InputError, match="f: not a list"):
        list(endless.items())


def long_list(count: int) -> bytes:
    pods = [{"kind": "Pod", "spec": {"n": n, "filler": "ü" * 1000}} for n in range(count)]
    listed = {"apiVersion": "v1", "items": pods, "kind": "List"}
    return json.dumps(listed, ensure_ascii=False).encode()


def test_a_long_list_says_where_each_item_is() -> None:
    file = io.BytesIO(long_list(5000))
    found = [(item.position, item.obj["spec"]["n"]) for item in streamed(file, source="f")]
    assert found == [(f"f: items[{n}]", n) for n in range(5000)]


def test_a_long_list_takes_the_memory_of_a_few_chunks() -> None:
    file = io.BytesIO(long_list(40_000))
    tracemalloc.start()
    for _ in streamed(file, source="f"):
        pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 12 * CHUNK
    assert len(file.getvalue()) > 18 * CHUNK


def test_a_long_list_that_is_not_utf_8_is_an_error() -> None:
    with pytest.raises(InputError, match="f: not UTF-8"):
        list(streamed(io.BytesIO(long_list(5000).replace("ü".encode(), b"\xff")), source="f"))


def test_other_long_files_are_read_as_a_whole() -> None:
    text = b"kind: Pod\nspec: {}\n---\n" * 200_000 + b"kind: Job\n"
    assert len(text) > CHUNK
    *_, last = streamed(io.BytesIO(text), source="f")
    assert last.kind == "Job"
