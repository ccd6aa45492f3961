"""The cost of 15,000 nodes of 40 kinds.

To list and watch them, to follow a change, to find where a pod may land.

    python benchmarks/nodes.py [NODES]

An API server on loopback, in a process of its own, lists the nodes by the page and tells of
heartbeats, each some 8 kB. Limits: following a change and finding targets take less than 1 ms (CPU
time, the slowest of a hundred at a time).
"""

import asyncio
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tabulate import tabulate

from memory import api_server, fat_node

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from elfgate.cluster.access import Access
from elfgate.cluster.api import Api
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import read_node
from elfgate.cluster.targets import targets
from elfgate.cluster.watch import NodeWatch
from support.objects import affinity, pod, term

KINDS, TIMES = 40, 2000
LIMIT_MS = 1.0
PODS: dict[str, dict[str, Any]] = {
    "anywhere": {},
    "an architecture": {"nodeSelector": {"kubernetes.io/arch": "arm64"}},
    "affinity over zones, pools and generations": {
        "affinity": affinity(
            term(
                ("topology.kubernetes.io/zone", "In", ["zone-1", "zone-2"]),
                ("example.com/generation", "Gt", ["3"]),
            ),
            term(
                ("example.com/pool", "NotIn", ["pool-1", "pool-2"]),
                ("kubernetes.io/arch", "Exists", []),
            ),
        ),
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    },
    "a node by its name": {
        "nodeSelector": {"kubernetes.io/hostname": "node-00042.cluster.example"}
    },
    "a DaemonSet's": {"tolerations": [{"operator": "Exists"}]},
}


def node_of_a_kind(number: int, **labels: str) -> bytes:
    """A node of one of the kinds, with a serial number of its own."""
    kind = number % KINDS
    obj = json.loads(fat_node(number))
    own = {"example.com/pool": f"pool-{kind}", "topology.kubernetes.io/zone": f"zone-{kind % 3}"}
    own |= {
        "node.kubernetes.io/instance-type": f"m{kind % 20}.large",
        "example.com/generation": f"{kind % 8}",
    }
    architecture = ("amd64", "arm64", "ppc64le", "s390x")[kind % 4]
    obj["metadata"]["labels"] |= own | {"kubernetes.io/arch": architecture} | labels
    obj["status"]["nodeInfo"]["architecture"] = architecture
    obj["spec"]["taints"] = (
        [{"key": "dedicated", "value": "x", "effect": "NoSchedule"}] if kind % 10 == 0 else []
    )
    return json.dumps(obj, separators=(",", ":")).encode()


def serve(folder: Path, count: int, ready: Any) -> None:
    with api_server(folder, [node_of_a_kind(number) for number in range(count)]):
        ready.set()
        time.sleep(3600)


@contextmanager
def another_process(folder: Path, count: int) -> Iterator[None]:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=serve, args=(folder, count, ready), daemon=True)
    process.start()
    ready.wait()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def slowest(deed: Callable[[int], object]) -> tuple[float, float]:
    """CPU milliseconds: the median, and the median of the slowest of each hundred."""
    taken = []
    for number in range(TIMES):
        began = time.process_time_ns()
        deed(number)
        taken.append((time.process_time_ns() - began) / 1e6)
    hundreds = [max(taken[at : at + 100]) for at in range(0, TIMES, 100)]
    return statistics.median(taken), statistics.median(hundreds)


async def followed(folder: Path, count: int) -> Inventory:
    """List and watch the nodes: what that takes is printed."""
    with Api(Access(folder / "kubeconfig")) as api:
        next(api.nodes())  # what the client itself takes is not the nodes'
        before, _ = memory(os.getpid())
        watch = NodeWatch(api, Inventory())
        wall, cpu = time.monotonic(), time.process_time()
        async with watch.following():
            while not watch.synced:  # noqa: ASYNC110 - the list comes on another thread
                await asyncio.sleep(0.01)
            wall, cpu = time.monotonic() - wall, time.process_time() - cpu
            await asyncio.sleep(2)  # some heartbeats
            resident, peak = memory(os.getpid())
    kinds = len(list(watch.inventory.kinds()))
    print(f"{count} nodes of {kinds} kinds listed in {wall:.1f} s ({cpu:.1f} s of CPU); they take "
          f"{resident - before:.0f} MB, and {peak - before:.0f} MB at the most")  # fmt: skip
    return watch.inventory


def follow(inventory: Inventory, obj: Any) -> None:
    node = read_node(obj)
    assert node is not None
    inventory.upsert(node)


def find(inventory: Inventory, obj: Any, _: int, *, every_node: bool) -> None:
    targets(obj, inventory, every_node=every_node)


def main(count: int) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="elfgate-nodes-") as name,
        another_process(Path(name), count),
    ):
        inventory = asyncio.run(followed(Path(name), count))
    changed = [
        json.loads(node_of_a_kind(number, **{"example.com/pool": "pool-new"}))
        for number in range(TIMES)
    ]
    same = json.loads(node_of_a_kind(0, **{"example.com/pool": "pool-new"}))
    rows: list[tuple[str, float, float]] = [
        (
            "following a node that has changed",
            *slowest(lambda number: follow(inventory, changed[number])),
        ),
        ("following a heartbeat", *slowest(lambda _: follow(inventory, same))),
    ]
    for what, spec in PODS.items():
        obj, every = pod(**spec)["spec"], what == "a DaemonSet's"
        rows.append((f"targets: {what}", *slowest(partial(find, inventory, obj, every_node=every))))
    held = ["kept" if row[2] < LIMIT_MS else "NOT KEPT" for row in rows]
    table = [[*row, word] for row, word in zip(rows, held, strict=True)]
    print(
        tabulate(
            table, ["CPU ms", "median", "slowest of 100", f"< {LIMIT_MS:g} ms"], floatfmt=".3f"
        )
    )


def memory(pid: int) -> tuple[float, float]:
    """Megabytes resident, and at the most so far."""
    status = dict(row.split(":", 1) for row in Path(f"/proc/{pid}/status").read_text().splitlines())
    resident, peak = (int(status[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))
    return resident, peak


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15_000)
