from typing import Any

import orjson
import pytest
import yaml

from elfgate.cluster.nodes import nodes_of, read_node, read_nodes, read_page
from elfgate.cluster.taints import Taint
from elfgate.errors import InputError
from elfgate.platforms import Platform
from support.objects import node, pod

NFD = "feature.node.kubernetes.io/cpu-cpuid."


def test_a_node_is_read() -> None:
    taints = [
        {"key": "b", "effect": "NoSchedule"},
        {"key": "a", "value": "x", "effect": "NoExecute"},
    ]
    kernel = "5.14.0-427.el9.ppc64le"
    obj = node(
        "power-1", "ppc64le", labels={"pool": "a"}, kernel=kernel, unschedulable=True, taints=taints
    )

    found = read_node(obj)

    assert found.name == "power-1"
    assert found.platform == Platform("linux", "ppc64le")
    assert found.labels["pool"] == "a"
    assert found.taints == (Taint("a", "x", "NoExecute"), Taint("b", "", "NoSchedule"))
    assert found.unschedulable
    assert found.facts.kernel == (5, 14, 0)


def test_labels_outrank_what_the_kubelet_found() -> None:
    obj = node("a", "arm64")
    obj["status"]["nodeInfo"] |= {"architecture": "amd64", "operatingSystem": "windows"}

    assert read_node(obj).platform == Platform("linux", "arm64")


def test_what_the_kubelet_found_stands_in_for_labels() -> None:
    obj = node("a", "arm64")
    obj["metadata"]["labels"] = None

    assert read_node(obj).platform == Platform("linux", "arm64")


def test_a_node_need_not_say_of_which_architecture_it_is() -> None:
    found = read_node({"kind": "Node", "metadata": {"name": "a"}, "spec": None, "status": None})
    assert found.platform == Platform("linux", "")


@pytest.mark.parametrize(
    ("architecture", "kernel", "labels", "page_size"),
    [
        ("amd64", "6.1.0-20-amd64", {}, 4096),
        ("s390x", "6.1.0-20-s390x", {}, 4096),
        ("ppc64le", "5.14.0-427.el9.ppc64le", {}, None),
        ("arm64", "6.8.0-45-generic", {}, None),
        ("arm64", "6.8.0-45-generic-64k", {}, 65536),
        ("arm64", "5.14.0-427.el9.aarch64+64k", {}, 65536),
        ("arm64", "6.9.9-400.asahi.fc40.aarch64+16k", {}, 16384),
        ("arm64", "6.12.9-arm64-16k", {}, 16384),
        ("arm64", "6.8.0-45-generic164k", {}, None),
        ("ppc64le", "", {"elfgate.dev/page-size": "65536"}, 65536),
        ("arm64", "6.8.0-45-generic-64k", {"elfgate.dev/page-size": "4k"}, 4096),
        ("arm64", "6.8.0-45-generic-64k", {"elfgate.dev/page-size": "large"}, 65536),
    ],
)
def test_the_page_size_is_told_or_certain(
    architecture: str, kernel: str, labels: dict[str, str], page_size: int | None
) -> None:
    assert (
        read_node(node("a", architecture, kernel=kernel, labels=labels)).facts.page_size
        == page_size
    )


@pytest.mark.parametrize(
    ("kernel", "version"),
    [
        ("6.1.0-20-amd64", (6, 1, 0)),
        ("6.12-rc1", (6, 12, 0)),
        ("4.18.0-553.el8.x86_64", (4, 18, 0)),
        ("", None),
        ("fake", None),
    ],
)
def test_the_kernels_version_is_read_from_its_release(
    kernel: str, version: tuple[int, int, int] | None
) -> None:
    assert read_node(node("a", kernel=kernel)).facts.kernel == version


V3 = ("AESNI", "AVX", "AVX2", "FMA3")
V4 = (*V3, "AVX512F", "AVX512BW", "AVX512CD", "AVX512DQ", "AVX512VL")


@pytest.mark.parametrize(
    ("flags", "level"),
    [
        ((), None),
        (("AESNI", "AVX"), None),
        (V3, "x86-64-v3"),
        (("AVX", "AVX2", "FMA3"), None),
        ((*V3, "AVX512F"), None),
        (V4, "x86-64-v4"),
    ],
)
def test_the_cpu_level_follows_from_features_only_if_they_are_certain(
    flags: tuple[str, ...], level: str | None
) -> None:
    labels = {NFD + flag: "true" for flag in flags}

    assert read_node(node("a", labels=labels)).facts.cpu_level == level


def test_x86_features_tell_nothing_of_another_architecture() -> None:
    assert (
        read_node(node("a", "arm64", labels={NFD + flag: "true" for flag in V4})).facts.cpu_level
        is None
    )


def test_an_operator_may_tell_level_and_emulation() -> None:
    facts = read_node(
        node(
            "a",
            "ppc64le",
            labels={"elfgate.dev/cpu-level": "power9", "elfgate.dev/emulates": "amd64.arm64"},
        )
    ).facts

    assert facts.cpu_level == "power9"
    assert facts.emulates == {"amd64", "arm64"}


@pytest.mark.parametrize(
    "dump", [orjson.dumps, lambda obj: yaml.safe_dump(obj).encode()], ids=["json", "yaml"]
)
def test_what_kubectl_prints_is_read(dump: Any) -> None:
    printed = {"apiVersion": "v1", "kind": "List", "items": [node("a"), node("b", "arm64"), pod()]}

    assert [(item.name, str(item.platform)) for item in read_nodes(dump(printed))] == [
        ("a", "linux/amd64"),
        ("b", "linux/arm64"),
    ]


def test_what_the_api_answers_is_read() -> None:
    items = [{key: value for key, value in node("a").items() if key not in {"kind", "apiVersion"}}]

    assert (
        len(read_nodes(orjson.dumps({"apiVersion": "v1", "kind": "NodeList", "items": items}))) == 1
    )


def test_a_single_node_is_read() -> None:
    assert [item.name for item in read_nodes(orjson.dumps(node("a")))] == ["a"]


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (pod(), "n.json: there is no node in it"),
        ({"kind": "NodeList", "items": []}, "n.json: there is no node in it"),
        ({"kind": "Node", "metadata": {}}, "n.json: node: metadata.name: "),
        ({"kind": "Node"}, "n.json: node: metadata: "),
        ({**node("a"), "spec": []}, "n.json: node: spec: "),
        ({**node("a"), "spec": {"taints": [{"key": 1, "effect": "x"}]}}, "n.json: node: spec.taints.0.key: "),
        ({"kind": "List", "items": [node("a"), {"kind": "Node", "metadata": {"name": "b", "labels": {"x": 1}}}]},
         "n.json: items[1]: node: metadata.labels.x: "),
    ],
)  # fmt: skip
def test_what_is_no_node_is_refused_in_one_line(obj: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_nodes(orjson.dumps(obj), source="n.json")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_cluster_of_nodes_that_say_no_architecture_is_one() -> None:
    nameless = {"kind": "Node", "metadata": {"name": "a"}}
    assert [item.platform.architecture for item in read_nodes(orjson.dumps(nameless))] == [""]


def test_an_architecture_stands_for_any_node_of_it() -> None:
    [first, second] = nodes_of(["amd64", "linux/arm/v7", "amd64"])

    assert (first.platform, first.stand_in) == (Platform("linux", "amd64"), True)
    assert second.platform == Platform("linux", "arm", "v7")
    assert second.labels["kubernetes.io/arch"] == "arm"


@pytest.mark.parametrize("names", [[], ["x87_64"], ["linux/"]])
def test_an_unknown_architecture_is_refused(names: list[str]) -> None:
    with pytest.raises(InputError):
        nodes_of(names)


def a_list(*items: object, **metadata: str) -> bytes:
    return orjson.dumps({"kind": "NodeList", "metadata": metadata, "items": items})


def test_a_page_that_is_in_order_is_read_as_its_nodes_are_one_by_one() -> None:
    objs = [
        node("a", labels={"pool": "x"}, taints=[{"key": "k", "effect": "NoSchedule"}]),
        node("b", "ppc64le"),
    ]
    objs[0]["status"]["images"] = [{"names": ["a"], "sizeBytes": 5}]

    page = read_page(a_list(*objs, resourceVersion="7", **{"continue": "here"}))

    assert [read_node(item) for item in page.items] == [read_node(obj) for obj in objs]
    assert (page.version, page.position) == ("7", "here")


def test_a_node_that_is_not_in_order_does_not_hide_the_others_of_its_page() -> None:
    page = read_page(a_list({"metadata": {"name": 5}}, node("b"), resourceVersion="7"))

    with pytest.raises(InputError, match=r"metadata\.name"):
        read_node(page.items[0])
    assert read_node(page.items[1]) == read_node(node("b"))
    assert (page.version, page.position) == ("7", "")


def test_a_list_without_items_is_an_empty_page() -> None:
    assert list(read_page(b'{"metadata": {"resourceVersion": "7"}, "items": null}').items) == []


@pytest.mark.parametrize(
    "text", [b"[]", b'{"metadata": 5, "items": []}', b'{"metadata": {}, "items": 5}']
)
def test_what_is_no_list_of_nodes_is_one_clear_error(text: bytes) -> None:
    with pytest.raises(InputError, match="the answer"):
        read_page(text)
