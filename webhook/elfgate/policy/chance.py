"""Documents by chance, from a seed, for both engines to be asked about.

Odd ones too: with hostile names, things named twice, platforms that no linkage is of.
"""

import random
from typing import Any

from elfgate.errors import UnknownReason
from elfgate.linkage.report import Code
from elfgate.policy.document import Document

_PLATFORMS = (
    "linux/amd64",
    "linux/arm64",
    "linux/arm/v6",
    "linux/arm/v7",
    "linux/ppc64le",
    "linux/s390x",
)
_FOREIGN = ("windows/amd64", "linux/riscv64", "freebsd/amd64", "linux")
_NAMES = (
    "web",
    "db",
    "proxy",
    "",
    "a b",
    "web\nweb",
    '"}]',
    "${x}",
    "%v",
    "ünï",
    "😀",
    "../..",
    "__proto__",
    "0",
)
_TEXTS = (
    "",
    "/app needs /lib64/ld64.so.2",
    "/a\n/b",
    "\x1b[2J",
    '"',
    "\\u0000",
    "%s",
    "😀" * 40,
    "x" * 500,
)
_EFFECTS = ("fails", "fails", "fails", "unknown", "note")


def document(seed: int) -> Document:
    """The document of a seed."""
    chance = random.Random(seed)  # noqa: S311  (not for secrets)
    platforms = chance.sample(_PLATFORMS, chance.randint(0, 4)) + chance.sample(
        _FOREIGN, chance.choice((0, 0, 0, 1))
    )
    names = chance.sample(_NAMES, chance.choice((0, 1, 1, 2, 3, 5)))
    if names and chance.random() < 0.05:
        names.append(names[0])
    beyond = chance.sample(_PLATFORMS, chance.choice((0, 0, 1, 2)))
    return Document.model_validate(
        {
            "request": _request(chance),
            "targets": [_target(chance, platform) for platform in platforms],
            "containers": [_container(chance, name) for name in names],
            "linkages": [
                _linkage(chance, name, platform)
                for platform in (*platforms, *beyond)
                for name in names
                if chance.random() < 0.97
            ],
        }
    )


def full(seed: int) -> Document:
    """The document of a seed, with all that is seen only where rules look at it."""
    chance, given = random.Random(-seed), document(seed).model_dump(exclude_unset=True)  # noqa: S311
    given["request"] |= {"labels": _texts(chance), "annotations": _texts(chance)}
    given["request"]["namespace_labels"] = _texts(chance)
    given["pod"] = _pod(chance)
    for target in given["targets"]:
        target["groups"] = [{"nodes": 1, "labels": _texts(chance)}]
    for container in given["containers"]:
        container |= {"command": ["/bin/sh"], "args": chance.sample(_TEXTS, 2), "mounts": {}}
        container["security"] = {"privileged": chance.random() < 0.5, "run_as_user": None}
    for linkage in given["linkages"]:
        linkage |= {"digest": f"sha256:{seed}", "manifest": chance.choice(("", "sha256:1"))}
        linkage |= {"labels": _texts(chance), "annotations": _texts(chance)}
    return Document.model_validate(given)


def _pod(chance: random.Random) -> dict[str, Any]:
    return {
        "labels": _texts(chance),
        "annotations": _texts(chance),
        "service_account": chance.choice(("", "default", "builder")),
        "host_network": chance.random() < 0.5,
        "host_pid": False,
        "host_ipc": False,
        "volumes": [{"name": "tmp", "kind": "hostPath", "source": chance.choice(_TEXTS)}],
    }


def _texts(chance: random.Random) -> dict[str, str]:
    return {key: chance.choice(_TEXTS) for key in chance.sample(_NAMES, chance.randint(0, 3))}


def _request(chance: random.Random) -> dict[str, Any]:
    return {
        "point": chance.choice(("pod", "workload", "binding")),
        "checked": chance.random() < 0.2,
        "kind": "Pod",
        "controlled": chance.random() < 0.3,
        "owners": chance.choice(([], [], ["ReplicaSet/web-5d9fb", "Deployment/web"], ["Job/x"])),
        "namespace": chance.choice(("shop", "prod", "", "elfgate:golden")),
        "name": chance.choice(_NAMES),
        "every_node": chance.random() < 0.1,
        "today": chance.choice(("2026-01-01", "2026-06-30", "2026-07-01", "2026-07-20")),
    }


def _target(chance: random.Random, platform: str) -> dict[str, Any]:
    names = chance.sample(_NAMES, chance.randint(0, 5))
    architecture = platform.partition("/")[2].partition("/")[0]
    return {
        "platform": platform,
        "architecture": architecture,
        "nodes": chance.randint(0, 9),
        "names": names,
    }


def _container(chance: random.Random, name: str) -> dict[str, Any]:
    role = chance.choice(("main", "main", "init", "sidecar", "ephemeral"))
    return {
        "name": name,
        "role": role,
        "image": f"example/{name}:1",
        "repository": f"example/{name}",
        "tag": "1",
    }


def _linkage(chance: random.Random, container: str, platform: str) -> dict[str, Any]:
    findings = [_finding(chance) for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 9)))]
    return {
        "container": container,
        "platform": platform,
        "verdict": _verdict({finding["effect"] for finding in findings}),
        "variant": {"id": chance.choice(("alpine", "debian", "rhel", "scratch", "unknown", ""))},
        "findings": findings,
        "alternatives": chance.sample(
            ("example/web:1-debian", "example/web:1-ubi", "x\ny"), chance.choice((0, 0, 1, 2))
        ),
    }


def _verdict(effects: set[str]) -> str:
    if "fails" in effects:
        return "cannot-start"
    return "unknown" if "unknown" in effects else "starts"


def _finding(chance: random.Random) -> dict[str, Any]:
    effect = chance.choice(_EFFECTS)
    return {
        "code": chance.choice([*Code, "of_tomorrow"]),
        "path": chance.choice(_TEXTS),
        "message": chance.choice(_TEXTS),
        "remedy": chance.choice(_TEXTS),
        "effect": effect,
        "reason": chance.choice([*UnknownReason, "of_tomorrow"]) if effect == "unknown" else "",
    }
