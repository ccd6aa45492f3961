"""Which entry of an index a node pulls.

Sources: containerd/platforms (``Normalize``, ``platformVector``) and containerd's ``images.Manifest``, which takes the
first of the best-ranked entries and looks no further.
"""

from collections.abc import Iterable

from elfgate.images.source import Descriptor
from elfgate.platforms import Platform

_ARCHITECTURE_ALIASES = {"i386": "386", "x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}
_ARM_ALIASES = {"armhf": "v7", "armel": "v6"}
_VARIANT_ALIASES = {
    ("amd64", "v1"): "",
    ("arm64", "8"): "",
    ("arm64", "v8"): "",
    ("arm64", "v8.0"): "",
    ("arm64", "9"): "v9",
    ("arm64", "9.0"): "v9",
    ("arm64", "v9.0"): "v9",
    ("arm", ""): "v7",
    ("arm", "5"): "v5",
    ("arm", "6"): "v6",
    ("arm", "7"): "v7",
    ("arm", "8"): "v8",
}


def normalise(platform: Platform) -> Platform:
    """Write a platform the one way that containerd compares: ``linux/aarch64/v8`` is ``linux/arm64``."""
    name, variant = platform.architecture.lower(), platform.variant.lower()
    if name in _ARM_ALIASES:
        name, variant = "arm", _ARM_ALIASES[name]
    elif name == "i386":
        variant = ""
    name = _ARCHITECTURE_ALIASES.get(name, name)
    return Platform(platform.os.lower(), name, _VARIANT_ALIASES.get((name, variant), variant))


def accepted(node: Platform) -> tuple[Platform, ...]:
    """Every platform whose image a node of platform ``node`` takes, the best first, normalised."""
    node = normalise(node)
    pairs = [(node.architecture, node.variant)]
    if node.architecture == "amd64":
        pairs += [("amd64", f"v{level}") for level in _below(node.variant, 1)] + [("386", "")]
    elif node.architecture == "arm":
        pairs += [("arm", f"v{level}") for level in _below(node.variant, 5)]
    elif node.architecture == "arm64":
        pairs = [("arm64", variant) for variant in _arm64_variants(node.variant)]
        pairs += [("arm", f"v{level}") for level in (8, 7, 6, 5)] if pairs else []
    return tuple(normalise(Platform(node.os, *pair)) for pair in pairs)


def accepts(node: Platform, platform: Platform) -> bool:
    """Whether a node takes an image of that platform."""
    return normalise(platform) in accepted(node)


def choose(entries: Iterable[Descriptor], node: Platform) -> Descriptor | None:
    """The one entry that a node pulls, or None if there is none for it.

    An entry without a platform comes last; whether a node takes it is then told by its config (``accepts``).
    """
    ranks = {platform: rank for rank, platform in enumerate(accepted(node))}
    last = len(ranks)
    best: tuple[int, Descriptor] | None = None
    for entry in entries:
        rank = last if entry.platform is None else ranks.get(normalise(entry.platform))
        if rank is not None and (best is None or rank < best[0]):
            best = rank, entry
    return None if best is None else best[1]


def _below(variant: str, lowest: int) -> range:
    """The levels below ``variant`` (``v7``) down to ``lowest``."""
    level = variant.removeprefix("v")
    return range(int(level) - 1, lowest - 1, -1) if level.isdecimal() and len(level) < 3 else range(0)


def _arm64_variants(variant: str) -> list[str]:
    """``v9.x`` also runs ``v9.0…x`` and ``v8.0…x+5`` (at most 9), ``v8.x`` runs ``v8.0…x``; else nothing is known."""
    major, _, minor = (variant or "v8").partition(".")
    if major not in {"v8", "v9"} or not (minor or "0").isdecimal() or len(minor) > 1:
        return []
    newest = int(minor or "0")
    eighth = newest if major == "v8" else min(newest + 5, 9)
    ninth = [f"v9.{level}" for level in range(newest, -1, -1)] if major == "v9" else []
    return ninth + [f"v8.{level}" for level in range(eighth, -1, -1)]
