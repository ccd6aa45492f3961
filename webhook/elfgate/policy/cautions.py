"""Settings that hold, and that their owner should know of.

An outage of a registry that would be one of the cluster, exemptions that end, words that nothing is
called by.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from elfgate.likely import likely
from elfgate.policy.files import shipped_settings
from elfgate.policy.layers import is_off, layers
from elfgate.policy.names import KINDS, matches
from elfgate.policy.validity import Validity, validity

_OUTAGES = ("registry_unreachable", "image_not_found", "no_credentials", "not_scanned")
"""Unknowns that a registry, or the way to it, can make of any image."""

_VARIANTS = frozenset(
    (
        *("*", "almalinux", "alpaquita", "alpine", "amzn", "arch", "azurelinux", "bottlerocket"),
        *("centos", "chainguard", "clear-linux-os", "debian", "fedora", "gentoo", "mariner"),
        *("nixos", "ol", "opensuse-leap", "opensuse-tumbleweed", "photon", "raspbian", "rhel"),
        *("rocky", "scratch", "sles", "ubi", "ubuntu", "void", "wolfi"),
    )
)
"""The ``ID`` of os-releases, and the two that elfgate adds."""

SYSTEM = "kube-system"
_UNASKED = f"elfgate judges nothing in {SYSTEM}, so that the setting does nothing"
_WITHOUT_PODS = frozenset(
    ("ConfigMap", "Ingress", "Namespace", "Node", "Secret", "Service", "ServiceAccount")
)

_REGISTRY = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]+)?|localhost(:[0-9]+)?")
"""A name that is a registry's, unless there is a slash behind it."""


def cautions(settings: Mapping[str, Any], today: date, awaited: Iterable[str] = ()) -> list[str]:
    """Say what the owner of settings should know, one line each.

    Args:
        settings: ``data.elfgate.config`` of the bundle in force.
        today: The day, in UTC as policies have it.
        awaited: Rules that settings speak of and only a bundle that follows may have.
    """
    lines = [*_outages(settings), *_variants(settings), *_notes(settings), *_awaited(awaited)]
    for row in settings.get("support", ()):
        lines += _registry("support", row["repository"])
    exemptions = settings.get("exemptions", ())
    lines += [*_unasked(settings), *_helpless(settings)]
    for each in exemptions:
        lines += _misspelt(each)
        lines += _registry(described(each), each["image"])
    for each in exemptions:
        lines += _ending(each, today)
    for each in exemptions:
        lines += _idle(each, settings)
    return lines


def described(exemption: Mapping[str, Any]) -> str:
    """Name an exemption: whose it is, and for what."""
    parts = [
        f"{name} {exemption[name]}"
        for name in ("namespace", "workload", "image")
        if exemption[name] != "*"
    ]
    of_what = ", ".join(parts)
    return f"the exemption of {exemption['owner']} ({of_what})"


def is_for(exemption: Mapping[str, Any], namespaces: Iterable[str]) -> bool:
    """Whether an exemption's pattern is one of these namespaces."""
    pattern = exemption["namespace"]
    begin, _, end = pattern.partition("*")
    if begin == pattern:
        return begin in namespaces
    least = len(begin) + len(end)
    return any(
        name.startswith(begin) and name.endswith(end) and len(name) >= least for name in namespaces
    )


def _outages(settings: Mapping[str, Any]) -> Iterator[str]:
    found = {
        reason
        for layer in layers(settings)
        for reason, what in layer.get("unknown", {}).items()
        if what == "deny" and reason in _OUTAGES
    }
    for reason in sorted(found):
        yield (
            f"unknown.{reason}: deny refuses workloads while a registry is away, its own among "
            "them if it runs in the cluster: exempt its namespace"
        )


def _variants(settings: Mapping[str, Any]) -> Iterator[str]:
    found = {row["variant"] for row in settings.get("support", ())} - _VARIANTS
    for variant in sorted(found):
        close = likely(variant, _VARIANTS)
        hint = f', did you mean "{close}"?' if close else ""
        yield f"support: no image is known to call itself {variant}{hint}"


def _notes(settings: Mapping[str, Any]) -> Iterator[str]:
    """Modes for notes of rules that come with elfgate and make none."""
    making = shipped_settings()["notes"]
    given = {code for layer in layers(settings) for code in layer.get("notes", {})}
    for code in sorted(given & shipped_settings()["rules"].keys() - making.keys()):
        yield f"notes.{code}: the rule makes no notes, so that the setting does nothing"


def _unasked(settings: Mapping[str, Any]) -> Iterator[str]:
    """Settings for the namespace that no webhook may touch."""
    if SYSTEM in settings.get("namespaces", {}):
        yield f"namespaces.{SYSTEM}: {_UNASKED}"
    for each in settings.get("exemptions", ()):
        if each["namespace"] == SYSTEM:
            yield f"{described(each)}: {_UNASKED}"


def _helpless(settings: Mapping[str, Any]) -> Iterator[str]:
    """Lines beside the refusals of rules that are off."""
    given = {code for layer in layers(settings) for code in layer.get("rule_help", {})}
    for code in sorted(given):
        if is_off(code, settings):
            yield f"rule_help.{code}: the rule is off, so that nobody reads the line"


def _awaited(codes: Iterable[str]) -> Iterator[str]:
    known = shipped_settings()["rules"]
    for code in codes:
        close = likely(code, known)
        hint = f' (did you mean "{close}"?)' if close else ""
        yield (
            f"elfgate ships no rule {code}{hint}: its settings wait for the bundle, and "
            "a bundle without it is refused"
        )


def _registry(whose: str, image: str) -> Iterator[str]:
    if _REGISTRY.fullmatch(image):
        yield f"{whose}: {image} is a registry, and no image: write {image}/* for all that it has"


def _misspelt(exemption: Mapping[str, Any]) -> Iterator[str]:
    kind, slash, _ = exemption["workload"].partition("/")
    if not slash or any(matches(kind, known) for known in KINDS):
        return
    if kind in _WITHOUT_PODS:
        yield f"{described(exemption)}: a {kind} has no pods, so the exemption does nothing"
        return
    close = likely(kind, KINDS)
    if close:
        name = described(exemption)
        yield f'{name}: no kind {kind} is known, did you mean "{close}"?'


def _ending(exemption: Mapping[str, Any], today: date) -> Iterator[str]:
    name = described(exemption)
    state = validity(exemption, today)
    if state is Validity.ENDED:
        yield f"{name} ended on {exemption['ends']} and counts no more: remove it"
    elif state is Validity.GRACE:
        yield f"{name} expired on {exemption['expires']}: it warns until {exemption['ends']}"
    elif state is Validity.SOON:
        yield f"{name} expires on {exemption['expires']}"


def _idle(exemption: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    rules = exemption["rules"]
    if rules and all(is_off(code, settings) for code in rules):
        name = described(exemption)
        yield f"{name} is from rules that are off"
