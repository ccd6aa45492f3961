"""What was found before, and inputs changed by chance from a fixed seed. ``make fuzz`` runs for longer."""

import random

import pytest

from support.fuzzing import LARGEST, TARGETS, Watched, found_before, seeds

INPUTS = 250
ODD = (
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\xff" * 8,
    b"\x7fELF",
    b"/",
    b"..",
    b"\n",
    b"\x80",
    b"$(",
    b"\0\0\0\x01",
)


@pytest.mark.parametrize("name", TARGETS)
def test_inputs_found_before_keep_every_promise(name: str) -> None:
    watched = Watched(name)
    for data in found_before(name):
        watched(data)


@pytest.mark.parametrize("name", TARGETS)
def test_changed_inputs_keep_every_promise(name: str) -> None:
    watched, chance, originals = Watched(name), random.Random(name), seeds(name)  # noqa: S311
    for _ in range(INPUTS):
        watched(changed(chance, chance.choice(originals), chance.choice(originals)))


def changed(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """``data`` with some bytes replaced, put in, left out, doubled or taken from ``other``."""
    new = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at, size = chance.randrange(len(new) + 1), chance.choice((1, 2, 4, 8, 64))
        piece = chance.choice(
            (chance.randbytes(size), chance.choice(ODD), bytes(new[at : at + size]) * 3, other[at:])
        )
        new[at : at + chance.choice((0, len(piece), size))] = piece
    return bytes(new[:LARGEST])
