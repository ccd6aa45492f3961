"""Room that strangers share."""

from hypothesis import given
from hypothesis import strategies as st

from elfgate.server.shares import Shares


def test_one_alone_gets_half_and_leaves_something_for_whoever_comes_next() -> None:
    shares = Shares(100)
    assert sum(shares.take("flood") for _ in range(100)) == 50
    assert sum(shares.take("other") for _ in range(100)) == 25
    assert shares.take("third", 12)
    assert shares.largest() == "flood"


def test_what_is_given_back_can_be_had_again() -> None:
    shares = Shares(10)
    assert shares.take("a", 5)
    assert not shares.take("a")
    shares.give("a", 5)
    assert (shares.used, shares.held("a"), shares.largest()) == (0, 0, "")
    assert shares.take("a", 5)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 40)), max_size=60))
def test_never_more_is_held_than_there_is(wishes: list[tuple[str, int]]) -> None:
    shares = Shares(100)
    for peer, amount in wishes:
        shares.take(peer, amount)
    assert shares.used == sum(shares.held(peer) for peer in "abcd") <= 100
