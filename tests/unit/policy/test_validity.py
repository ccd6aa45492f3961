"""How long an exemption holds, at each of its boundaries."""

from datetime import date

import pytest

from elfgate.policy.validity import validity

EXEMPTION = {"expires": "2026-06-30", "ends": "2026-07-14"}


@pytest.mark.parametrize(
    ("today", "state"),
    [
        ("2026-05-30", "holds"),
        ("2026-05-31", "ends soon"),
        ("2026-06-30", "ends soon"),
        ("2026-07-01", "warns"),
        ("2026-07-14", "warns"),
        ("2026-07-15", "ended"),
    ],
)
def test_an_exemption_holds_ends_soon_warns_and_has_ended(today: str, state: str) -> None:
    assert validity(EXEMPTION, date.fromisoformat(today)) == state
