"""Colors: where they are wanted, and on which words."""

import io

import pytest

from elfgate.cli.color import paint, painter


class Terminal(io.StringIO):
    """A terminal, as far as a program can tell."""

    def isatty(self) -> bool:
        return True


RED, YELLOW, GREEN, BOLD, END = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[1m", "\x1b[0m"


@pytest.mark.parametrize(
    ("when", "stream", "environment", "is_wanted"),
    [
        ("auto", Terminal(), {}, True),
        ("auto", io.StringIO(), {}, False),
        ("auto", Terminal(), {"NO_COLOR": "1"}, False),
        ("auto", Terminal(), {"NO_COLOR": ""}, True),
        ("auto", Terminal(), {"TERM": "dumb"}, False),
        ("auto", io.StringIO(), {"FORCE_COLOR": "1"}, True),
        ("auto", io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("always", io.StringIO(), {"NO_COLOR": "1"}, True),
        ("never", Terminal(), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colors_are_where_they_are_wanted(
    when: str, stream: io.StringIO, environment: dict[str, str], is_wanted: bool
) -> None:
    text = "pod.yaml:1: Pod shop/web: denied\n"
    painted = painter(when, stream, environment)(text)
    assert (painted != text) is is_wanted


def test_a_verdict_is_colored_by_its_meaning() -> None:
    assert paint("a.yaml:1: Pod web: denied") == f"a.yaml:1: Pod web: {RED}denied{END}"
    assert paint("a.yaml:1: Pod web: admitted") == f"a.yaml:1: Pod web: {GREEN}admitted{END}"
    assert paint("linux/arm64  unknown       x") == f"linux/arm64  {YELLOW}unknown{END}       x"
    assert paint("  would be denied: web") == f"  {YELLOW}would be denied{END}: web"
    assert paint("cannot start:\n") == f"{RED}cannot start{END}:\n"


def test_a_code_is_bold() -> None:
    assert paint("needs libz.so.1  [library_missing]") == (
        f"needs libz.so.1  {BOLD}[library_missing]{END}"
    )


def test_a_sentence_has_no_color() -> None:
    sentence = "web (example/app:2) cannot start on ppc64le, and is unknown to nobody that starts\n"
    assert paint(sentence) == sentence
