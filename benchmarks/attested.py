"""The first verdict on a large image, by its layers and by attested facts.

    python benchmarks/attested.py

The image of ``big_image.py`` is served from loopback over a link of 200 Mbit/s, on which each
answer takes 20 ms. It is attested once; then it is judged by a store that knows nothing, as it is
and with the key named. Told are the bytes that came, their share of the packed image, the ways
there and back that had to follow one another, and the seconds until the verdict of a webhook that
is ready to predict.
"""

import asyncio
import base64
import json
import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from big_image import ensure
from elfgate.keys import Signer
from elfgate.platforms import Platform
from elfgate.settings.images import AttestedRepositories, Registries
from elfgate.wiring import images as wiring
from elfgate.wiring.attest import attest
from support import pushed
from support.pushed import Pushed

TRIP, LINK = 0.020, 25_000_000  # seconds; bytes a second
PIECE = 64 << 10
AMD64 = Platform("linux", "amd64")
REPOSITORY = "team/large"
LAYOUT = Path.home() / ".cache/elfgate/bench/image"


class Link:
    """A link that all answers share.

    Attributes:
        sent: Bytes so far.
        slow: It has its length now; else it is as fast as it can be.
        answers: When each answer was asked for, and when it had gone, in monotonic seconds.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.slow = False
        self.answers: list[tuple[float, float]] = []
        self._lock = threading.Lock()
        self._free = 0.0

    def ways(self) -> int:
        """How many answers have followed one another: the most of which no two were together."""
        count, free = 0, 0.0
        for begun, done in sorted(self.answers, key=lambda answer: answer[1]):
            if begun >= free:
                count, free = count + 1, done
        return count

    def carry(self, size: int) -> None:
        """Wait until so many bytes have gone through."""
        with self._lock:
            self.sent += size
            now = time.monotonic()
            self._free = max(self._free, now) + size / LINK
            wait = self._free - now
        if self.slow:
            time.sleep(wait)


def paced(link: Link) -> None:
    """Have the registry answer over a link."""

    def reply(self: Any, status: int, body: bytes = b"", **headers: str) -> None:
        begun = time.monotonic()
        time.sleep(TRIP if link.slow else 0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for at in range(0, 0 if self.command == "HEAD" else len(body), PIECE):
            link.carry(len(body[at : at + PIECE]))
            self.wfile.write(body[at : at + PIECE])
        link.answers.append((begun, time.monotonic()))

    pushed._Handler._reply = reply  # type: ignore[method-assign]  # noqa: SLF001


def take(registry: Pushed, layout: Path) -> int:
    """Have the image of a layout; tell its packed bytes."""
    (entry,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    content = blob(layout, entry["digest"])
    for name in ("1", entry["digest"]):
        registry.manifests[f"/v2/{REPOSITORY}/manifests/{name}"] = (entry["mediaType"], content)
    document = json.loads(content)
    for part in (document["config"], *document["layers"]):
        registry.blobs[part["digest"]] = blob(layout, part["digest"])
    return sum(layer["size"] for layer in document["layers"])


def blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs" / digest.replace(":", "/")).read_bytes()


async def first(reading: wiring.Reading, image: str) -> float:
    """Seconds until the verdict."""
    async with wiring.scanner(reading) as scanner:
        began = time.perf_counter()
        linkage = await scanner.linkage(image, AMD64)
        assert linkage.digest, linkage.prediction.findings
        return time.perf_counter() - began


def _nothing(*_: object) -> dict[str, str]:
    """No verdict: its size is nothing beside that of the facts."""
    return {"verdict": ""}


async def main(folder: Path) -> None:
    link = Link()
    paced(link)
    key = ec.generate_private_key(ec.SECP256R1())
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    signer = Signer(key.private_bytes(serialization.Encoding.PEM, form, plain))
    layout = ensure(LAYOUT)
    with Pushed(referrers=True) as registry:
        packed = take(registry, layout)
        image = f"{registry.host}/{REPOSITORY}:1"
        auth = base64.b64encode(b"who:secret").decode()
        (folder / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))
        os.environ["DOCKER_CONFIG"] = str(folder)
        registries = Registries(loopback=True, docker_config=folder / "config.json")
        reading = wiring.Reading(registries=registries, store=folder / "ci.db")
        made = await attest(reading, image, [], key=signer, stated=_nothing, push=True)
        size = sum(statement.size for each in made for statement in each.statements)
        print(f"packed {packed / 1e6:.1f} MB, attested {size / 1e6:.3f} MB ({size / packed:.2%})\n")
        link.slow = True
        said = AttestedRepositories(repositories=("*",), key=signer.public.decode())
        rows: dict[str, tuple[AttestedRepositories, ...]]
        rows = {"by its layers": (), "by attested facts": (said,)}
        print(f"{'':20}{'seconds':>10}{'MB':>10}{'ways':>10}")
        for number, (name, trusted) in enumerate(rows.items()):
            told = registries.model_copy(update={"attested": trusted})
            begun = link.sent
            link.answers.clear()
            store = folder / f"{number}.db"
            fresh = replace(reading, registries=told, store=store, self_test=True)
            seconds = await first(fresh, image)
            sent = (link.sent - begun) / 1e6
            print(f"{name:20}{seconds:10.2f}{sent:10.2f}{link.ways():10}")


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        asyncio.run(main(Path(temporary)))
