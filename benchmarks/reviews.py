"""Reviews to load webhooks with, each of another pod.

A cluster and images come with them, by which elfgate judges.

The rule is one that every peer can hold: no alpine tag on ppc64le or s390x. elfgate comes to the
same verdicts by what is in the images: in the alpine one the program for these two lacks its
loader.
"""

import copy
import json
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]

from demo.cluster import node_list  # noqa: E402
from support import founding  # noqa: E402

RECORDED = Path(__file__).parents[1] / "tests" / "data" / "reviews"
COUNT, DENIED_EVERY = 250, 10
REPOSITORIES = [f"registry.example/team-{number % 5}/service-{number}" for number in range(20)]
ARCHITECTURES = ("amd64", "arm64", "ppc64le", "s390x")
HOLE = "00000000"  # the load generator's -fresh writes numbers here


def write_reviews(
    folder: Path, *, containers: str = "", only: str = "", **start: Sequence[str]
) -> None:
    """Write the reviews, and ``expect.tsv``.

    A line each, its file's name and ``allow`` or ``deny``.

    Args:
        folder: Where to.
        containers: What the containers' names end in.
        only: Write those of this verdict only, ``allow`` or ``deny``.
        start: ``command`` or ``args`` of each container; with a hole in it no start is one that was
            predicted before.
    """
    folder.mkdir(parents=True)
    lines = []
    for number, (review, verdict) in enumerate(reviews()):
        if only not in ("", verdict):
            continue
        for container in review["request"]["object"]["spec"]["containers"]:
            container["name"] += containers
            container |= {field: list(words) for field, words in start.items()}
        name = f"{number:03}.json"
        (folder / name).write_text(json.dumps(review, separators=(",", ":")))
        lines.append(f"{name}\t{verdict}\n")
    (folder / "expect.tsv").write_text("".join(lines))


def reviews() -> Iterator[tuple[dict[str, Any], str]]:
    """The reviews with their verdicts, the same each time."""
    dice = random.Random(1)  # noqa: S311 - the same reviews each time
    recorded = json.loads((RECORDED / "pod-create-kubectl.json").read_text())
    for number in range(COUNT):
        denied = number % DENIED_EVERY == 0
        yield (
            _review(copy.deepcopy(recorded), number, dice, denied=denied),
            "deny" if denied else "allow",
        )


def _review(
    review: dict[str, Any], number: int, dice: random.Random, *, denied: bool
) -> dict[str, Any]:
    request, name = review["request"], f"service-{number}-{HOLE}"
    request["uid"] = f"{number + 1:08x}-ebc2-4ecc-b4ab-a59567f6fb85"
    pod = request["object"]
    request["name"] = pod["metadata"]["name"] = name
    pod["metadata"]["labels"] = {"app": name, "team": dice.choice("abcde")}
    architecture = dice.choice(ARCHITECTURES[2:] if denied else ARCHITECTURES)
    pod["spec"]["nodeSelector"] = {"kubernetes.io/arch": architecture}
    tags = ["2-debian"] if architecture in ARCHITECTURES[2:] else ["2-debian", "2-alpine"]
    (first,) = pod["spec"]["containers"]
    pod["spec"]["containers"] = [
        _container(first, place, "2-alpine" if denied and not place else dice.choice(tags), dice)
        for place in range(dice.randint(1, 3))
    ]
    return review


def _container(like: dict[str, Any], place: int, tag: str, dice: random.Random) -> dict[str, Any]:
    environment = [
        {"name": f"OPTION_{key}", "value": f"{dice.random()}"} for key in range(dice.randint(0, 6))
    ]
    image = f"{dice.choice(REPOSITORIES)}:{tag}"
    return {key: value for key, value in like.items() if key not in {"command", "args"}} | {
        "name": f"c{place}",
        "image": image,
        "env": environment,
    }


def write_settings(folder: Path, **changes: Any) -> Path:
    """Write what ``elfgate serve`` needs to judge them: settings, nodes and images.

    The certificate is the caller's.
    """
    locations = founding.write(folder / "images")
    images = {
        f"{name}:{tag}": locations[f"{founding.REPOSITORY}:{tag}"]
        for name in REPOSITORIES
        for tag in founding.images()
    }
    (folder / "nodes.json").write_text(json.dumps(node_list()))
    settings = {
        "listen": {"port": 0},
        "tls": {"certificate": str(folder / "tls.crt"), "key": str(folder / "tls.key")},
        "nodes": {"file": str(folder / "nodes.json")},
        "store": {"path": str(folder / "facts.db")},
        "images": images,
        "admission": {"drain_seconds": 0},
        "log": {"level": "warning"},
    } | changes
    path = folder / "elfgate.yaml"
    path.write_text(json.dumps(settings))
    return path
