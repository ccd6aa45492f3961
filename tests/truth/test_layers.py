"""``make truth``: random stacks of layers, unpacked by containerd's code and started, against the predictions.

``STACKS=20000`` tries more of them, ``SEED=7`` the same again.
"""

import io
import os
import random
import secrets
import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides, Snapshotter
from elfgate.linkage.report import Outcome
from elfgate.linkage.unpacked import predict_unpacked
from elfgate.platforms import Platform
from elfgate.rootfs.tar import index
from elfgate.rootfs.tree import Tree
from truth import stacks
from truth.stacks import Stack, Started

pytestmark = pytest.mark.truth

_SEED = int(os.environ.get("SEED") or secrets.randbelow(1 << 32))
_STACKS = int(os.environ.get("STACKS") or 2_000)
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is predicted of a start, and what became of it on the nodes that it is predicted for."""

    predicted: Outcome
    really: frozenset[bool]
    told: str


@pytest.fixture(scope="module")
def comparisons(tmp_path_factory: pytest.TempPathFactory) -> list[Comparison]:
    if os.geteuid() or not shutil.which("go") or os.uname().machine not in _ARCHITECTURES:
        pytest.skip("needs root, for overlayfs's trusted attributes, Go, and amd64 or arm64")
    sys.stdout.write(f"\nSEED={_SEED} STACKS={_STACKS}\n")
    chance = random.Random(_SEED)  # noqa: S311 - a test, to be run again by its seed
    made = [stacks.random_stack(chance) for _ in range(_STACKS)]
    scratch = tmp_path_factory.mktemp("stacks")
    binary = stacks.built(scratch)
    merged = stacks.unpack(binary, made, scratch, folder=False)
    folder = stacks.unpack(binary, made, scratch, folder=True)
    compared = []
    for stack, *started in zip(made, merged, folder, strict=True):
        compared += _compared(stack, {"overlayfs": started[0], "native": started[1]})
    return compared


def _compared(stack: Stack, started: Mapping[Snapshotter, Started]) -> list[Comparison]:
    """Each start as it is predicted for nodes of each kind, and for nodes of which nothing is known."""
    unpacked = {name: one for name, one in started.items() if not one.refused}
    tree = _tree(stack)
    if tree is None:
        return []  # an image that cannot be read is an unknown, whatever nodes make of it
    nodes: dict[Snapshotter | None, Sequence[Started]] = {
        **{name: [one] for name, one in unpacked.items()},
        None: list(unpacked.values()),
    }
    return [
        Comparison(
            _predicted(tree, path, user, snapshotter),
            frozenset(one.starts[path, user] for one in really),
            f"{path} as {user} by {snapshotter}: {' | '.join(stack.told)}, SEED={_SEED}",
        )
        for snapshotter, really in nodes.items()
        for path in stacks.paths()
        for user in stacks.USERS
    ]


def _tree(stack: Stack) -> Tree | None:
    """The stack's tree; None if one of its layers is refused."""
    try:
        layers = [index(io.BytesIO(tar), max_bytes=1 << 20, max_entries=1000) for tar in stack.tars]
    except ValueError:
        return None
    return Tree(layers)


def _predicted(tree: Tree, path: str, user: int, snapshotter: Snapshotter | None) -> Outcome:
    return predict_unpacked(
        tree,
        ImageDefaults(entrypoint=(path,)),
        Overrides(user=user, group=user),
        Platform("linux", _ARCHITECTURES[os.uname().machine]),
        NodeFacts(snapshotter=snapshotter),
    ).outcome


def test_nothing_that_starts_on_some_node_is_refused(comparisons: list[Comparison]) -> None:
    wrong = [
        comparison.told
        for comparison in comparisons
        if comparison.predicted is Outcome.CANNOT_START and True in comparison.really
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_that_fails_on_some_node_is_said_to_start(comparisons: list[Comparison]) -> None:
    wrong = [
        comparison.told
        for comparison in comparisons
        if comparison.predicted is Outcome.STARTS and False in comparison.really
    ]
    assert not wrong, "\n".join(wrong)


def test_most_starts_are_decided(comparisons: list[Comparison]) -> None:
    counts = Counter((each.predicted, len(each.really)) for each in comparisons)
    sys.stdout.write(f"\n{dict(counts)}\n")
    decided = sum(each.predicted is not Outcome.UNKNOWN for each in comparisons)
    assert decided > len(comparisons) // 2
    assert {True, False} <= {started for each in comparisons for started in each.really}
