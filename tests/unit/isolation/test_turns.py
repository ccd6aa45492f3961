"""Namespaces take turns; one that asks a lot waits behind itself."""

from elfgate.isolation.turns import Turns


def filled(*work: str, most: int = 20) -> Turns[str]:
    """A queue of work named by its namespace and a number."""
    turns: Turns[str] = Turns(most)
    for name in work:
        assert turns.put(name[0], name)
    return turns


def taken(turns: Turns[str]) -> list[str]:
    """All work in turn, each piece done before the next begins."""
    order = []
    while (turn := turns.take()) is not None:
        order.append(turn[1])
        turns.done(turn[0])
    return order


def test_namespaces_take_turns() -> None:
    assert taken(filled("a1", "a2", "a3", "b1", "c1", "b2")) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_a_namespace_with_work_under_way_comes_after_those_without() -> None:
    turns = filled("a1", "a2", "b1", "b2")
    assert [turn and turn[1] for turn in (turns.take(), turns.take())] == ["a1", "b1"]
    turns.done("b")
    assert turns.take() == ("b", "b2")
    assert turns.take() == ("a", "a2")
    assert turns.take() is None


def test_alone_a_namespace_may_have_all() -> None:
    turns = filled("a1", "a2")
    assert [turns.take(), turns.take()] == [("a", "a1"), ("a", "a2")]


def test_one_namespace_gets_half_of_the_room_and_the_next_finds_some() -> None:
    turns = filled("a1", "a2", most=4)
    assert not turns.put("a", "a3")
    assert turns.put("b", "b1")
    assert not turns.put("b", "b2")
    assert turns.take() == ("a", "a1")
    assert turns.put("b", "b2")


def test_what_is_full_takes_nothing() -> None:
    turns = filled("a1", "b1", most=2)
    assert not turns.put("c", "c1")


def test_the_namespace_without_a_name_takes_turns_too() -> None:
    turns: Turns[str] = Turns(10)
    for namespace, work in (("", "1"), ("", "2"), ("a", "3")):
        turns.put(namespace, work)
    assert taken(turns) == ["1", "3", "2"]
