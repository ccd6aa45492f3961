import pytest

from elfgate.cluster.part import Part
from elfgate.cluster.selector import Requirement, Term, int64, read_term
from elfgate.errors import InputError
from support.objects import term

LABELS = {"arch": "amd64", "cores": "8", "empty": ""}


def matches(
    *expressions: tuple[str, str, list[str]], fields: tuple[tuple[str, str, list[str]], ...] = ()
) -> bool:
    return read_term(Part(term(*expressions, fields=fields))).matches(
        "node-1", LABELS, stand_in=False
    )


@pytest.mark.parametrize(
    ("key", "operator", "values", "expected"),
    [
        ("arch", "In", ["arm64", "amd64"], True),
        ("arch", "In", ["arm64"], False),
        ("gone", "In", ["amd64"], False),
        ("empty", "In", [""], True),
        ("gone", "In", [""], False),
        ("arch", "NotIn", ["arm64"], True),
        ("arch", "NotIn", ["amd64"], False),
        ("gone", "NotIn", ["amd64"], True),
        ("arch", "Exists", [], True),
        ("gone", "Exists", [], False),
        ("arch", "DoesNotExist", [], False),
        ("gone", "DoesNotExist", [], True),
        ("cores", "Gt", ["7"], True),
        ("cores", "Gt", ["8"], False),
        ("cores", "Lt", ["9"], True),
        ("cores", "Lt", ["8"], False),
        ("arch", "Gt", ["0"], False),
        ("gone", "Lt", ["9"], False),
    ],
)
def test_each_operator_does_as_in_kubernetes(
    key: str, operator: str, values: list[str], *, expected: bool
) -> None:
    assert matches((key, operator, values)) is expected


def test_the_requirements_of_a_term_must_all_hold() -> None:
    assert matches(("arch", "Exists", []), ("cores", "Gt", ["7"]))
    assert not matches(("arch", "Exists", []), ("cores", "Gt", ["9"]))


def test_an_empty_term_matches_nothing() -> None:
    assert not matches()


@pytest.mark.parametrize(
    "requirement",
    [
        Requirement("arch", "In"),
        Requirement("arch", "NotIn"),
        Requirement("arch", "Exists", ("x",)),
        Requirement("cores", "Gt", ("1", "2")),
        Requirement("cores", "Gt"),
        Requirement("cores", "Gt", ("many",)),
        Requirement("cores", "Lt", (str(2**63),)),
        Requirement("arch", "in", ("amd64",)),
        Requirement("arch", "", ("amd64",)),
        Requirement("", "Exists"),
        Requirement("a/b/c", "DoesNotExist"),
        Requirement("UPPER.example/x", "DoesNotExist"),
        Requirement("/x", "DoesNotExist"),
        Requirement("x" * 64, "DoesNotExist"),
        Requirement("arch", "In", ("amd64", "not valid")),
        Requirement("arch", "NotIn", ("x" * 64,)),
        Requirement("arch", "NotIn", ("x\n",)),
    ],
)
def test_a_term_that_kubernetes_cannot_parse_matches_nothing(requirement: Requirement) -> None:
    row = (requirement.key, requirement.operator, list(requirement.values))

    assert not matches(row)
    assert not matches(row, ("arch", "Exists", []))


def test_a_field_is_the_nodes_name() -> None:
    assert matches(fields=(("metadata.name", "In", ["node-1"]),))
    assert not matches(fields=(("metadata.name", "In", ["node-2"]),))
    assert matches(fields=(("metadata.name", "NotIn", ["node-2"]),))
    assert not matches(("arch", "In", ["arm64"]), fields=(("metadata.name", "In", ["node-1"]),))


@pytest.mark.parametrize(
    ("operator", "values"),
    [("In", []), ("In", ["node-1", "node-2"]), ("Exists", []), ("Gt", ["1"])],
)
def test_a_field_takes_one_value_and_no_other_operator(operator: str, values: list[str]) -> None:
    assert not matches(fields=(("metadata.name", operator, values),))


def test_a_stand_in_meets_what_is_not_known_of_it() -> None:
    selector: Term = read_term(Part(term(("pool", "In", ["power"]), ("arch", "In", ["amd64"]))))

    assert selector.matches("any", {"arch": "amd64"}, stand_in=True)
    assert not selector.matches("any", {"arch": "arm64"}, stand_in=True)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0), ("-1", -1), ("+7", 7), ("007", 7), (str(2**63 - 1), 2**63 - 1), (str(-(2**63)), -(2**63)),
        (str(2**63), None), ("9" * 5000, None), ("", None), ("1.0", None), ("1_0", None), (" 1", None), ("0x1", None),
        ("٣", None),
    ],
)  # fmt: skip
def test_integers_are_those_of_go(text: str, number: int | None) -> None:
    assert int64(text) == number


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([], "the document is not an object"),
        ({"matchExpressions": {}}, "matchExpressions is not a list"),
        ({"matchExpressions": [{"values": [1]}]}, "matchExpressions[0].values[0] is not a string"),
        ({"matchFields": ["x"]}, "matchFields[0] is not an object"),
    ],
)  # fmt: skip
def test_a_wrong_shape_is_named(shape: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_term(Part(shape))
    assert str(caught.value) == message
