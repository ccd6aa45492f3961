"""A list that is decoded an item at a time holds what it would hold as a whole."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elfgate.cluster.jsonlist import json_list
from elfgate.cluster.manifests import objects
from elfgate.errors import InputError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(VALUES, max_size=5),
    st.dictionaries(st.text().filter(lambda key: key != "items"), VALUES, max_size=3),
    st.sampled_from((None, 2)),
)
def test_items_and_head_are_those_of_the_whole(
    items: list[Any], head: dict[str, Any], indent: int | None
) -> None:
    found = json_list(json.dumps({"items": items} | head, indent=indent))
    assert found is not None
    assert (list(found.items()), found.head) == (items, head)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"kind": "List"}',
        '{"items": 7}',
        '{"items": [1 2]}',
        '{"items": [1,]}',
        '{"items": [,1]}',
        '{"items": [1]',
        '{"items": [1',
        '{"items" [1]}',
        '{"items": [1],}',
        '{"items": [1]} x',
        "{items: [1]}",
        '{7: 8, "items": []}',
    ],
)
def test_what_is_no_list_in_json_is_left_to_others(text: str) -> None:
    assert json_list(text) is None


def long_list(count: int) -> bytes:
    pods = [{"kind": "Pod", "spec": {"n": n, "filler": "x" * 1000}} for n in range(count)]
    return json.dumps({"apiVersion": "v1", "items": pods, "kind": "List"}).encode()


def test_a_long_list_says_where_each_item_is() -> None:
    text = long_list(5000)
    found = [
        (manifest.position, manifest.obj["spec"]["n"]) for manifest in objects(text, source="f")
    ]
    assert found == [(f"f: items[{n}]", n) for n in range(5000)]


def test_a_long_list_takes_the_memory_of_its_text() -> None:
    text = long_list(20_000)
    tracemalloc.start()
    for _ in objects(text, source="f"):
        pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1.5 * len(text)


def test_a_long_list_that_breaks_off_is_an_error() -> None:
    with pytest.raises(InputError, match="invalid YAML"):
        list(objects(long_list(5000)[:-1], source="f"))
