"""Node selectors, exactly as Kubernetes evaluates them.

Sources: ``k8s.io/component-helpers/scheduling/corev1/nodeaffinity`` (terms; a term that cannot be
parsed, or is empty, matches nothing), ``k8s.io/apimachinery/pkg/labels`` (the operators, and what a
valid requirement is).
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from elfgate.cluster.part import Part

NODE_NAME_FIELD = "metadata.name"
HOSTNAME_LABEL = "kubernetes.io/hostname"

_LABEL_VALUE = re.compile(r"(?:(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_LABEL_NAME = re.compile(r"(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_DNS_SUBDOMAIN = re.compile(
    r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*"
)
_INTEGER = re.compile(r"[+-]?[0-9]{1,63}")  # a label's value has no more characters


@dataclass(frozen=True, slots=True)
class Requirement:
    """One expression: ``key operator values``."""

    key: str
    operator: str
    values: tuple[str, ...] = ()
    _values: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepare to be held against many nodes: there may be a hundred thousand values."""
        object.__setattr__(self, "_values", frozenset(self.values))

    @property
    def valid(self) -> bool:
        """Kubernetes accepts it in a label selector (``labels.NewRequirement``)."""
        counts = {"Exists": (0, 0), "DoesNotExist": (0, 0), "Gt": (1, 1), "Lt": (1, 1)}
        least, most = counts.get(self.operator, (1, len(self.values)))
        return (
            self.operator in {"In", "NotIn", *counts}
            and least <= len(self.values) <= most
            and _is_label_key(self.key)
            and all(len(value) <= 63 and _LABEL_VALUE.fullmatch(value) for value in self.values)
            and (self.operator not in {"Gt", "Lt"} or int64(self.values[0]) is not None)
        )

    def matches(self, value: str | None) -> bool:
        """Whether a label with this value meets the requirement.

        The value is None if the node does not have the label.
        """
        match self.operator:
            case "In":
                return value in self._values
            case "NotIn":
                return value not in self._values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case _:
                return self._compares(value)

    def _compares(self, value: str | None) -> bool:
        has, wanted = int64(value or ""), int64(self.values[0])
        if has is None or wanted is None:
            return False
        return has > wanted if self.operator == "Gt" else has < wanted


@dataclass(frozen=True, slots=True)
class Term:
    """A NodeSelectorTerm: all of its requirements must hold.

    Attributes:
        labels: ``matchExpressions``.
        fields: ``matchFields``.
        valid: False for a term that matches nothing: it is empty, or Kubernetes cannot parse it.
    """

    labels: tuple[Requirement, ...]
    fields: tuple[Requirement, ...]
    valid: bool

    def names(self, keys: AbstractSet[str]) -> bool:
        """It lists the values that a label or field of ``keys`` may have."""
        return any(
            item.operator == "In" and item.key in keys for item in (*self.labels, *self.fields)
        )

    def matches(self, name: str, labels: Mapping[str, str], *, stand_in: bool) -> bool:
        """Whether a node meets the term.

        Args:
            name: The node's.
            labels: The node's.
            stand_in: The node stands for any of its platform: what is not known of it counts as
                met.
        """
        return (
            self.valid
            and all(_holds(requirement, labels, stand_in=stand_in) for requirement in self.labels)
            and (
                stand_in
                or all(
                    item.matches(name if item.key == NODE_NAME_FIELD else "")
                    for item in self.fields
                )
            )
        )


def read_term(part: Part) -> Term:
    """Read a NodeSelectorTerm.

    Raises:
        InputError: if a part has a wrong type.
    """
    labels = tuple(_read_requirement(item) for item in part.get("matchExpressions").items())
    fields = tuple(_read_requirement(item) for item in part.get("matchFields").items())
    # A field takes exactly one value, and no other operators
    # (nodeSelectorRequirementsAsFieldSelector).
    fields_valid = all(
        item.operator in {"In", "NotIn"} and len(item.values) == 1 for item in fields
    )
    valid = bool(labels or fields) and fields_valid and all(item.valid for item in labels)
    return Term(labels, fields, valid)


def int64(text: str) -> int | None:
    """Go's ``strconv.ParseInt(text, 10, 64)``; None where that is an error."""
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def _holds(requirement: Requirement, labels: Mapping[str, str], *, stand_in: bool) -> bool:
    value = labels.get(requirement.key)
    return (stand_in and value is None) or requirement.matches(value)


def _read_requirement(part: Part) -> Requirement:
    return Requirement(
        part.get("key").text(), part.get("operator").text(), part.get("values").strings()
    )


def _is_label_key(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    return (
        len(name) <= 63
        and _LABEL_NAME.fullmatch(name) is not None
        and (not slash or (len(prefix) <= 253 and _DNS_SUBDOMAIN.fullmatch(prefix) is not None))
    )
