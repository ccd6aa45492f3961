"""Taints and tolerations, exactly as Kubernetes compares them.

Source: ``ToleratesTaint`` in ``k8s.io/api/core/v1/toleration.go`` (1.36). Its numeric operators Lt
and Gt are behind a feature gate; where that is off the API server accepts no object that uses them,
so they always count here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from elfgate.cluster.part import Part
from elfgate.cluster.selector import int64

NO_SCHEDULE = "NoSchedule"
NO_EXECUTE = "NoExecute"

_CANONICAL_INTEGER = re.compile(r"0|-?[1-9][0-9]*")


@dataclass(frozen=True, slots=True, order=True)
class Taint:
    """A taint: it keeps pods away from a node."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True)
class Toleration:
    """A toleration: it lets a pod on to a tainted node."""

    key: str
    operator: str
    value: str
    effect: str

    def tolerates(self, taint: Taint) -> bool:
        """Whether it tolerates a taint.

        An empty effect stands for every effect, an empty key for every key, and an empty operator
        for Equal.
        """
        if self.effect not in {"", taint.effect} or self.key not in {"", taint.key}:
            return False
        match self.operator:
            case "" | "Equal":
                return self.value == taint.value
            case "Exists":
                return True
            case "Lt" | "Gt":
                return self._compares(taint.value)
            case _:
                return False

    def _compares(self, taint_value: str) -> bool:
        wanted, has = _canonical(self.value), _canonical(taint_value)
        if wanted is None or has is None:
            return False
        return has < wanted if self.operator == "Lt" else has > wanted


def read_tolerations(part: Part) -> tuple[Toleration, ...]:
    """Read a list of tolerations.

    Raises:
        InputError: if a part has a wrong type.
    """
    return tuple(
        Toleration(*(item.get(name).text() for name in ("key", "operator", "value", "effect")))
        for item in part.items()
    )


def tolerated(
    taints: Iterable[Taint], tolerations: tuple[Toleration, ...], effects: frozenset[str]
) -> bool:
    """Whether each taint with one of these effects is tolerated."""
    return all(
        any(toleration.tolerates(taint) for toleration in tolerations)
        for taint in taints
        if taint.effect in effects
    )


def _canonical(text: str) -> int | None:
    """``content.IsDecimalInteger`` and then ParseInt: no plus sign, no leading zero."""
    return int64(text) if _CANONICAL_INTEGER.fullmatch(text) else None
