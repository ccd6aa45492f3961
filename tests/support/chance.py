"""Documents by chance, from a seed: odd ones too, with hostile names and things named twice."""

import random
from typing import Any

from pydantic import ValidationError

from elfgate.errors import UnknownReason
from elfgate.linkage.report import Code
from elfgate.policy.config import PolicyConfig
from elfgate.policy.document import Document

PLATFORMS = (
    "linux/amd64",
    "linux/arm64",
    "linux/arm/v6",
    "linux/arm/v7",
    "linux/ppc64le",
    "linux/s390x",
)
FOREIGN = ("windows/amd64", "linux/riscv64", "freebsd/amd64", "linux")
NAMES = (
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
TEXTS = (
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
EFFECTS = ("fails", "fails", "fails", "unknown", "note")


def document(seed: int) -> Document:
    """The document of a seed."""
    chance = random.Random(seed)  # noqa: S311  (not for secrets)
    platforms = chance.sample(PLATFORMS, chance.randint(0, 4)) + chance.sample(
        FOREIGN, chance.choice((0, 0, 0, 1))
    )
    names = chance.sample(NAMES, chance.choice((0, 1, 1, 2, 3, 5)))
    if names and chance.random() < 0.05:
        names.append(names[0])
    beyond = chance.sample(PLATFORMS, chance.choice((0, 0, 1, 2)))
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
    given["pod"] = _pod(chance)
    for target in given["targets"]:
        target["groups"] = [{"nodes": 1, "labels": _texts(chance)}]
    for container in given["containers"]:
        container |= {"command": ["/bin/sh"], "args": chance.sample(TEXTS, 2), "mounts": {}}
        container["security"] = {"privileged": chance.random() < 0.5, "run_as_user": None}
    for linkage in given["linkages"]:
        linkage |= {"digest": f"sha256:{seed}", "manifest": chance.choice(("", "sha256:1"))}
    return Document.model_validate(given)


def _pod(chance: random.Random) -> dict[str, Any]:
    return {
        "labels": _texts(chance),
        "annotations": _texts(chance),
        "service_account": chance.choice(("", "default", "builder")),
        "host_network": chance.random() < 0.5,
        "host_pid": False,
        "host_ipc": False,
        "volumes": [{"name": "tmp", "kind": "hostPath", "source": chance.choice(TEXTS)}],
    }


def _texts(chance: random.Random) -> dict[str, str]:
    return {key: chance.choice(TEXTS) for key in chance.sample(NAMES, chance.randint(0, 3))}


def settings(seed: int) -> PolicyConfig | None:
    """The settings of a seed as they are read; none for the first, and where they mean nothing."""
    try:
        return PolicyConfig.model_validate(config(seed)) if seed else None
    except ValidationError:
        return None


def config(seed: int) -> dict[str, Any]:
    """The settings of a seed: valid, and each kind of them at times."""
    chance = random.Random(seed)  # noqa: S311  (not for secrets)
    made = _layer(chance) | {
        "exemptions": [_exemption(chance) for _ in range(chance.choice((0, 1, 3)))],
        "support": [_row(chance) for _ in range(chance.choice((0, 0, 2, 4)))],
        "points": {
            point: _layer(chance)
            for point in chance.sample(("pod", "check", "workload"), chance.randint(0, 2))
        },
        "namespaces": {
            name: _layer(chance)
            for name in chance.sample(("shop", "pro*", "*"), chance.randint(0, 2))
        },
    }
    for layer in (made, *made["points"].values(), *made["namespaces"].values()):
        mode = (made["rules"] | layer["rules"]).get("linkage_unknown", "deny")
        if mode != "deny":  # then no unknown may be said to deny
            unknowns = layer["unknown"].items()
            layer["unknown"] = {key: what for key, what in unknowns if what != "deny"}
    return made


def _exemption(chance: random.Random) -> dict[str, Any]:
    return {
        "namespace": chance.choice(("shop", "s*", "*", "prod")),
        "image": chance.choice(("example/*", "*:1", "example/web", "*/db:1", "library/*x")),
        "rules": chance.sample([code.value for code in Code], chance.choice((0, 1, 6))),
        "owner": chance.choice(("team-a", '"', "ünï")),
        "reason": "for a while",
        "expires": chance.choice(("2026-06-30", "2026-07-10")),
        "grace_days": chance.choice((0, 14)),
    }


def _row(chance: random.Random) -> dict[str, Any]:
    return {
        "repository": chance.choice(("example/*", "example/web", "*")),
        "variant": chance.choice(("*", "alpine", "ubi", "debian", "1")),
        "architectures": chance.sample(
            ("amd64", "arm64", "ppc64le", "s390x", "arm"), chance.randint(1, 4)
        ),
        "source": chance.choice(("docs", "https://example.test/a?b=%s")),
    }


def _layer(chance: random.Random) -> dict[str, Any]:
    codes = [code.value for code in Code]
    return {
        "require": chance.choice(("any", "all")),
        "most": chance.choice((None, None, "dryrun", "warn", "deny")),
        "rules": {
            code: chance.choice(("deny", "warn", "dryrun", "off"))
            for code in chance.sample(codes, 3)
        },
        "unknown": {
            reason.value: chance.choice(("deny", "warn", "dryrun", "allow"))
            for reason in chance.sample(list(UnknownReason), 3)
        },
        "notes": {
            code: chance.choice(("warn", "dryrun", "off")) for code in chance.sample(codes, 3)
        },
    }


def _request(chance: random.Random) -> dict[str, Any]:
    return {
        "point": chance.choice(("pod", "workload", "binding")),
        "checked": chance.random() < 0.2,
        "kind": "Pod",
        "controlled": chance.random() < 0.3,
        "owners": chance.choice(([], [], ["ReplicaSet/web-5d9fb", "Deployment/web"], ["Job/x"])),
        "namespace": chance.choice(("shop", "prod", "", "elfgate:golden")),
        "name": chance.choice(NAMES),
        "every_node": chance.random() < 0.1,
        "today": chance.choice(("2026-01-01", "2026-06-30", "2026-07-01", "2026-07-20")),
    }


def _target(chance: random.Random, platform: str) -> dict[str, Any]:
    names = chance.sample(NAMES, chance.randint(0, 5))
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
    effects = {finding["effect"] for finding in findings}
    return {
        "container": container,
        "platform": platform,
        "verdict": "cannot-start"
        if "fails" in effects
        else "unknown"
        if "unknown" in effects
        else "starts",
        "variant": {"id": chance.choice(("alpine", "debian", "rhel", "scratch", "unknown", ""))},
        "findings": findings,
        "alternatives": chance.sample(
            ("example/web:1-debian", "example/web:1-ubi", "x\ny"), chance.choice((0, 0, 1, 2))
        ),
    }


def _finding(chance: random.Random) -> dict[str, Any]:
    effect = chance.choice(EFFECTS)
    return {
        "code": chance.choice([*Code, "of_tomorrow"]),
        "path": chance.choice(TEXTS),
        "message": chance.choice(TEXTS),
        "remedy": chance.choice(TEXTS),
        "effect": effect,
        "reason": chance.choice([*UnknownReason, "of_tomorrow"]) if effect == "unknown" else "",
    }


def placed(seed: int) -> Document:
    """The document of a seed, in a placement that may not be final, at times at an update."""
    chance, given = random.Random(-seed - 1), document(seed).model_dump()  # noqa: S311
    for target in given["targets"]:
        if chance.random() < 0.2:
            standing = chance.choice(("possible", "open"))
            target.update({"standing": standing, **chance.choice(STANDINGS)})
    given["openings"] = chance.choice(([], [], [], [{"reason": "gated", "because": "a gate"}]))
    platforms = [target["platform"] for target in given["targets"]]
    if chance.random() < 0.3:
        verdicts = ("starts", "cannot-start", "unknown")
        given["request"]["same_images"] = chance.random() < 0.5
        given["before"] = [
            {"platform": platform, "verdict": chance.choice(verdicts)} for platform in platforms
        ]
    for linkage in given["linkages"]:
        if chance.random() < 0.3:
            linkage["findings"] += [_loader(linkage["platform"])]
            linkage["verdict"] = "cannot-start"
    for container in given["containers"]:
        container["tag"] = chance.choice(("1", "1", "latest", "1-alpine", ""))
        container["digest"] = chance.choice(("", "", "sha256:0"))
    return Document.model_validate(given)


STANDINGS = (
    {"reason": "node_away", "because": "its nodes are cordoned"},
    {"reason": "no_node", "because": "a node may come"},
)


def _loader(platform: str) -> dict[str, Any]:
    name = f"/lib/ld-{platform.replace('/', '-')}.so.1"
    return {
        "code": "loader_missing",
        "path": "/app",
        "message": f"/app needs the loader {name}, which this image does not contain",
        "remedy": "link the program statically",
        "effect": "fails",
        "differs": name,
    }
