"""Values travel as JSON and come back as they were; what is of another type is refused."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from elfgate.errors import UnknownReason
from elfgate.isolation.messages import Answer, Ask
from elfgate.isolation.typed import dumps, loads
from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.report import Code, Distro, Effect, Finding, Prediction, Step, Surveyed
from elfgate.platforms import Platform
from elfgate.scan.inquiry import Foreseen, Inquiry

FINDING = Finding(
    Code.LINKAGE_UNKNOWN, "/\udcff", 'a "word"', "", Effect.UNKNOWN, UnknownReason.PACKED
)
ASK = Ask(
    ("sha256:1", ""),
    ImageDefaults(("/a",), (), {"PATH": "/bin\udc80", "EMPTY": ""}, "/", "1:2"),
    Platform("linux", "arm", "v7"),
    Inquiry(
        Platform("linux", "arm", "v7"),
        Overrides(("b",), None, unknown_env=frozenset("ba"), groups=frozenset({3, 1})),
        NodeFacts(4096, "x86-64-v3", (6, 1, 0), frozenset({"arm64"}), "containerd", "btrfs"),
        explain=True,
    ),
)
ANSWERS = [
    Answer(missing=(0, 2)),
    Answer(
        foreseen=Foreseen(
            Prediction(("a",), (FINDING,), (Step("kernel", "x", "y"),), (2, 34)), Distro("a")
        )
    ),
    Answer(surveyed=(Surveyed("/a", (FINDING,)),)),
    Answer(damaged="layer index"),
    Answer(memory=True),
]


def test_a_question_comes_back_as_it_was() -> None:
    assert loads(Ask, dumps(ASK)) == ASK


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_comes_back_as_it_was(answer: Answer) -> None:
    assert loads(Answer, dumps(answer)) == answer


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"null", b"[]", b"{}", b"1", b"\xff", b"[" * 100_000, b'"' * 3, b"NaN"],
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        loads(Answer, data)


def test_an_answer_with_one_value_of_another_type_is_refused() -> None:
    strange = list(_changed(json.loads(dumps(ANSWERS[1]))))
    assert len(strange) > 20
    for answer in strange:
        with pytest.raises(ValueError, match=r".*"):
            loads(Answer, json.dumps(answer).encode())


def _changed(value: Any) -> Iterator[Any]:
    """The value with each of its parts in turn put into a list."""
    yield [value]
    for at, part in enumerate(value if isinstance(value, list) else ()):
        for other in _changed(part):
            yield [*value[:at], other, *value[at + 1 :]]
