"""The parser: nodes of scripts, and what is opaque."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elfgate.linkage.shell.syntax import nodes, word_nodes
from elfgate.linkage.shell.syntax.dialect import BASH, BUSYBOX, DASH, KSH
from elfgate.linkage.shell.syntax.parser import parse
from elfgate.linkage.shell.syntax.script import Script
from elfgate.linkage.work import Work, WorkExhaustedError

DIALECTS = (DASH, BUSYBOX, BASH, KSH)


def commands(script: Script, work: Work | None = None) -> list[nodes.Node]:
    found: list[nodes.Node] = []
    work = work or Work()
    while (node := script.command(len(found), work.spend_once)) is not None:
        found.append(node)
    return found


def kinds(text: str) -> list[str]:
    return [type(node).__name__ for node in commands(parse(text, BASH))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a; b & c\nd", ["Simple", "Background", "Simple", "Simple"]),
        ("a=() ; cd /x", ["Simple", "Simple"]),
        ("a=()\nf() { x; }", ["Simple", "Function"]),
        ("function f { x; }\nf", ["Function", "Simple"]),
        ("a && b || c | d", ["Chain"]),
        ("! a | b", ["Not"]),
        ("(( i++ ))", ["DoubleParenthesis"]),
        ("((a) | b)", ["Subshell"]),
        ("( (a) | b )", ["Subshell"]),
        ("[[ a && ( b || ! -f c ) ]]", ["DoubleBracket"]),
        ("while a; do b; done < c", ["Redirected"]),
        ("for ((;;)); do a; done", ["ForArithmetic"]),
        ("cat <<A <<B\na\nA\nb\nB\nx", ["Simple", "Simple"]),
        ("if a; then b", ["Opaque"]),
        ("a\n)", ["Simple", "Opaque"]),
    ],
)
def test_a_text_becomes_these_commands(text: str, expected: list[str]) -> None:
    assert kinds(text) == expected


def test_a_text_behind_a_carriage_return_keeps_it() -> None:
    (node,) = commands(parse("a b\r", DASH))
    assert isinstance(node, nodes.Simple)
    words = [word.literal for word in node.words if isinstance(word, word_nodes.Word)]
    assert words == ["a", "b\r"]


def test_an_expansion_that_is_not_understood_is_opaque_alone() -> None:
    (node,) = commands(parse('a "${x@Q}" b', BASH))
    assert isinstance(node, nodes.Simple)
    word = node.words[1]
    assert isinstance(word, word_nodes.Word)
    assert [type(part).__name__ for part in word.parts] == ["OpaquePart"]


_PIECES = (
    "if then else fi case esac in do done for while { } ( ) (( )) [[ ]] ;; ; & && || | ! < > <<"
    " <<< <( $( ${ $(( ` ' \" \\ $ # = += [ ] a b x= a=() $x ${x ${x} :- ## %% / ^ ~ * ?"
)
PIECES = st.sampled_from([*_PIECES.split(), "\n", "\t", " "])


@given(st.lists(PIECES, max_size=30), st.sampled_from(DIALECTS))
def test_any_text_is_parsed_without_an_error(pieces: list[str], dialect: object) -> None:
    assert dialect in DIALECTS
    for shell in DIALECTS:
        if shell is dialect:
            commands(parse(" ".join(pieces), shell))
            commands(parse("".join(pieces), shell))


LONG = [
    "$(",
    "${x:-",
    "`",
    "((",
    "a$((",
    "[[ ",
    "'",
    '"',
    "<<E\n",
    "a=(",
    "@(",
    "{a,",
    "\\",
    "$(((",
]


@pytest.mark.parametrize("piece", LONG)
def test_parsing_costs_work_in_proportion_to_the_text(piece: str) -> None:
    costs = []
    for size in (1 << 12, 1 << 14):
        work = Work(10**9)
        commands(parse(piece * (size // len(piece)), BASH), work)
        costs.append(10**9 - work.left)
    assert costs[1] <= 6 * costs[0] + 1000


def test_a_text_that_costs_too_much_can_be_parsed_with_more_work_later() -> None:
    text = "echo " + "word " * 5000
    with pytest.raises(WorkExhaustedError):
        commands(parse(text, BASH), Work(100))
    (node,) = commands(parse(text, BASH), Work(10**6))
    assert isinstance(node, nodes.Simple)
    assert len(node.words) == 5001
