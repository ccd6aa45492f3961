"""Parers are killed when they take too much, and nothing that they say is believed unread."""

from collections.abc import Iterator

import pytest

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.isolation.children import Zygote
from elfgate.isolation.figures import Figures
from elfgate.isolation.paring import Paring
from support.control_plane import until

from .test_pool import children, descriptors

DEEDS = (
    "match for ever",
    "answer with a gigabyte",
    "end within a frame",
    "answer with garbage",
    "fail with garbage",
    "end",
    "open a file",
    "crash",
)
SWELLS = b'{"layers":[' + b"[]," * 5_000_000 + b"[]]}"  # 300 MB of objects, and their copies


@pytest.fixture(scope="module")
def conquered() -> Iterator[Zygote]:
    zygote = Zygote("support.conquered")
    yield zygote
    zygote.close()


def refusal(paring: Paring, data: bytes, what: str) -> UnreadableError:
    with pytest.raises(UnreadableError) as raised:
        paring.document(data, what)
    return raised.value


@pytest.mark.parametrize("deed", DEEDS)
def test_a_conquered_parer_is_ended(conquered: Zygote, deed: str) -> None:
    figures = Figures()
    conquered.start()
    before = descriptors()
    error = refusal(Paring(conquered, figures.killed), b"{}", deed)
    assert error.reason is UnknownReason.LIMIT_EXCEEDED
    assert figures.kills == {"ended": 1}
    assert descriptors() <= before
    until(lambda: not children(conquered), "a child lives on")


def test_a_document_that_swells_ends_for_want_of_memory() -> None:
    figures, zygote = Figures(), Zygote()
    error = refusal(Paring(zygote, figures.killed), SWELLS, "it")
    zygote.close()
    assert error.reason is UnknownReason.LIMIT_EXCEEDED
    assert sum(figures.kills.values()) == 1


def test_where_no_process_is_to_be_had_nothing_is_known() -> None:
    zygote = Zygote("support.no_such_module")
    error = refusal(Paring(zygote, Figures().killed), b"{}", "it")
    zygote.close()
    assert error.reason is UnknownReason.NOT_SCANNED
