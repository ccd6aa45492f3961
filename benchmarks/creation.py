"""What elfgate adds to the creation of a pod by a real API server: python benchmarks/creation.py (needs Go once).

Pods are created with dryRun=All, so that etcd's disk and the scheduler do not blur the figure, one after the other, in
turns in a namespace that the webhook is asked about and in one that it is not. Each has a name of its own, so that each
is judged anew, with the image's facts in the store.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import founding
from support.control_plane import ControlPlane, build
from support.manifests import pod
from support.registry import Registry
from support.webhook import UNLABELLED, Webhook

ROUNDS = 400
WARM_UP = 50


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Registry({founding.REPOSITORY: founding.images()}) as registry,
        ControlPlane(build(), Path(folder) / "cluster") as cluster,
    ):
        for architecture in ("amd64", "arm64", "ppc64le", "s390x"):
            cluster.add_node(f"{architecture}-1", architecture)
        cluster.add_namespace("asked")
        cluster.add_namespace("exempt", **{"elfgate.dev/webhook": "off"})
        image = f"{founding.REPOSITORY}:2-debian"
        settings = {
            "images": {image: registry.reference(image)},
            "nodes": {"watch": True},
            "cluster": {"kubeconfig": str(cluster.kubeconfig("admin"))},
        }
        with Webhook(Path(folder) / "webhook", settings) as webhook:
            cluster.must("create", "-f", "-", stdin=webhook.configuration("elfgate", selector=UNLABELLED))
            with httpx.Client(base_url=cluster.url, verify=cluster.trust(), trust_env=False) as client:
                times = measured(client, image)
    for name, taken in times.items():
        cuts = statistics.quantiles(taken, n=100)
        print(f"{name:7} p50 {cuts[49]:6.2f} ms   p99 {cuts[98]:6.2f} ms")
    added = statistics.median(times["asked"]) - statistics.median(times["exempt"])
    print(f"added   p50 {added:6.2f} ms")


def measured(client: httpx.Client, image: str) -> dict[str, list[float]]:
    """Milliseconds of each creation, without the first ones, by namespace."""
    taken: dict[str, list[float]] = {"exempt": [], "asked": []}
    for number in range(WARM_UP + ROUNDS):
        for namespace, times in taken.items():
            began = time.perf_counter()
            path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All"
            client.post(path, json=pod(f"p{number}", image)).raise_for_status()
            times.append((time.perf_counter() - began) * 1000)
    return {namespace: times[WARM_UP:] for namespace, times in taken.items()}


if __name__ == "__main__":
    main()
