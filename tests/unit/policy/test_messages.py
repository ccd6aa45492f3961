import pytest

from elfgate.policy import messages
from elfgate.policy.verdict import Verdict, Violation
from elfgate.printable import printable


def violation(headline: str, *lines: str, remedy: str = "") -> Violation:
    return Violation(code="loader_missing", headline=headline, lines=list(lines), remedy=remedy)


def verdict(
    *, denials: list[Violation] | None = None, warnings: list[Violation] | None = None
) -> Verdict:
    return Verdict(
        version=1, revision="r", allowed=not denials, denials=denials or [], warnings=warnings or []
    )


def test_a_denial_is_a_headline_its_lines_and_the_way_out() -> None:
    said = messages.denial(
        verdict(
            denials=[violation("a fails", "one", "two", remedy="do this"), violation("b fails")]
        )
    )
    assert said == "a fails:\n  one\n  two\n  do this\nb fails"


def test_a_warning_is_one_line_with_single_spaces() -> None:
    said = messages.warnings(
        verdict(warnings=[violation("a fails", "one  [code]", "two", remedy="do this")])
    )
    assert said == ["a fails: one [code], two; do this"]


def test_nothing_to_say_is_said_with_nothing() -> None:
    assert messages.denial(verdict()) == ""
    assert messages.warnings(verdict()) == []


def test_the_same_warning_is_given_once() -> None:
    assert messages.warnings(verdict(warnings=[violation("a"), violation("a")])) == ["a"]


@pytest.mark.parametrize(
    "hostile", ["a\nb", "\x1b[2J", "\x00", "\u202e", "\u2028", "\t", "\x7f", "\ue000"]
)
def test_what_does_not_print_is_written_out(hostile: str) -> None:
    found = violation(hostile, hostile, remedy=hostile)
    [warning] = messages.warnings(verdict(warnings=[found]))
    assert warning.isprintable()
    assert all(line.isprintable() for line in messages.denial(verdict(denials=[found])).split("\n"))
    assert len(messages.denial(verdict(denials=[found])).split("\n")) == 3


def test_other_scripts_are_left_as_they_are() -> None:
    assert printable("образ 图像 😀") == "образ 图像 😀"


def test_a_denial_of_a_thousand_containers_is_cut_and_counted() -> None:
    said = messages.denial(
        verdict(denials=[violation(f"c{number} fails", "x" * 100) for number in range(1000)])
    )
    shown = said.count(" fails:")
    assert len(said) < 20_000
    assert said.endswith(f"\nand {1000 - shown} more")


def test_a_sentence_longer_than_a_warning_is_told_in_its_clauses() -> None:
    head, long, last = "h" * 100, "x" * 60, "y" * 60
    said = messages.warnings(verdict(warnings=[violation(head, f"{long}; {last}")]))
    assert said == [head, f"this pod: {long}", f"this pod: {last}"]
