"""Which entry of an index a node pulls, as its container runtime chooses.

Sources: containerd/platforms (``Normalize``, ``platformVector``) and containerd's
``images.Manifest``, which takes the first of the best-ranked entries and looks no further; Docker
chooses by the same package. For CRI-O, containers/image: ``WantedPlatforms`` and
``MatchesPlatform`` (names are compared as written), ``OCI1Index.chooseInstance`` (of equals the
zstd one; an entry without a platform last, whatever its config says).

A node whose runtime is not known is taken for one with containerd: of what indexes say, that
accepts all that CRI-O does, so that nothing is called missing which a node would have pulled.
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

CRI_O = "cri-o"  # as a node's containerRuntimeVersion begins
# What CRI-O finds the CPU to be where nothing more is known of the node, and what it then takes,
# the best first.
_CRI_O_VARIANTS = {"arm": ("v7", "v6", "v5"), "arm64": ("v8",)}
ZSTD = ("io.github.containers.compression.zstd", "true")


def normalise(platform: Platform) -> Platform:
    """Write a platform the one way that containerd compares.

    ``linux/aarch64/v8`` is ``linux/arm64``.
    """
    name, variant = platform.architecture.lower(), platform.variant.lower()
    if name in _ARM_ALIASES:
        name, variant = "arm", _ARM_ALIASES[name]
    elif name == "i386":
        variant = ""
    name = _ARCHITECTURE_ALIASES.get(name, name)
    return Platform(platform.os.lower(), name, _VARIANT_ALIASES.get((name, variant), variant))


def accepted(node: Platform, runtime: str | None = None) -> tuple[Platform, ...]:
    """Every platform whose image a node of platform ``node`` takes, the best first.

    Normalised, but for CRI-O.
    """
    if runtime == CRI_O:
        variants = _CRI_O_VARIANTS.get(node.architecture, ())
        variant = node.variant or next(iter(variants), "")
        known = variants[variants.index(variant) :] if variant in variants else (variant,)
        return tuple(
            Platform(node.os, node.architecture, one) for one in dict.fromkeys((*known, ""))
        )
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


def accepts(node: Platform, platform: Platform, runtime: str | None = None) -> bool:
    """Whether a node takes an image for the platform that its config alone says.

    Its index does not say any.
    """
    return runtime == CRI_O or normalise(platform) in accepted(node)


def choose(
    entries: Iterable[Descriptor], node: Platform, runtime: str | None = None
) -> Descriptor | None:
    """The one entry that a node pulls, or None if there is none for it.

    An entry without a platform comes last; whether a node takes it is then told by its config
    (``accepts``).

    Args:
        entries: In the index's order.
        node: The node's platform.
        runtime: Its container runtime, ``containerd`` or ``cri-o``; None if not known.
    """
    ranks = {platform: rank for rank, platform in enumerate(accepted(node, runtime))}
    last = len(ranks)
    best: tuple[tuple[int, bool], Descriptor] | None = None
    for entry in entries:
        rank = last if entry.platform is None else ranks.get(_compared(entry.platform, runtime))
        if rank is None:
            continue
        key = rank, not (runtime == CRI_O and ZSTD in entry.annotations.items())
        if best is None or key < best[0]:
            best = key, entry
    return None if best is None else best[1]


def _compared(platform: Platform, runtime: str | None) -> Platform:
    return platform if runtime == CRI_O else normalise(platform)


def _below(variant: str, lowest: int) -> range:
    """The levels below ``variant`` (``v7``) down to ``lowest``."""
    level = variant.removeprefix("v")
    return (
        range(int(level) - 1, lowest - 1, -1) if level.isdecimal() and len(level) < 3 else range(0)
    )


def _arm64_variants(variant: str) -> list[str]:
    """``v9.x`` also runs ``v9.0…x`` and ``v8.0…x+5`` (at most 9), ``v8.x`` runs ``v8.0…x``.

    Else nothing is known.
    """
    major, _, minor = (variant or "v8").partition(".")
    if major not in {"v8", "v9"} or not (minor or "0").isdecimal() or len(minor) > 1:
        return []
    newest = int(minor or "0")
    eighth = newest if major == "v8" else min(newest + 5, 9)
    ninth = [f"v9.{level}" for level in range(newest, -1, -1)] if major == "v9" else []
    return ninth + [f"v8.{level}" for level in range(eighth, -1, -1)]
