"""Settings by chance, from a seed, and documents in placements that may not be final."""

import random
from typing import Any

from pydantic import ValidationError

from elfgate.errors import UnknownReason
from elfgate.linkage.report import Code
from elfgate.policy.chance import document, full
from elfgate.policy.config import PolicyConfig
from elfgate.policy.document import Document

__all__ = ["config", "document", "full", "labelled", "placed", "settings"]


def labelled(seed: int) -> Document:
    """The document of a seed, with labels of its namespace, which are not known at times."""
    chance, made = random.Random(seed), document(seed)  # noqa: S311
    if chance.random() < 0.3:
        return made
    labels = chance.choice(({}, {"stage": "prod"}, {"stage": "test", "team": "a"}))
    request = made.request.model_copy(update={"namespace_labels": labels})
    return made.model_copy(update={"request": request})


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
            for name in chance.sample(
                ("shop", "pro*", "*", "stage=prod", "stage=*,team=a"), chance.randint(0, 2)
            )
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


def placed(seed: int) -> Document:
    """The document of a seed, in a placement that may not be final, at times at an update."""
    chance, given = random.Random(-seed - 1), labelled(seed).model_dump(exclude_unset=True)  # noqa: S311
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
