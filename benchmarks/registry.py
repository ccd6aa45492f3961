"""The cost of registry clients.

Small documents and one large blob, from a registry on loopback in another process.

    python benchmarks/registry.py [MEGABYTES]

Ours against oras and aioregistry, where they are installed (pip install oras==0.2.43
aioregistry==0.7.3). Each is asked in turn, three rounds, medians; CPU is this process's alone.
*Blob* is read to its end with its digest verified: by ours while it comes, through
``read_verified``; oras writes it to a file, and its digest is taken from there.
"""

import asyncio
import hashlib
import importlib.util
import multiprocessing
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from elfgate.images.api import Api
from elfgate.images.digests import read_verified
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries
from elfgate.images.source import Descriptor
from support.oci import OCI_LAYER, Blob, image
from support.registry import Registry

DOCUMENTS = 200
ROUNDS = 3


def content(megabytes: int) -> Blob:
    # Not for secrets.
    layer = Blob(OCI_LAYER, random.Random(1).randbytes(megabytes * 1_000_000))  # noqa: S311
    return image([layer], config={"rootfs": {"type": "layers", "diff_ids": [layer.digest]}})


def serve(megabytes: int, pipe: Connection) -> None:
    with Registry({"example/app": {"1.0": content(megabytes)}}) as registry:
        pipe.send(registry.host)
        pipe.recv()


def ours(host: str, layer: Blob) -> tuple[Callable[[], None], Callable[[], None]]:
    registries = Registries()
    source = registries.repository(Reference.parse(f"{host}/example/app:1.0"))

    def documents() -> None:
        for _ in range(DOCUMENTS):
            source.document(source.resolve("1.0"))

    def blob() -> None:
        descriptor = Descriptor(layer.media_type, layer.digest, len(layer.data))

        def read(api: Api) -> None:
            with api.get(f"blobs/{layer.digest}", "it") as reply:
                limit = len(layer.data)
                read_verified(
                    reply, digest=descriptor.digest, size=limit, what="it", limit=limit, seconds=600
                )

        # The client without the indexing.
        source._doors.first(frozenset(), "it", read)  # noqa: SLF001

    return documents, blob


def oras(host: str, layer: Blob) -> tuple[Callable[[], None], Callable[[], None]]:
    # Measured only where it is installed.
    from oras.provider import Registry as Client  # noqa: PLC0415

    client, name = Client(hostname=host, insecure=True), f"{host}/example/app:1.0"

    def documents() -> None:
        for _ in range(DOCUMENTS):
            client.get_manifest(name)

    def blob() -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "blob"
            client.download_blob(client.get_container(name), layer.digest, str(path))
            with path.open("rb") as file:
                assert hashlib.file_digest(file, "sha256").hexdigest() == layer.digest.removeprefix(
                    "sha256:"
                )

    return documents, blob


def aioregistry(host: str, layer: Blob) -> tuple[Callable[[], None], Callable[[], None]]:
    from aioregistry import AsyncRegistryClient, RegistryBlobRef, parse_image_name  # noqa: PLC0415

    reference = parse_image_name(f"{host}/example/app:1.0")

    async def read_documents() -> None:
        async with AsyncRegistryClient() as client:
            for _ in range(DOCUMENTS):
                await client.manifest_download(reference)

    async def read_blob() -> None:
        async with AsyncRegistryClient() as client:
            digest = hashlib.sha256()
            wanted = RegistryBlobRef(
                registry=reference.registry, repo=reference.repo, ref=layer.digest
            )
            async for chunk in (await client.ref_content_stream(wanted))[1]:
                digest.update(chunk)
            assert digest.hexdigest() == layer.digest.removeprefix("sha256:")

    return (lambda: asyncio.run(read_documents())), (lambda: asyncio.run(read_blob()))


def timed(work: Callable[[], None]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(megabytes, there), daemon=True)
    server.start()
    host, layer = here.recv(), content(megabytes).children[1]
    clients = [
        ours,
        *(one for one in (oras, aioregistry) if importlib.util.find_spec(one.__name__)),
    ]
    for title, number in (
        (f"{DOCUMENTS} times tag to manifest", 0),
        (f"{megabytes} MB blob, verified", 1),
    ):
        work = {client.__name__: client(host, layer)[number] for client in clients}
        rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
        for _ in range(ROUNDS):
            for name, run in work.items():
                rounds[name].append(timed(run))
        for name, times in rounds.items():
            wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
            print(f"{title:28} {name:12} {wall:7.3f} s wall {cpu:7.3f} s CPU")
    here.send(None)
    server.join()


if __name__ == "__main__":
    main()
