"""The cost that elfgate adds to the creation of a pod by a real API server.

Python benchmarks/creation.py (needs Go once).

Pods are created with dryRun=All, so that etcd's disk and the scheduler do not blur the figure, one
after the other, in turns: in a namespace that the webhook is not asked about; in one that it is,
each of a name of its own, so that each is judged anew, with the image's facts in the store; and
there as the pods of one owner, which are answered from memory.
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
LIMIT_MS = 3.0


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
            cluster.must(
                "create", "-f", "-", stdin=webhook.configuration("elfgate", selector=UNLABELLED)
            )
            with httpx.Client(
                base_url=cluster.url, verify=cluster.trust(), trust_env=False
            ) as client:
                times = measured(client, image)
    without = statistics.median(times["not asked"])
    for name, taken in times.items():
        cuts = statistics.quantiles(taken, n=100)
        added = cuts[49] - without
        held = f"   added p50 {added:5.2f} ms (limit {LIMIT_MS:g})" if name != "not asked" else ""
        print(f"{name:14} p50 {cuts[49]:6.2f} ms   p99 {cuts[98]:6.2f} ms{held}")


def measured(client: httpx.Client, image: str) -> dict[str, list[float]]:
    """Milliseconds of each creation, without the first ones, by what is asked of the webhook."""
    taken: dict[str, list[float]] = {"not asked": [], "judged anew": [], "remembered": []}
    for number in range(WARM_UP + ROUNDS):
        for how, times in taken.items():
            obj = pod(f"p{number}", image)
            if how == "remembered":
                obj["metadata"] = {"generateName": "web-"}
            path = (
                f"/api/v1/namespaces/{'exempt' if how == 'not asked' else 'asked'}/pods?dryRun=All"
            )
            began = time.perf_counter()
            client.post(path, json=obj).raise_for_status()
            times.append((time.perf_counter() - began) * 1000)
    return {how: times[WARM_UP:] for how, times in taken.items()}


if __name__ == "__main__":
    main()
