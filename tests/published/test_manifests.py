"""What others publish is read and judged without a traceback, and hardly anything is passed over or refused unread."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from elfgate.cluster.inventory import Inventory
from elfgate.cluster.manifests import objects
from elfgate.cluster.nodes import nodes_of
from elfgate.cluster.targets import Demands, landing
from elfgate.cluster.template import workload
from elfgate.cluster.workload import parts_of
from elfgate.errors import InputError

from .modules import MODULES, fetched, manifests

pytestmark = [
    pytest.mark.skipif(
        "ELFGATE_PUBLISHED" not in os.environ, reason="fetches modules: make published"
    ),
    pytest.mark.skipif(shutil.which("go") is None, reason="needs go"),
]

NODES = Inventory(nodes_of(["amd64", "arm64"]))
TABLE = Path(__file__).parents[2] / "build" / "published.txt"


def judged(path: Path, counts: Counter[str]) -> str:
    """Read a file and place its workloads; the error, if there is one."""
    try:
        for manifest in objects(path.read_bytes(), source=str(path), strict=False):
            parts = parts_of(workload(manifest.obj))
            word = "judged" if parts else "passed over"
            counts[f"{word} {manifest.kind or '(no object)'}"] += 1
            for part in parts:
                demands = Demands(part.pod_spec, part.every_node, part.template, part.openings)
                landing(demands, NODES)
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("module", MODULES)
def test_what_a_project_publishes_is_read(module: str) -> None:
    counts: Counter[str] = Counter()
    files = list(manifests(fetched(module)))
    errors = [error for path in files if (error := judged(path, counts))]

    TABLE.parent.mkdir(exist_ok=True)
    with TABLE.open("a") as table:
        table.write(f"{module}: {len(files)} files\n")
        table.writelines(f"  {number:5} {what}\n" for what, number in counts.most_common())
        table.writelines(f"  error: {error}\n" for error in errors)
    assert files
    assert errors == []
    assert any(what.startswith("judged") for what in counts)
