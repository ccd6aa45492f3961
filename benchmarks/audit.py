"""``elfgate audit`` of a large cluster whose images are known.

Wall time, CPU and memory, as a whole process.

    python benchmarks/audit.py [WORKLOADS] [IMAGES]

The images are of a registry on loopback, half of them of ``2-alpine``, which cannot start on
ppc64le, and half of ``2-debian``, which can; each has a layer of its own. The first run reads them,
the second is measured.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import founding
from support.manifests import pod, workload
from support.oci import Blob
from support.registry import Registry

LIMIT_SECONDS, LIMIT_BYTES = 30, 300 << 20
TAGS = ("2-alpine", "2-debian")
ENV = [
    {"name": f"SETTING_{n}", "value": f"https://service-{n}.example:8443/path"} for n in range(20)
]


def images(count: int) -> Mapping[str, Mapping[str, Blob]]:
    """So many repositories with one image each."""
    return {f"example/app-{n}": {"1": founding.unlike_others(TAGS[n % 2], n)} for n in range(count)}


def objects(registry: Registry, workloads: int, count: int) -> Iterator[dict[str, Any]]:
    """Nodes, and Deployments with two pods each, as kubectl prints them."""
    for n in range(50):
        labels = {"kubernetes.io/arch": "ppc64le", "kubernetes.io/os": "linux"}
        yield {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"p-{n}", "labels": labels}}
    for n in range(workloads):
        image = registry.reference(f"example/app-{n % count}:1")
        made = workload("Deployment", f"app-{n}", image, replicas=2)
        made["metadata"] |= {"namespace": f"team-{n % 97}", "labels": {"team": f"team-{n % 31}"}}
        made["spec"]["template"]["spec"]["containers"][0]["env"] = ENV
        yield made
        for letter in "bc":
            one = pod(f"app-{n}-7d4b-{letter}", image, nodeName=f"p-{n % 50}")
            owner = {"kind": "ReplicaSet", "name": f"app-{n}-7d4b", "controller": True}
            one["metadata"] |= {"namespace": f"team-{n % 97}", "ownerReferences": [owner]}
            one["spec"]["containers"][0]["env"] = ENV
            yield one


def run(file: Path, store: Path, *words: str) -> tuple[float, float, int]:
    """One audit: wall seconds, CPU seconds, and the most memory of its main process.

    ``ru_maxrss`` would be this process's own, from which the other is made.
    """
    command = [sys.executable, "-m", "elfgate", "audit", "-f", str(file), "--store", str(store)]
    began = time.perf_counter()
    with subprocess.Popen([*command, *words], stdout=subprocess.DEVNULL) as process:
        most, pid = 0, 0
        while not pid:
            most = max(most, _most_memory(process.pid))
            time.sleep(0.05)
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
    if os.waitstatus_to_exitcode(status) not in {0, 1}:
        raise SystemExit(f"audit ends with {status}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, most


def _most_memory(pid: int) -> int:
    """The most memory that a process had so far; 0 if it has ended."""
    text = Path(f"/proc/{pid}/status").read_text()
    told = [line.split()[1] for line in text.splitlines() if line.startswith("VmHWM")]
    return int(told[0]) << 10 if told else 0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workloads", type=int, nargs="?", default=10_000)
    parser.add_argument("images", type=int, nargs="?", default=2_000)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        Registry(images(options.images)) as registry,
    ):
        file, store = Path(name) / "objects.json", Path(name) / "facts.db"
        listed = list(objects(registry, options.workloads, options.images))
        file.write_text(json.dumps({"apiVersion": "v1", "items": listed, "kind": "List"}, indent=4))
        print(f"{len(listed):,} objects, {file.stat().st_size / 1e6:.0f} MB")
        for title, words in (
            ("cold", ()),
            ("facts known", ()),
            ("facts known, --for two platforms", ("--for", "linux/ppc64le,linux/arm64")),
        ):
            wall, cpu, most = run(file, store, *words)
            print(f"{title}: {wall:.1f} s wall, {cpu:.1f} s CPU, {most / 1e6:.0f} MB")
    print(f"limits where facts are known: {LIMIT_SECONDS} s, {LIMIT_BYTES / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
