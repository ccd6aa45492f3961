"""Manifests on the command line: ``elfgate check`` beside conftest, each as a whole process.

    python benchmarks/check.py [ROUNDS] [--conftest PROGRAM]

The manifests are the pods of ``reviews.py``, each of another name. elfgate judges them by what is
in their images, which its store knows; conftest applies one rule in Rego to their text, and what
the YAML alone takes is told too. Then 5,000 nodes of 8 kB and manifests of 2 MB, beside one
manifest for one architecture. Wall and CPU seconds, medians of interleaved rounds.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import yaml
from tabulate import tabulate

from memory import fat_node
from reviews import COUNT, REPOSITORIES, reviews
from support import founding

HERE = Path(__file__).parent
COUNTS = (1, 100, 1000)
NODES, MANIFESTS_BYTES = 5000, 2_000_000
YAML_ALONE = "import sys, yaml; list(yaml.load_all(open(sys.argv[1], 'rb'), yaml.CSafeLoader))"


def write_manifests(path: Path, count: int) -> None:
    """Write ``count`` pods, as people write them: without what the API server adds."""
    pods = [review["request"]["object"] for review, _ in reviews()]
    with path.open("w") as file:
        for number in range(count):
            pod = pods[number % COUNT]
            name = f"service-{number}"
            written = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "labels": {"app": name}},
            }
            plain = json.loads(
                json.dumps(written | {"spec": pod["spec"]})
            )  # nothing in it twice, and so no aliases
            yaml.dump_all([plain], file, yaml.CSafeDumper, explicit_start=True)


def write_nodes(path: Path) -> None:
    """Write the nodes of a large cluster, as kubectl prints them."""
    nodes = [json.loads(fat_node(number)) for number in range(NODES)]
    items = [{"apiVersion": "v1", "kind": "Node", **node} for node in nodes]
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


def large(folder: Path) -> dict[str, list[str]]:
    """The commands for a large cluster and much to deploy, and for one manifest alone."""
    manifests, nodes = folder / "manifests.yaml", folder / "nodes.json"
    one = folder / "one.yaml"
    write_manifests(one, 1)
    write_manifests(manifests, MANIFESTS_BYTES // one.stat().st_size)
    write_nodes(nodes)
    for_one = commands(folder, one, "")["elfgate check"]
    where = {"--arch=amd64,arm64,ppc64le,s390x": f"--nodes={nodes}", str(one): str(manifests)}
    for_all = [where.get(word, word) for word in for_one]
    return {"one manifest": for_one, f"{NODES:,} nodes, 2 MB of manifests": for_all}


def commands(folder: Path, manifests: Path, conftest: str) -> dict[str, list[str]]:
    """The commands compared, by name."""
    locations = founding.write(folder / "images")
    images = [
        f"--image={name}:{tag}={locations[f'{founding.REPOSITORY}:{tag}']}"
        for name in REPOSITORIES
        for tag in founding.images()
    ]
    where = [f"--store={folder / 'facts.db'}", "--arch=amd64,arm64,ppc64le,s390x"]
    found = {
        "elfgate check": [
            sys.executable,
            "-m",
            "elfgate",
            "check",
            str(manifests),
            *where,
            *images,
        ],
        "the YAML alone, in Python": [sys.executable, "-c", YAML_ALONE, str(manifests)],
    }
    if conftest:
        policy = str(HERE / "peers" / "conftest.rego")
        found["conftest"] = [conftest, "test", "--policy", policy, "--no-color", str(manifests)]
    return found


def timed(command: Sequence[str]) -> tuple[float, float]:
    """Wall and CPU seconds of a process; it may find something to deny, and may not fail."""
    # Compiled once, as installed programs are, whatever the environment says.
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = str(Path(tempfile.gettempdir()) / "elfgate-bench-pycache")
    began, before = time.perf_counter(), _cpu()
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, env=env
    )
    took = time.perf_counter() - began, _cpu() - before
    if done.returncode not in {0, 1}:
        raise SystemExit(f"{command[:4]} ends with {done.returncode}: {done.stderr.decode()}")
    return took


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def medians(asked: dict[str, list[str]], rounds: int) -> dict[str, list[float]]:
    """Wall and CPU seconds of each command, in interleaved rounds."""
    times: dict[str, list[tuple[float, float]]] = {each: [] for each in asked}
    for command in asked.values():
        timed(command)  # the first run reads the images
    for _ in range(rounds):
        for each, command in asked.items():
            times[each].append(timed(command))
    return {
        each: [statistics.median(figures) for figures in zip(*taken, strict=True)]
        for each, taken in times.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int, nargs="?", default=5)
    parser.add_argument("--conftest", default="", help="its path; left out if there is none")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for count in COUNTS:
            folder = Path(name) / f"{count}"
            folder.mkdir()
            write_manifests(folder / "manifests.yaml", count)
            asked = commands(folder, folder / "manifests.yaml", options.conftest)
            rows += [[count, each, *took] for each, took in medians(asked, options.rounds).items()]
        folder = Path(name) / "large"
        folder.mkdir()
        taken = medians(large(folder), options.rounds)
        rows += [["", each, *took] for each, took in taken.items()]
    print(tabulate(rows, ["manifests", "", "wall s", "CPU s"], floatfmt=".3f"))
    print("limits: 0.4 s of wall time for one; for 1,000 no more than conftest; 2 s for 2 MB")


if __name__ == "__main__":
    main()
