"""Nothing that a stranger or a tenant sends takes the webhook from others. ``make hostile``.

Each attack lasts ``HOSTILE_SECONDS``. What it cost another tenant is in ``build/hostile/table.txt``.
"""

import pytest

from support.hostile.attacks import ATTACKS, Attack
from support.hostile.site import Site
from support.hostile.trial import Cost, attempt


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_takes_nothing_from_another_tenant(
    replicas: Site, costs: list[Cost], attack: Attack
) -> None:
    cost = attempt(replicas, attack)
    costs.append(cost)
    assert cost.broken() == []
