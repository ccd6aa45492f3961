"""Addresses of names: in time, and so many at a time."""

import time

import pytest

from elfgate.images.names import Names


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("::1", "::1"),
        ("2130706433", "127.0.0.1"),
    ],
)
def test_an_address_is_its_own_however_it_is_written(host: str, address: str) -> None:
    """No name server is asked: it takes no time at all."""
    assert Names().addresses(host, 0) == (address,)


def test_a_name_is_looked_up_again_and_again() -> None:
    names = Names()
    for _ in range(40):  # more than one asker has at a time
        assert "127.0.0.1" in names.addresses("localhost", 10)


@pytest.mark.parametrize("host", ["a..example", "x" * 64 + ".example"])
def test_what_is_no_name_is_said_to_be_none(host: str) -> None:
    began = time.monotonic()
    with pytest.raises((OSError, UnicodeError)):
        Names().addresses(host, 60)
    assert time.monotonic() - began < 30
