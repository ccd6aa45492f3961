import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elfgate.cluster.expansion import ANY_NAME, Environment, Room
from elfgate.cluster.part import Part
from elfgate.errors import InputError


def environment(*env: dict[str, object], env_from: list[object] | None = None) -> Environment:
    return Environment(Part({"env": list(env), "envFrom": env_from}), Room())


def literal(name: str, value: str) -> dict[str, object]:
    return {"name": name, "value": value}


SECRET = {"secretKeyRef": {"name": "s", "key": "k"}}


# The cases of Kubernetes' own TestMapping (third_party/forked/golang/expansion/expand_test.go), by their rules.
@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("$(A)", "a"),
        ("x$(A)y$(A)", "xaya"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$a"),
        ("$$$$(A)", "$$(A)"),
        ("$(MISSING)", "$(MISSING)"),
        ("$(EMPTY)", ""),
        ("$(A", "$(A"),
        ("$A", "$A"),
        ("$", "$"),
        ("$$", "$"),
        ("$($$(A))", "$($$(A))"),
        ("$()", "$()"),
        ("$(A))", "a)"),
        ("$x$(A)", "$xa"),
        ("$($$", "$($"),
    ],
)
def test_references_expand_as_in_kubernetes(text: str, expanded: str) -> None:
    variables = environment(literal("A", "a"), literal("EMPTY", ""))

    assert variables.arguments([text]) == (expanded,)
    assert not variables.unknown


def _expand_as_go_does(text: str, values: dict[str, str]) -> str:
    """expand.go, step by step: the other way to write it, to compare with."""
    out, cursor = [], 0
    while cursor < len(text):
        if text[cursor] != "$" or cursor + 1 == len(text):
            out.append(text[cursor])
            cursor += 1
            continue
        following = text[cursor + 1]
        close = text.find(")", cursor + 2)
        if following == "(" and close >= 0:
            name = text[cursor + 2 : close]
            out.append(values.get(name, f"$({name})"))
            cursor = close + 1
        else:
            out.append("$" if following == "$" else "$" + following)
            cursor += 2
    return "".join(out)


@given(st.text(alphabet="$()AB x", max_size=24))
def test_any_text_expands_as_the_step_by_step_way_does(text: str) -> None:
    values = {"A": "1", "B": "$(A)"}
    variables = environment(literal("A", "1"), literal("B", "$$(A)"))

    assert variables.arguments([text]) == (_expand_as_go_does(text, values),)


def test_a_variable_sees_only_those_before_it() -> None:
    variables = environment(literal("B", "$(A)"), literal("A", "a"), literal("C", "$(A)"))

    assert variables.values == {"B": "$(A)", "A": "a", "C": "a"}


def test_a_later_variable_replaces_an_earlier_one_of_its_name() -> None:
    variables = environment(literal("A", "first"), literal("A", "$(A), then second"))

    assert variables.values == {"A": "first, then second"}


def test_a_value_from_elsewhere_is_unknown_and_so_is_what_is_made_of_it() -> None:
    variables = environment(
        {"name": "A", "valueFrom": SECRET}, literal("LD_LIBRARY_PATH", "$(A)/lib")
    )

    assert variables.values == {}
    assert variables.unknown == {"A", "LD_LIBRARY_PATH"}


def test_a_literal_value_outranks_where_else_it_might_come_from() -> None:
    variables = environment({"name": "A", "value": "a", "valueFrom": SECRET})

    assert variables.values == {"A": "a"}
    assert not variables.unknown


def test_a_known_value_makes_an_unknown_name_known_again() -> None:
    variables = environment({"name": "A", "valueFrom": SECRET}, literal("A", "a"))

    assert variables.values == {"A": "a"}
    assert not variables.unknown


def test_an_argument_of_unknown_value_stays_as_written() -> None:
    variables = environment({"name": "A", "valueFrom": SECRET})

    assert variables.arguments(["$(A)/bin/web"]) == ("$(A)/bin/web",)
    assert variables.unknown == {"A"}


def test_env_from_makes_every_other_name_unknown() -> None:
    variables = environment(literal("A", "a"), env_from=[{"configMapRef": {"name": "c"}}])

    assert variables.arguments(["$(A)", "$(B)"]) == ("a", "$(B)")
    assert variables.unknown == {ANY_NAME, "B"}


@pytest.mark.parametrize(
    "name", ["SHOP_SERVICE_HOST", "SHOP_SERVICE_PORT", "SHOP_PORT_80_TCP_ADDR", "SHOP_PORT"]
)
def test_a_service_link_is_unknown(name: str) -> None:
    variables = environment()

    variables.arguments([f"$({name})"])

    assert variables.unknown == {name}


def test_variables_that_double_one_another_end_as_unknown() -> None:
    doubling = [
        literal("A0", "x" * 100),
        *(literal(f"A{n}", f"$(A{n - 1})" * 2) for n in range(1, 200)),
    ]

    variables = environment(*doubling)

    assert "A199" in variables.unknown
    assert sum(map(len, variables.values.values())) < 4 << 20


def test_many_unclosed_references_take_linear_time() -> None:
    variables = environment(literal("A", "a"))
    text = "$(" * 500_000

    started = time.process_time()
    assert variables.arguments([text]) == (text,)

    assert time.process_time() - started < 2


def test_a_text_of_more_references_than_anybody_writes_stays_as_written_and_is_unknown() -> None:
    variables = environment(literal("A", "a"))
    text = "$(A)" * 700_000

    assert variables.words([text, "b", "$(A)"]) == ((text, "b", "$(A)"), frozenset({0, 2}))
    assert ANY_NAME in variables.unknown


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"env": {}}, "env is not a list"),
        ({"env": ["A=a"]}, r"env\[0\] is not an object"),
        ({"env": [{"name": "A", "value": 1}]}, r"env\[0\]\.value is not a string"),
        ({"env": [{"name": ["A"]}]}, r"env\[0\]\.name is not a string"),
        ({"envFrom": "c"}, "envFrom is not a list"),
    ],
)
def test_a_wrong_shape_is_named(container: object, message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}$"):
        Environment(Part(container), Room())
