"""How long exemptions hold still, for whoever has to renew or drop them."""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

SOON = timedelta(days=30)


class Validity(StrEnum):
    """The standing of an exemption on a day."""

    HOLDS = "holds"
    SOON = "ends soon"
    GRACE = "warns"
    ENDED = "ended"


def validity(exemption: Mapping[str, Any], today: date) -> Validity:
    """Tell how an exemption stands on a day.

    Args:
        exemption: It, as policies read it (``policy.config.Exemption.data``).
        today: The day, in UTC as policies have it.
    """
    expires, ends = (date.fromisoformat(exemption[key]) for key in ("expires", "ends"))
    if today > ends:
        return Validity.ENDED
    if today > expires:
        return Validity.GRACE
    return Validity.SOON if expires - today <= SOON else Validity.HOLDS
