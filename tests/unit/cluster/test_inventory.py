from typing import Any

from elfgate.cluster.inventory import OTHER, Inventory
from elfgate.cluster.nodes import Node, read_node
from support.objects import node


def read(name: str, **fields: Any) -> Node:
    return read_node(node(name, **fields))


def test_nodes_that_differ_only_by_hostname_are_one_kind() -> None:
    inventory = Inventory(read(f"n{number}") for number in range(100))

    [kind] = inventory.kinds()

    assert len(kind.members) == len(inventory) == 100
    assert kind.labels["kubernetes.io/hostname"] == OTHER
    assert kind.own_labels("n7") == {"kubernetes.io/hostname": "n7"}
    assert kind.labels_of("n7")["kubernetes.io/arch"] == "amd64"
    assert kind.first_names == ("n0", "n1", "n10", "n11")


def test_what_a_selector_could_ask_makes_another_kind() -> None:
    inventory = Inventory(
        [
            read("a"),
            read("b", labels={"pool": "x"}),
            read("c", taints=[{"key": "k", "effect": "NoSchedule"}]),
            read("d", unschedulable=True),
            read("e", kernel="6.9.0"),
            read("f", architecture="arm64"),
        ]
    )

    assert len(list(inventory.kinds())) == 6


def test_a_label_with_very_many_values_does_not_make_kinds() -> None:
    inventory = Inventory(
        read(f"n{number}", labels={"serial": str(number), "pool": str(number % 2)})
        for number in range(600)
    )

    assert len(list(inventory.kinds())) == 2
    assert inventory.tells_apart("serial")
    assert not inventory.tells_apart("pool")
    assert list(inventory.named("serial", "400")) == ["n400"]


def test_nodes_that_share_a_name_s_label_are_all_found_until_they_go() -> None:
    inventory = Inventory(read(name, labels={"kubernetes.io/hostname": "same"}) for name in "abc")

    found = []
    for name in ("a", "c", "b"):
        found.append(sorted(inventory.named("kubernetes.io/hostname", "same")))
        inventory.remove(name)

    assert found == [["a", "b", "c"], ["b", "c"], ["b"]]
    assert not list(inventory.named("kubernetes.io/hostname", "same"))


def test_a_changed_node_moves_to_its_new_kind() -> None:
    inventory = Inventory([read("a"), read("b")])

    inventory.upsert(read("b", labels={"pool": "x"}))

    assert sorted(tuple(kind.members) for kind in inventory.kinds()) == [("a",), ("b",)]
    assert len(inventory) == 2


def test_removing_the_last_node_of_a_kind_removes_the_kind() -> None:
    inventory = Inventory([read("a"), read("b", labels={"pool": "x"})])

    inventory.remove("b")
    inventory.remove("never-there")

    assert [tuple(kind.members) for kind in inventory.kinds()] == [("a",)]
    assert inventory.kind_of("b") is None


def test_the_first_names_follow_every_change() -> None:
    inventory = Inventory(read(f"n{number}") for number in range(1, 7))
    [kind] = inventory.kinds()
    assert kind.first_names == ("n1", "n2", "n3", "n4")

    inventory.remove("n2")
    assert kind.first_names == ("n1", "n3", "n4", "n5")

    inventory.upsert(read("n0"))
    assert kind.first_names == ("n0", "n1", "n3", "n4")

    inventory.upsert(read("n9"))
    assert kind.first_names == ("n0", "n1", "n3", "n4")


def test_the_first_names_grow_while_there_are_few() -> None:
    inventory = Inventory([read("a")])
    [kind] = inventory.kinds()
    before = kind.first_names

    inventory.upsert(read("b"))

    assert [before, kind.first_names] == [("a",), ("a", "b")]


def test_another_inventory_replaces_everything() -> None:
    inventory = Inventory([read("a"), read("b")])

    inventory.take(Inventory([read("c")]))

    assert [tuple(kind.members) for kind in inventory.kinds()] == [("c",)]
    assert not list(inventory.named("kubernetes.io/hostname", "a"))
