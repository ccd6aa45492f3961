import pytest

from elfgate.cluster.taints import Taint, Toleration, tolerated

DEDICATED = Taint("dedicated", "power", "NoSchedule")


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        (Toleration("dedicated", "Equal", "power", "NoSchedule"), True),
        (Toleration("dedicated", "", "power", ""), True),
        (Toleration("dedicated", "Equal", "other", ""), False),
        (Toleration("dedicated", "Exists", "", ""), True),
        (Toleration("dedicated", "Exists", "other", ""), True),
        (Toleration("", "Exists", "", ""), True),
        (Toleration("", "Equal", "power", ""), True),
        (Toleration("", "Exists", "", "NoExecute"), False),
        (Toleration("other", "Exists", "", ""), False),
        (Toleration("dedicated", "exists", "", ""), False),
    ],
)
def test_a_toleration_tolerates_as_in_kubernetes(toleration: Toleration, *, expected: bool) -> None:
    assert toleration.tolerates(DEDICATED) is expected


@pytest.mark.parametrize(
    ("operator", "wanted", "has", "expected"),
    [
        ("Lt", "950", "900", True),
        ("Lt", "900", "900", False),
        ("Gt", "-1", "0", True),
        ("Gt", "0", "0", False),
        ("Gt", "0900", "999", False),
        ("Gt", "0", "+1", False),
        ("Gt", "0", "-0", False),
        ("Lt", "1", "", False),
        ("Gt", "0", str(2**63), False),
    ],
)
def test_numbers_are_compared_in_canonical_form_only(
    operator: str, wanted: str, has: str, *, expected: bool
) -> None:
    assert (
        Toleration("sla", operator, wanted, "").tolerates(Taint("sla", has, "NoSchedule"))
        is expected
    )


def test_every_taint_with_one_of_the_effects_must_be_tolerated() -> None:
    taints = (DEDICATED, Taint("slow", "", "PreferNoSchedule"), Taint("gone", "", "NoExecute"))
    mine = (Toleration("dedicated", "Exists", "", ""),)

    assert tolerated(taints, mine, frozenset({"NoSchedule"}))
    assert not tolerated(taints, mine, frozenset({"NoSchedule", "NoExecute"}))
    assert tolerated((), (), frozenset({"NoSchedule"}))
