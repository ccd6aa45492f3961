"""Mirrors an installation from one registry into another, and says what came of it, as JSON.

Run where there is no network but loopback: ``unshare --net``.
"""

import asyncio
import gzip
import io
import json
import socket
import subprocess
import sys
import tarfile
from pathlib import Path

import elfgate
from lab.layout import File, Layout
from lab.release import chart, signing
from lab.release.publish import publish
from support.distribution import Distribution

_OPA = "openpolicyagent/opa"


def main(folder: Path, key: Path) -> None:
    """Push a release and OPA's image, mirror them, and tell what was told."""
    with Distribution(folder / "first") as first, Distribution(folder / "second") as second:
        layout = _release(folder / "layout", first.host, signing.Key(key))
        asyncio.run(publish(layout, first.host, plain_http=True))
        named = f"{first.host}/charts/elfgate:{elfgate.__version__}"
        words = ["mirror", "--chart", named, "--to", f"{second.host}/apart"]
        told = {
            "first": first.host,
            "second": second.host,
            "listed": _elfgate(*words, "--list"),
            "copied": _elfgate(*words),
            "again": _elfgate(*words),
            "scanned": _scanned(f"{second.host}/apart/{_OPA}:1"),
            "outside": _reaches("192.0.2.1"),
        }
    json.dump(told, sys.stdout)


def _release(folder: Path, host: str, key: signing.Key) -> Path:
    """The layout of a release whose chart names images of one registry only."""
    layout = Layout(folder)
    digests = {}
    for name in ("elfgate", _OPA):
        layer = layout.layer([File("bin/program", b"#!/bin/program\n", 0o755)])
        config = {"Entrypoint": ["/bin/program"]}
        image = layout.image("amd64", [layer], config)
        tag = elfgate.__version__ if name == "elfgate" else "1"
        digests[name] = layout.tag(f"{name}:{tag}", [image])["digest"]
    packed = chart.package(
        repository=f"{host}/elfgate", digest=digests["elfgate"], seconds=1_700_000_000
    )
    packed = _with_opa(packed, f"{host}/{_OPA}")
    chart.artifact(layout, f"charts/elfgate:{elfgate.__version__}", packed)
    signing.sign_image(layout, key, "elfgate", digests["elfgate"], f"{host}/elfgate")
    layout.finish()
    return folder


def _with_opa(packed: bytes, repository: str) -> bytes:
    """The chart with OPA's image in another registry, by the tag that is there."""
    stream = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(packed)) as old,
        tarfile.open(fileobj=stream, mode="w") as new,
    ):
        for member in old:
            file = old.extractfile(member)
            content = file.read() if file else b""
            if member.name == "elfgate/values.yaml":
                content = content.replace(_OPA.encode(), repository.encode())
                content = content.replace(b"tag: 1.22.2-static", b'tag: "1"')
                member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return gzip.compress(stream.getvalue())


def _elfgate(*words: str) -> object:
    command = [sys.executable, "-m", "elfgate", *words, "-o", "json"]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    return json.loads(ran.stdout) if ran.returncode == 0 else ran.stderr


def _scanned(image: str) -> str:
    command = [sys.executable, "-m", "elfgate", "scan", image, "--isolation", "none"]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


def _reaches(address: str) -> bool:
    try:
        socket.create_connection((address, 80), timeout=1).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
