"""Case tables: what is found, in a compact form, and the exact words that people are then shown.

A case is a mapping::

    name: a sentence
    config: {require: all}                              # optional policy settings
    request: {kind: Deployment, every_node: true}       # optional; the rest of it is filled in
    targets: {ppc64le: [power-1, power-2], amd64: 3}    # a platform, with its nodes' names or
                                                        # number, or {nodes: 0, standing: possible,
                                                        # reason: …, because: …}
    openings: [{reason: gated, because: …}]             # optional: why the placement is not final
    before: {ppc64le: cannot-start}                     # optional: how it was before an update
    containers:
      web:
        image: example/web:2-alpine
        role: init                                      # optional
        found:
          amd64: starts
          ppc64le:
            findings: [{code: loader_missing, message: …}]
            alternatives: [example/web:2-debian]
    denied: |-                                          # the words of a refusal; none if admitted
    warned: []                                          # those of warnings
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from elfgate.policy.bundle import load
from elfgate.policy.config import PolicyConfig
from elfgate.policy.differing import with_words
from elfgate.policy.document import Document
from elfgate.policy.embedded import EmbeddedEngine
from elfgate.policy.messages import denial, warnings
from elfgate.policy.verdict import Verdict

Case = dict[str, Any]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def shipped() -> tuple[Case, ...]:
    """The cases that come with elfgate; read once, and not to be changed."""
    packaged = files("elfgate") / "cases"
    folder = packaged if packaged.is_dir() else Path(__file__).parents[3] / "tests" / "cases"
    tables = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".yaml")),
        key=lambda entry: entry.name,
    )
    texts = (table.read_text("utf-8") for table in tables)
    return tuple(case for text in texts for case in yaml.load(text, Loader=_LOADER))  # noqa: S506 - a safe loader


def codes(case: Case) -> set[str]:
    """The rules that a case is about: those that it names, and those whose findings it has."""
    return set(case.get("codes", [])) | {
        finding["code"]
        for container in case["containers"].values()
        for found in container["found"].values()
        if found != "starts"
        for finding in found.get("findings", [])
    }


async def differences(
    case: Case, folder: Path | None = None, rules: Path | None = None
) -> Iterator[str]:
    """Judge a case, and say what is not as the case has it.

    Args:
        case: What to judge.
        folder: The bundle; None for the shipped one.
        rules: Further rules, which are to leave the shipped cases as they are.
    """
    verdict = await _judged(case, folder, rules)
    told = {"denied": denial(verdict), "warned": "\n".join(warnings(verdict))}
    expected = {"denied": case.get("denied", ""), "warned": "\n".join(case.get("warned", []))}
    return (
        f"{what}: {told[what] or 'nothing'!r}, not {expected[what] or 'nothing'!r}"
        for what in told
        if told[what] != expected[what]
    )


def example(code: str) -> str:
    """The message of the plainest case of a rule; empty if there is none."""
    about = [
        case for case in shipped() if codes(case) == {code} and {"denied", "warned"} & case.keys()
    ]
    about.sort(key=lambda case: ("config" in case, "denied" not in case))
    return (
        "\n".join([about[0].get("denied", ""), *about[0].get("warned", [])]).strip()
        if about
        else ""
    )


async def _judged(case: Case, folder: Path | None, rules: Path | None) -> Verdict:
    config = PolicyConfig.model_validate(case.get("config", {}))
    engine = EmbeddedEngine(load(folder, config=config, rules=rules))
    return await engine.evaluate(of_case(case).without(["*"]))


def of_case(case: Case) -> Document:
    """The document that a case is about."""
    return document(
        targets=case["targets"],
        containers=case["containers"],
        request=case.get("request"),
        openings=case.get("openings", ()),
        before=case.get("before", {}),
    )


def document(
    *,
    targets: dict[str, Any],
    containers: dict[str, Any],
    request: dict[str, Any] | None = None,
    openings: Sequence[dict[str, str]] = (),
    before: Mapping[str, str] | None = None,
) -> Document:
    """Write a pod's compact form out."""
    asked = {
        "point": "pod",
        "kind": "Pod",
        "namespace": "shop",
        "name": "web",
        "today": "2026-01-01",
        **(request or {}),
    }
    document = Document.model_validate(
        {
            "request": asked,
            "targets": [_target(platform, nodes) for platform, nodes in targets.items()],
            "openings": list(openings),
            "before": [
                {"platform": _full(platform), "verdict": verdict}
                for platform, verdict in (before or {}).items()
            ],
            "containers": [_container(name, entry) for name, entry in containers.items()],
            "linkages": [
                _linkage(name, platform, found)
                for name, entry in containers.items()
                for platform, found in entry["found"].items()
            ],
        }
    )
    return document.model_copy(update={"linkages": with_words(document.linkages)})


def _target(platform: str, nodes: list[str] | int | dict[str, Any]) -> dict[str, Any]:
    full = _full(platform)
    if isinstance(nodes, dict):
        return {"platform": full, "architecture": full.split("/")[1], **nodes}
    names = nodes if isinstance(nodes, list) else []
    number = len(nodes) if isinstance(nodes, list) else nodes
    return {"platform": full, "architecture": full.split("/")[1], "nodes": number, "names": names}


def _container(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    named, _, digest = entry["image"].partition("@")
    repository, _, tag = named.partition(":")
    return {
        "name": name,
        "role": entry.get("role", "main"),
        "image": entry["image"],
        "repository": repository,
        "tag": tag,
        "digest": digest,
    }


def _linkage(container: str, platform: str, found: Any) -> dict[str, Any]:
    entry = {} if found == "starts" else found
    findings = [{"path": "", "effect": "fails", **finding} for finding in entry.get("findings", [])]
    effects = {finding["effect"] for finding in findings}
    if "fails" in effects:
        verdict = "cannot-start"
    elif "unknown" in effects:
        verdict = "unknown"
    else:
        verdict = "starts"
    return {
        "container": container,
        "platform": _full(platform),
        "verdict": verdict,
        "variant": entry.get("variant", {"id": "alpine", "version": "3.20", "libc": "musl"}),
        "needs_glibc": entry.get("needs_glibc", []),
        "findings": findings,
        "alternatives": entry.get("alternatives", []),
    }


def _full(platform: str) -> str:
    """Write ``arm/v7`` as ``linux/arm/v7``, and leave ``windows/amd64`` alone."""
    return platform if platform.startswith(("linux/", "windows/")) else f"linux/{platform}"
