"""Where pods may land, compared with Kubernetes' own code on generated pods and nodes. Needs Go: ``make e2e``."""

import os
import random
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import Node, read_node
from elfgate.cluster.placement import read_placement
from elfgate.cluster.target import Standing
from elfgate.cluster.targets import targets
from support.objects import affinity, node, pod, term

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif("ELFGATE_E2E" not in os.environ, reason="builds a Go program: make e2e"),
]

PODS, NODES = 600, 100

KEYS = ["pool", "rank", "example.com/zone", "kubernetes.io/hostname", "kubernetes.io/arch", "gone"]
STRANGE_KEYS = ["", "-x", "a/b/c", "UP.example/x", "/x", "example.com/", "x" * 64, "é"]
VALUES = [
    "",
    "a",
    "b",
    "0",
    "1",
    "5",
    "-3",
    "+5",
    "007",
    "10",
    "amd64",
    "arm64",
    "ppc64le",
    "node-7",
    "node-42",
]
STRANGE_VALUES = [
    "not valid",
    "x" * 64,
    "-",
    "9223372036854775807",
    "9223372036854775808",
    "1.5",
    "1_0",
    "a/b",
    "a\n",
]
EFFECTS = ["NoSchedule", "NoExecute", "PreferNoSchedule"]


class Dice:
    """Seeded choices: mostly what people write, now and then what nobody should."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the same pods each time

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def one(self, usual: list[str], strange: list[str] | None = None) -> str:
        return self.random.choice(strange if strange and self.chance(0.04) else usual)

    def several(self, least: int, most: int) -> range:
        return range(self.random.randint(least, most))

    def expression(self) -> tuple[str, str, list[str]]:
        operator = self.one(
            ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"], ["", "in", "Equals"]
        )
        counts = {"Exists": (0, 0), "DoesNotExist": (0, 0), "Gt": (1, 1), "Lt": (1, 1)}
        least, most = (0, 3) if self.chance(0.05) else counts.get(operator, (1, 4))
        return (
            self.one(KEYS, STRANGE_KEYS),
            operator,
            [self.one(VALUES, STRANGE_VALUES) for _ in self.several(least, most)],
        )

    def field(self) -> tuple[str, str, list[str]]:
        count = (0, 2) if self.chance(0.05) else (1, 1)
        names = [f"node-{self.random.randrange(NODES)}" for _ in self.several(*count)]
        return (
            self.one(["metadata.name"], ["metadata.namespace", ""]),
            self.one(["In", "NotIn"], ["Exists"]),
            names,
        )

    def term(self) -> dict[str, Any]:
        fields = tuple(self.field() for _ in self.several(1, 2)) if self.chance(0.15) else ()
        return term(*(self.expression() for _ in self.several(0, 3)), fields=fields)

    def toleration(self) -> dict[str, str]:
        parts = {
            "key": self.one(["k", "l", "node.kubernetes.io/unschedulable", ""]),
            "operator": self.one(["Exists", "Equal", "", "Gt", "Lt"], ["exists"]),
            "value": self.one(VALUES, STRANGE_VALUES),
            "effect": self.one(["", *EFFECTS]),
        }
        return {key: value for key, value in parts.items() if value or self.chance(0.5)}

    def pod(self) -> dict[str, Any]:
        spec: dict[str, Any] = {}
        if self.chance(0.3):
            spec["nodeSelector"] = {
                self.one(KEYS): self.one(VALUES, STRANGE_VALUES) for _ in self.several(0, 2)
            }
        if self.chance(0.7):
            spec["affinity"] = affinity(*(self.term() for _ in self.several(0, 4)))
        if self.chance(0.7):
            spec["tolerations"] = [self.toleration() for _ in self.several(0, 4)]
        if self.chance(0.05):
            spec["nodeName"] = f"node-{self.random.randrange(NODES)}"
        return pod(**spec)

    def node(self, number: int) -> dict[str, Any]:
        labels = {self.one(KEYS[:3]): self.one(VALUES, STRANGE_VALUES) for _ in self.several(0, 3)}
        taints = [
            {
                "key": self.one(["k", "l"]),
                "value": self.one(VALUES, STRANGE_VALUES),
                "effect": self.one(EFFECTS),
            }
            for _ in self.several(0, 2)
        ]
        return node(
            f"node-{number}",
            self.one(["amd64", "arm64", "ppc64le"]),
            labels=labels,
            taints=taints if self.chance(0.5) else [],
            unschedulable=self.chance(0.1),
        )


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("selectors") / "selectors"
    build = [
        "go",
        "build",
        "-buildvcs=false",
        "-trimpath",
        "-mod=readonly",
        "-o",
        str(program),
        ".",
    ]
    subprocess.run(
        build,
        cwd=Path(__file__).parent / "selectors",
        check=True,
        env=os.environ | {"CGO_ENABLED": "0"},
    )
    return program


@pytest.mark.parametrize("seed", range(4))
def test_kubernetes_own_code_agrees_on_every_pod_and_node(judge: Path, seed: int) -> None:
    dice = Dice(seed)
    pods = [dice.pod() for _ in range(PODS)]
    objs = [dice.node(number) for number in range(NODES)]
    nodes = list(map(read_node, objs))

    asked = orjson.dumps({"pods": pods, "nodes": objs})
    theirs = (
        subprocess.run([judge], input=asked, capture_output=True, check=True)
        .stdout.decode()
        .split()
    )
    ours = ["".join(str(int(_admits(item, one))) for one in nodes) for item in pods]

    different = [
        (pods[row]["spec"], theirs[row], ours[row])
        for row in range(PODS)
        if theirs[row] != ours[row]
    ]
    assert not different, different[0]
    share = "".join(theirs).count("1") / (PODS * NODES)
    assert 0.1 < share < 0.9, "the pods say yes or no to nearly everything: nothing is proved"


@pytest.mark.parametrize("seed", range(4, 6))
def test_kubernetes_own_code_agrees_on_how_many_nodes_each_target_has(
    judge: Path, seed: int
) -> None:
    dice = Dice(seed)
    pods = [dice.pod() for _ in range(PODS)]
    objs = [dice.node(number) for number in range(NODES)]
    inventory = Inventory(map(read_node, objs))

    asked = orjson.dumps({"pods": pods, "nodes": objs})
    theirs = (
        subprocess.run([judge], input=asked, capture_output=True, check=True)
        .stdout.decode()
        .split()
    )

    for item, row in zip(pods, theirs, strict=True):
        found = {
            target.platform.architecture: target.nodes
            for target in targets(item["spec"], inventory)
            if target.standing is Standing.CERTAIN
        }
        for architecture in ("amd64", "arm64", "ppc64le"):
            expected = sum(
                answer == "1" and obj["metadata"]["labels"]["kubernetes.io/arch"] == architecture
                for answer, obj in zip(row, objs, strict=True)
            )
            assert found.get(architecture, 0) == expected, item["spec"]


def _admits(obj: dict[str, Any], candidate: Node) -> bool:
    placement = read_placement(obj["spec"], passing=frozenset())
    return placement.admits(candidate, candidate.name, candidate.labels)
