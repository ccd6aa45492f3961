"""Documents for policies, in a compact form that case tables and tests share.

A pod is a mapping::

    request: {kind: Deployment, every_node: true}      # optional; the rest of it is filled in
    targets: {ppc64le: [power-1, power-2], amd64: 3}    # a platform, with its nodes' names or number
    containers:
      web:
        image: example/web:2-alpine
        role: init                                      # optional
        found:
          amd64: starts
          ppc64le:
            findings: [{code: loader_missing, message: …}]
            alternatives: [example/web:2-debian]
"""

from typing import Any

from elfgate.linkage.report import Code
from elfgate.policy.document import Document

MISSING_LOADER = {"code": Code.LOADER_MISSING.value, "message": "/app needs the loader /lib64/ld64.so.2"}


def document(*, targets: dict[str, Any], containers: dict[str, Any], request: dict[str, Any] | None = None) -> Document:
    """Write a pod's compact form out."""
    asked = {
        "point": "pod",
        "kind": "Pod",
        "namespace": "shop",
        "name": "web",
        "today": "2026-01-01",
        **(request or {}),
    }
    return Document.model_validate(
        {
            "request": asked,
            "targets": [_target(platform, nodes) for platform, nodes in targets.items()],
            "containers": [_container(name, entry) for name, entry in containers.items()],
            "linkages": [
                _linkage(name, platform, found)
                for name, entry in containers.items()
                for platform, found in entry["found"].items()
            ],
        }
    )


def pod(*, containers: int = 1, starts: tuple[str, ...] = (), fails: tuple[str, ...] = ()) -> Document:
    """A pod whose containers all start on some architectures and lack their loader on others."""
    found = dict.fromkeys(starts, "starts") | {arch: {"findings": [MISSING_LOADER]} for arch in fails}
    return document(
        targets=dict.fromkeys((*starts, *fails), 1),
        containers={f"app-{number}": {"image": "example/app:1", "found": found} for number in range(containers)},
    )


def _target(platform: str, nodes: list[str] | int) -> dict[str, Any]:
    full = _full(platform)
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
    verdict = "cannot-start" if "fails" in effects else "unknown" if "unknown" in effects else "starts"
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
