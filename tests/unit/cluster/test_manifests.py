import sys
import threading
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.cluster.manifests import objects
from elfgate.cluster.yamldoc import _ALIAS, documents
from elfgate.errors import InputError
from support.objects import deployment, pod


def read(text: str | bytes) -> list[tuple[str, dict[str, Any]]]:
    data = text.encode() if isinstance(text, str) else text
    return [(item.position, item.obj) for item in objects(data, source="f.yaml")]


def test_documents_come_with_their_lines() -> None:
    text = "# a chart\n---\nkind: Pod\n---\n# nothing\n---\n\nkind: Job\nspec: {}\n"

    assert read(text) == [("f.yaml:3", {"kind": "Pod"}), ("f.yaml:8", {"kind": "Job", "spec": {}})]


def test_json_is_read_as_it_is() -> None:
    assert read(orjson.dumps(pod())) == [("f.yaml", pod())]


def test_json_with_a_comma_too_many_is_yaml() -> None:
    assert read('{"kind": "Pod",}') == [("f.yaml:1", {"kind": "Pod"})]


def test_a_list_is_flattened_wherever_it_is() -> None:
    nested = {
        "kind": "List",
        "items": [pod(), {"kind": "List", "items": [deployment()]}, {"kind": "List"}],
    }

    assert read(orjson.dumps(nested)) == [
        ("f.yaml: items[0]", pod()),
        ("f.yaml: items[1]: items[0]", deployment()),
    ]


def test_items_of_a_yaml_list_come_with_their_lines() -> None:
    text = "kind: List\nitems:\n- kind: Pod\n  spec: {}\n- kind: Job\n"

    assert [position for position, _ in read(text)] == ["f.yaml:3", "f.yaml:5"]


def test_items_of_a_typed_list_take_its_kind() -> None:
    text = "apiVersion: v1\nkind: NodeList\nitems:\n- metadata: {name: a}\n"

    assert read(text) == [
        ("f.yaml:4", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}})
    ]


def test_a_kind_that_only_ends_like_a_list_is_an_object() -> None:
    assert read("kind: AllowList\nspec: {}") == [("f.yaml:1", {"kind": "AllowList", "spec": {}})]


def test_an_empty_file_holds_nothing() -> None:
    assert read("") == []
    assert read("---\n---\n") == []


def test_plain_scalars_are_what_kubernetes_reads() -> None:
    text = (
        "kind: X\nday: 2024-01-01\ntime: 22:22\nsame: =\nint: 10\noctal: 0o7\n"
        "float: 1.5\nyes: on\nnone: ~\nneg: -3\n"
    )

    assert read(text)[0][1] == {
        "kind": "X",
        "day": "2024-01-01",
        "time": "22:22",
        "same": "=",
        "int": 10,
        "octal": "0o7",
        "float": 1.5,
        True: True,
        "none": None,
        "neg": -3,
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: [1, 0x10, 0o7, 010, 1_000, -5, +3, 1.5, .5, 1e3, .inf, -.inf, ~, null, '', yes, Off, \"5\", 5m]",
        "a:\n'c': |\n  text\nd: >-\n  more\n  text\n",
        "1: one\ntrue: two\n~: three\n",
        "a: !!str 5\nb: !!int '7'\nc: !!binary aGVsbG8=\nd: !!float 3\n",
        "a: !!set {x, y}\nb: !!omap [x: 1]\nc: !!str\n",
        "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\n",
        "a: 1\na: 2\n",
        "- - - deep\n- []\n- {}\n",
        "plain",
        f"a: {'7' * 80}\nb: {'x' * 80}\n7: &x\n8: [7, !!str 7, '7']\n",
    ],
)
def test_values_are_those_of_pyyaml(text: str) -> None:
    (read,) = documents(text.encode(), "x.yaml")
    expected = yaml.load(text, yaml.CSafeLoader)
    assert repr(read.value) == repr(expected)


@pytest.mark.parametrize("text", ["a: !!str [b]", "a: !!seq b", "a: !!map [b]", "{!!str [a]: b}"])
def test_a_tag_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        list(documents(text.encode(), "x.yaml"))


def test_aliases_and_merges_are_followed() -> None:
    text = "x: &x {a: 1}\nkind: Pod\ny: *x\nz: {<<: *x, b: 2}\n"

    assert read(text)[0][1] == {"x": {"a": 1}, "kind": "Pod", "y": {"a": 1}, "z": {"a": 1, "b": 2}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "f.yaml:1: not a Kubernetes object"),
        ("kind: Pod\n---\njust words\n", "f.yaml:3: not a Kubernetes object"),
        ("metadata: {}\n", "f.yaml:1: not a Kubernetes object"),
        ("kind: 5\n", "f.yaml:1: not a Kubernetes object"),
        ("kind: List\nitems: {}\n", "f.yaml:1: items is not a list"),
        ("kind: List\nitems:\n- kind: Pod\n- web\n", "f.yaml:4: not a Kubernetes object"),
        ("kind: Pod\n  spec: {\n", "f.yaml:2: invalid YAML: "),
        ("kind: *nobody\n", "f.yaml:1: invalid YAML: "),
        (b"kind: \xff\n", "f.yaml: not UTF-8 at byte 6"),
        (b"\xff\xfek\x00i\x00", "f.yaml: not UTF-8 at byte 0"),
        ("kind: Pod\x00", "f.yaml: unusable YAML"),
        ("kind: Pod\nint: 0b\n", None),
        ("kind: Pod\nx: &x [*x]\n", "f.yaml: unusable YAML: an alias refers to"),
        ("[" * 200_000, "f.yaml: unusable YAML: nested more than"),
        ("kind: " + "[" * 501 + "]" * 501, "f.yaml: unusable YAML: nested more than"),
        ("- " * 600 + "a", "f.yaml: unusable YAML: nested more than"),
        (
            "\n".join(" " * depth + "a:" for depth in range(600)),
            "f.yaml: unusable YAML: nested more than",
        ),
    ],
)
def test_what_cannot_be_used_is_one_line_that_says_where(
    text: str | bytes, message: str | None
) -> None:
    if message is None:
        read(text)
        return
    with pytest.raises(InputError) as caught:
        read(text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_many_brackets_are_no_depth() -> None:
    text = "kind: Pod\nlist:\n" + "- {a: [b]}\n" * 2000

    assert len(read(text)[0][1]["list"]) == 2000


@pytest.mark.parametrize("before", ["[", "[x, ", "{a: ", "- ", "? ", '"a":', "\n"])
def test_an_alias_is_seen_wherever_one_may_stand(before: str) -> None:
    assert _ALIAS.search(f"x: &x 1\ny: {before}*x")


def test_brackets_in_one_document_are_not_spread_over_several() -> None:
    with pytest.raises(InputError):
        read("kind: " + "[\n" * 400 + "---\n" + "[\n" * 400)


@pytest.mark.parametrize("merge", [False, True])
def test_an_alias_bomb_is_refused_before_it_goes_off(*, merge: bool) -> None:
    lines = ["kind: Pod", "a0: &a0 {x: y}"]
    for number in range(1, 30):
        aliases = ", ".join([f"*a{number - 1}"] * 10)
        lines.append(
            f"a{number}: &a{number} " + (f"{{<<: [{aliases}]}}" if merge else f"[{aliases}]")
        )

    with pytest.raises(InputError, match="its aliases expand to more than"):
        read("\n".join(lines))


def test_a_chain_of_aliases_of_any_length_is_no_recursion() -> None:
    lines = [
        "kind: Pod",
        "a0: &a0 {x: y}",
        *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 2 * sys.getrecursionlimit())),
    ]

    assert len(read("\n".join(lines))[0][1]) == 2 * sys.getrecursionlimit() + 1


def test_depth_is_bounded_well_inside_a_small_stack() -> None:
    deep = "kind: Pod\nx: " + "[" * 498 + "]" * 498
    seen: list[int] = []
    before = threading.stack_size(256 << 10)
    try:
        thread = threading.Thread(target=lambda: seen.append(len(read(deep))))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)

    assert seen == [1]


KEYS = st.text("abc", min_size=1, max_size=3)
PRINTABLE = st.text(st.characters(codec="ascii", exclude_categories=["C"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | PRINTABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=15,
)


@settings(max_examples=40)  # PyYAML writes slowly
@given(st.lists(st.dictionaries(KEYS, VALUES), max_size=3))
def test_what_yaml_wrote_comes_back(values: list[dict[str, Any]]) -> None:
    documents = [{**value, "kind": "Pod"} for value in values]

    assert [obj for _, obj in read(yaml.safe_dump_all(documents))] == documents


def test_json_objects_need_nothing_between_them() -> None:
    text = b'{"kind": "A"}\n{"kind": "B"}{"kind": "C"}\n\n  {"kind":\n"D"}'
    assert [(item.position, item.kind) for item in objects(text, source="f.json")] == [
        ("f.json:1", "A"),
        ("f.json:2", "B"),
        ("f.json:2", "C"),
        ("f.json:4", "D"),
    ]


def test_what_is_no_object_can_be_passed_over() -> None:
    text = b"replicas: 1\n---\nkind: Pod\n---\n- a\n"
    found = objects(text, source="f.yaml", strict=False)
    assert [(item.position, item.kind) for item in found] == [
        ("f.yaml:1", ""),
        ("f.yaml:3", "Pod"),
        ("f.yaml:5", ""),
    ]


# Each as the YAML reader of kubectl has it (sigs.k8s.io/yaml 1.6.0); None where that refuses it.
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: [1.2.3.4, 001:db8::]", {"a": ["1.2.3.4", "001:db8::"]}),
        ("a: [fe80::, x]", {"a": ["fe80::", "x"]}),
        ("a: [x:, z]", {"a": ["x:", "z"]}),
        ("a: {x: z:}", {"a": {"x": "z:"}}),
        ("a: [a:b]", {"a": ["a:b"]}),
        ('a: {"x":1}', {"a": {"x": 1}}),
        ("a: {b: 1, b: 2}", {"a": {"b": 2}}),
        ("a: 1\na: 2", {"a": 2}),
        ("a: !foo x", {"a": "x"}),
        ("a: 22:22", {"a": "22:22"}),
        ("a: [::1]", None),
        ("a: b: c", None),
        ("a: [1,2", None),
    ],
)
def test_scalars_and_keys_are_read_as_kubectl_reads_them(text: str, value: object) -> None:
    if value is None:
        with pytest.raises(InputError):
            list(documents(text.encode(), "f.yaml"))
    else:
        assert [item.value for item in documents(text.encode(), "f.yaml")] == [value]


def test_documents_before_a_colon_that_libyaml_minds_are_given_once() -> None:
    text = b"kind: A\n---\nkind: B\na: [x::]\nb: [y::, z]\n---\nkind: C\n"
    assert [item.kind for item in objects(text, source="f.yaml")] == ["A", "B", "C"]
