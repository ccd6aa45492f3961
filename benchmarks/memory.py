"""How much memory a webhook's processes take, and how soon it is ready with a warm store.

    python benchmarks/memory.py [--images 10000] [--nodes 15000]

The images are this machine's own system files as a base layer (in variants that differ in every ELF
file), a layer in the middle, and one of their own with a program that differs from every other.
Their indexes are in the store, as after some weeks; tags are asked of a registry on loopback. Nodes
are listed and watched at an API server on loopback, with the fields that real ones have. At last
two images are read whose only layers are all of those files, packed. What counts is what all
processes of the webhook hold, what they share by shares. Limits: 130 MB when it is ready, 190 after
all images, 250 while the two layers are read; ready within 3 s.
"""

import argparse
import asyncio
import gzip
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import trustme

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from elfgate.images.source import Limits
from elfgate.rootfs import tar
from elfgate.store.protocol import Kind
from elfgate.store.sqlite import SqliteStore
from support.held import Held, megabytes
from support.judging import review_of
from support.objects import container, node, pod
from support.oci import OCI_LAYER, Blob, image, sha256
from support.registry import Registry
from support.tarball import link, program, tarball

VARIANTS, BASES, MIDDLES, LARGE = 12, 200, 1000, 2
CONTAINERS, AT_A_TIME = 4, 8
LARGEST_FILE = 2 << 20
PROGRAM = Path("/bin/bash")
FRESH_MB, RESIDENT_MB, READING_MB, READY_SECONDS = 130, 190, 250, 3.0
PATIENCE = 60.0
SETTLE_SECONDS = 35.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--nodes", type=int, default=15_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="elfgate-memory-") as name:
        folder = Path(name)
        images = fill(folder / "facts.db", options.images)
        large = {f"large/{number}": {"1": packed(number)} for number in range(LARGE)}
        nodes = [fat_node(each) for each in range(options.nodes)]
        with Registry(images | large) as registry, api_server(folder, nodes):
            authority = certificates(folder)
            config = settings(folder, registry)
            named = [registry.reference(f"{each}:1") for each in images]
            with serving(config) as (process, url, seconds):
                fresh = mb(megabytes(process.pid))
                worked = processor_seconds(process.pid)
                asyncio.run(ask(url, authority, named))
                time.sleep(SETTLE_SECONDS)  # in which it gives back what the last reviews needed
                resident = mb(megabytes(process.pid))
                with Held(process.pid) as held:
                    asyncio.run(
                        ask(url, authority, [registry.reference(f"{each}:1") for each in large])
                    )
        report = Report(fresh, resident, mb(held.peak), seconds)
        print(
            f"{options.images} images, {options.nodes} nodes; ready with {worked:.2f} s of "
            "processor time"
        )
        print("\n".join(report.lines()))
        sys.exit(report.is_broken())


@dataclass(frozen=True)
class Report:
    """The figures: megabytes of all processes, and seconds.

    Attributes:
        fresh: When it is ready.
        resident: After all images.
        reading: At the most, while large layers are read.
        ready: From its start until it is ready.
    """

    fresh: float
    resident: float
    reading: float
    ready: float

    def lines(self) -> Iterator[str]:
        """A line for each, with its limit."""
        for name, figure, limit in self._rows():
            yield f"{name}: {figure:.1f} (limit {limit:g})"

    def is_broken(self) -> bool:
        """Whether a limit is not kept."""
        return any(figure > limit for _, figure, limit in self._rows())

    def _rows(self) -> Iterator[tuple[str, float, float]]:
        yield "MB when it is ready", self.fresh, FRESH_MB
        yield "MB after all images", self.resident, RESIDENT_MB
        yield f"MB at the most while {LARGE} large layers are read", self.reading, READING_MB
        yield "seconds until it is ready", self.ready, READY_SECONDS


def mb(mebibytes: float) -> float:
    return mebibytes * (1 << 20) / 1e6


def packed(number: int) -> Blob:
    """An image of all of this machine's programs and libraries, as a registry has it."""
    data = gzip.compress(tarball(system(VARIANTS + number)), 1)
    return image([Blob(f"{OCI_LAYER}+gzip", data)], entrypoint=["/usr/bin/bash"])


def fill(path: Path, count: int) -> dict[str, dict[str, Blob]]:
    """Put the images' facts into a store; the images by repository and tag."""
    bases = [index(system(variant)) for variant in range(VARIANTS)]
    middle = index({f"usr/share/doc/m{number}/README": b"text" for number in range(500)})
    made = {}
    with closing(SqliteStore(path, max_bytes=16 << 30)) as store:
        for number in range(count):
            base, between = number % BASES, number % MIDDLES
            own = {f"srv/app/part-{part}": b"#!/bin/sh\n" for part in range(number % 50)}
            indexes = {
                sha256(b"base %d" % base): bases[base % VARIANTS],
                sha256(b"middle %d" % between): middle,
                sha256(b"own %d" % number): index(
                    own | {"usr/local/bin/app": program(elf(PROGRAM, number))}
                ),
            }
            layers = [Blob(OCI_LAYER, b"", claims=digest) for digest in indexes]
            one = image(layers, entrypoint=["/usr/local/bin/app"])
            for digest, blob in indexes.items():
                store.put(Kind.LAYER, digest, blob)
            for document in (one, *one.children):
                if document not in layers:
                    store.put(Kind.DOCUMENT, document.digest, document.data)
            made[f"team-{number % 50}/app-{number}"] = {"1": one}
    return made


def system(variant: int) -> dict[str, Any]:
    """This machine's programs and libraries, as a base image has them."""
    content: dict[str, Any] = {"etc/os-release": b"ID=debian\nVERSION_ID=12\n"}
    places = [Path("/usr/bin"), *Path("/usr/lib").glob("*-linux-gnu"), Path("/usr/lib64")]
    for path in sorted(path for place in places if place.is_dir() for path in place.iterdir()):
        name = str(path).lstrip("/")
        if path.is_symlink():
            content[name] = link(str(path.readlink()))
        elif path.is_file() and path.stat().st_size <= LARGEST_FILE:
            content[name] = program(elf(path, variant))
    return content | {name: link(f"usr/{name}") for name in ("bin", "lib", "lib64")}


def elf(path: Path, number: int) -> bytes:
    """A file, as another than that of any other number.

    In its flags, to which x86-64 gives no meaning.
    """
    data = path.read_bytes()
    return (
        data[:48] + number.to_bytes(4, "little") + data[52:] if data[:5] == b"\x7fELF\x02" else data
    )


def index(content: dict[str, Any]) -> bytes:
    limits = Limits()
    packed = BytesIO(tarball(content))
    return tar.index(
        packed, max_bytes=limits.layer_bytes, max_entries=limits.layer_entries
    ).encode()


@contextmanager
def api_server(folder: Path, nodes: list[bytes]) -> Iterator[None]:
    """Lists nodes by the page, lets them be watched, and tells of heartbeats.

    A kubeconfig leads to it.
    """
    count = len(nodes)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            self.send_response(200)
            self.end_headers()
            if "watch" in query:
                beat = 0
                with suppress(ConnectionError):  # who watched has ended
                    while not stopping.wait(0.02):
                        self.wfile.write(
                            b'{"type":"MODIFIED","object":' + nodes[beat % count] + b"}\n"
                        )
                        beat += 1
                return
            start, limit = int(query.get("continue", ["0"])[0]), int(query["limit"][0])
            left = str(start + limit) if start + limit < count else ""
            metadata = json.dumps({"resourceVersion": "1", "continue": left}).encode()
            items = b",".join(nodes[start : start + limit])
            self.wfile.write(
                b'{"kind":"NodeList","metadata":' + metadata + b',"items":[' + items + b"]}"
            )

    stopping = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    write_kubeconfig(folder, server.server_port)
    try:
        yield
    finally:
        stopping.set()
        server.shutdown()
        server.server_close()


def write_kubeconfig(folder: Path, port: int) -> None:
    config = {
        "clusters": [{"name": "lab", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "me", "user": {"token": "x"}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
        "current-context": "lab",
    }
    (folder / "kubeconfig").write_text(json.dumps(config))


def fat_node(number: int) -> bytes:
    """A node with what a real one has besides.

    Labels, addresses, conditions and fifty images, some 8 kB.
    """
    labels = {
        "topology.kubernetes.io/zone": f"zone-{number % 3}",
        "node.kubernetes.io/instance-type": f"m{number % 20}.large",
        "example.com/serial": f"{number:012}",
        "example.com/pool": f"pool-{number % 40}",
    }
    obj = node(
        f"node-{number:05}.cluster.example", ("amd64", "arm64")[number % 10 == 0], labels=labels
    )
    obj["status"]["images"] = [
        {"names": [f"registry.example/team/{image}@sha256:{image:064}"], "sizeBytes": image}
        for image in range(50)
    ]
    obj["status"]["conditions"] = [
        {"type": f"Condition{kind}", "status": "False", "reason": "x" * 40} for kind in "abcdef"
    ]
    return json.dumps(obj, separators=(",", ":")).encode()


def certificates(folder: Path) -> trustme.CA:
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    leaf.private_key_pem.write_to_path(str(folder / "tls.key"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))
    return authority


def settings(folder: Path, registry: Registry) -> Path:
    path = folder / "elfgate.yaml"
    said = {
        "listen": {"port": 0},
        "tls": {"certificate": str(folder / "tls.crt"), "key": str(folder / "tls.key")},
        "nodes": {"watch": True},
        "cluster": {"kubeconfig": str(folder / "kubeconfig")},
        "store": {"path": str(folder / "facts.db"), "size_cap": 16 << 30},
        "registries": {"insecure": [registry.host]},
        "admission": {"drain_seconds": 0, "first_sight_seconds": 25},
    }
    path.write_text(json.dumps(said))
    return path


@contextmanager
def serving(config: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, float]]:
    """Run the webhook: its process, URL, and how many seconds it took to be ready."""
    began = time.monotonic()
    log = config.with_name("log.jsonl")
    with log.open("wb") as output:
        command = [sys.executable, "-m", "elfgate", "serve", "--config", str(config)]
        process = subprocess.Popen(command, stderr=output)
    try:
        url = ""
        # It is ours, on loopback.
        with httpx.Client(verify=False, trust_env=False, timeout=PATIENCE) as client:  # noqa: S501
            while not (url and client.get(f"{url}/readyz").status_code == httpx.codes.OK):
                if process.poll() is not None or time.monotonic() - began > PATIENCE:
                    sys.exit(f"it is not ready:\n{log.read_text()}")
                time.sleep(0.02)
                lines = [
                    json.loads(line) for line in log.read_text().splitlines() if '"url"' in line
                ]
                url = lines[0]["url"] if lines else ""
        yield process, url, time.monotonic() - began
    finally:
        process.terminate()
        process.wait()


async def ask(url: str, authority: trustme.CA, images: list[str]) -> None:
    """Have pods of all the images judged, a few at a time.

    Each must be admitted, or memory was not used for real.
    """
    context = ssl.create_default_context()
    authority.configure_trust(context)
    pods = [
        pod(
            *(
                container(f"c{place}", name)
                for place, name in enumerate(images[at : at + CONTAINERS])
            ),
            nodeSelector={"kubernetes.io/arch": "amd64"},
        )
        for at in range(0, len(images), CONTAINERS)
    ]
    left = iter(pods)
    async with httpx.AsyncClient(verify=context, trust_env=False, timeout=PATIENCE) as client:

        async def work() -> None:
            for obj in left:
                answer = await client.post(f"{url}/validate?timeout=30s", content=review_of(obj))
                response = answer.json()["response"]
                if not response["allowed"] or response.get("warnings"):
                    sys.exit(f"{response}")

        await asyncio.gather(*(work() for _ in range(AT_A_TIME)))


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
