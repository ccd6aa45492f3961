"""Requests of pods and offers of nodes: enough to tell that a node can never take a pod.

Sources: ``k8s.io/apimachinery/pkg/api/resource`` (quantities),
``k8s.io/component-helpers/resource`` (``PodRequests``: what the containers of a pod need together),
the scheduler's plug-in NodeResourcesFit.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache

from elfgate.cluster.part import Part

# What every node has some of; the amount is looked at, but does not tell kinds of nodes apart.
ROOM = ("cpu", "memory", "ephemeral-storage")

_QUANTITY = re.compile(
    r"([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30}))([eE][+-]?\d{1,2}|[A-Za-z]{0,2})"
)
_SUFFIXES = {
    "": Fraction(1),
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    **{letter: Fraction(10 ** (3 * power)) for power, letter in enumerate("kMGTPE", 1)},
    **{f"{letter}i": Fraction(1024**power) for power, letter in enumerate("KMGTPE", 1)},
}
_SIDECAR = "Always"
_HUGE_PAGES = "hugepages-"
_DEVICE_CLASS = "deviceclass.resource.kubernetes.io/"

Amounts = Mapping[str, int]  # in thousandths, by the resource's name


def is_extended(name: str) -> bool:
    """``IsDRAExtendedResourceName``.

    With a domain that is not Kubernetes' own, or a class of devices, for which the scheduler makes
    a claim.
    """
    domain, slash, _name = name.partition("/")
    foreign = bool(slash) and not domain.endswith("kubernetes.io")
    return foreign or name.startswith(_DEVICE_CLASS)


def is_device(name: str) -> bool:
    """Whether only some nodes offer any of it: an extended resource, or huge pages of some size."""
    return is_extended(name) or name.startswith(_HUGE_PAGES)


def thousandths(value: object) -> int | None:
    """A quantity in thousandths, rounded up; None if it is none."""
    if type(value) is int:
        return value * 1000
    return _read(value) if isinstance(value, str) else None


@lru_cache(1024)  # nodes of a kind say the same
def _read(text: str) -> int | None:
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        return None
    number, suffix = match.groups()
    if suffix[:1] in {"e", "E"} and len(suffix) > 1:
        factor = Fraction(10) ** int(suffix[1:])
    elif suffix in _SUFFIXES:
        factor = _SUFFIXES[suffix]
    else:
        return None
    return -int(-(Fraction(number) * factor * 1000) // 1)


def requests(spec: Part) -> Amounts:
    """Add up a pod's demands on its node, by resource.

    Init containers run one after the other and beside the sidecars before them; main containers and
    sidecars run together. A request that is not given is the limit. A claim of devices is not among
    it.

    Raises:
        InputError: if a part has a wrong type.
    """
    together, peak, beside = Counter[str](), Counter[str](), Counter[str]()
    for container in spec.get("initContainers").having("resources"):
        own = _requests(container)
        if container.get("restartPolicy").text() == _SIDECAR:
            beside += own
            peak |= beside
        else:
            peak |= beside + own
    for container in spec.get("containers").having("resources"):
        together += _requests(container)
    total = (together + beside) | peak
    of_pod = _requests(spec)
    total = Counter({**total, **of_pod})
    return total + _amounts(spec.get("overhead").mapping())


def devices(requested: Amounts) -> frozenset[str]:
    """The requested resources that only some nodes offer."""
    return frozenset(name for name, amount in requested.items() if amount and is_device(name))


def offered(allocatable: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
    """Read the devices and huge pages that a node offers, in thousandths, sorted.

    Devices that are out with 0.
    """
    amounts = {name: thousandths(value) for name, value in allocatable.items() if name not in ROOM}
    return tuple(
        sorted(
            (name, amount)
            for name, amount in amounts.items()
            if amount or (amount == 0 and is_extended(name))
        )
    )


def room(allocatable: Mapping[str, object]) -> tuple[int | None, ...]:
    """How much of each of ``ROOM`` a node has, in thousandths; None where it does not say."""
    return tuple(thousandths(allocatable.get(name)) for name in ROOM)


def widest(one: tuple[int | None, ...], other: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """The most of each that either has; None is no limit."""
    return tuple(
        None if left is None or right is None else max(left, right)
        for left, right in zip(one, other, strict=True)
    )


def _requests(container: Part) -> Counter[str]:
    resources = container.get("resources")
    limits = _amounts(resources.get("limits").mapping())
    return Counter({**limits, **_amounts(resources.get("requests").mapping())})


def _amounts(quantities: Mapping[str, object]) -> Counter[str]:
    pairs = ((name, thousandths(value)) for name, value in quantities.items())
    return Counter({name: amount for name, amount in pairs if amount is not None and amount > 0})


def fits(
    requested: Amounts,
    has_room: tuple[int | None, ...],
    has: Iterable[tuple[str, int]],
) -> bool:
    """Whether a node that has nothing else to do could take the pod."""
    of_node = dict(has)
    limits = dict(zip(ROOM, has_room, strict=True))
    for name, amount in requested.items():
        most = limits.get(name) if name in ROOM else of_node.get(name, 0)
        if most is not None and amount > most and (name in ROOM or is_device(name)):
            return False
    return True
