"""A name server that never answers, and tenants who read images beside one who asks for its names.

Run as a program, in namespaces of its own (``BESIDE``); it prints what it saw as JSON.
"""

import asyncio
import fcntl
import json
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from elfgate.errors import UnreadableError
from elfgate.images.registry import RegistryOptions
from support.elf_file import elf_file
from support.oci import Blob, image
from support.registry import Registry
from support.tarball import program, tarball
from support.tenants import Tenants, reading

BESIDE = ("unshare", "--user", "--map-root-user", "--net", "--mount", sys.executable, "-m")
_ADDRESS = "127.0.0.9"
_UP = (0x8913, 0x8914, 0x1)  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP
_NAMES = 60
_IMAGES = 20


def _bring_up(interface: bytes) -> None:
    get, put, up = _UP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sh14x", interface, 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(any_socket, get, asked))
        fcntl.ioctl(any_socket, put, struct.pack("16sh14x", interface, flags | up))


def _silence(folder: Path) -> socket.socket:
    """Have every name be asked for at a server that says nothing."""
    _bring_up(b"lo")
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((_ADDRESS, 53))
    (folder / "resolv.conf").write_text(f"nameserver {_ADDRESS}\n")
    subprocess.run(["mount", "--bind", folder / "resolv.conf", "/etc/resolv.conf"], check=True)
    return server


async def _alone(tenants: Tenants) -> dict[str, Any]:
    """How long one look-up takes, and what is said of it."""
    began, message = time.monotonic(), ""
    try:
        await tenants.read("silent.example/app:1.0", namespace="shop")
    except UnreadableError as error:
        message = error.message
    return {"message": message, "seconds": time.monotonic() - began}


async def _beside(tenants: Tenants, registry: Registry) -> dict[str, Any]:
    """How many images one tenant reads while others ask for names that nobody answers for."""
    attack = [
        asyncio.ensure_future(
            tenants.read(f"r{number}.silent.example/app:1.0", namespace=f"evil-{number % 4}")
        )
        for number in range(_NAMES * 4)
    ]
    await asyncio.sleep(1)
    # By its name, which has to be looked up too.
    names = [f"localhost:{registry.port}/example/{number}:1.0" for number in range(_IMAGES)]
    reads = (asyncio.wait_for(tenants.read(name, namespace="shop"), timeout=8) for name in names)
    done = await asyncio.gather(*reads, return_exceptions=True)
    left = sum(not task.done() for task in attack)
    for task in attack:
        task.cancel()
    await asyncio.gather(*attack, return_exceptions=True)
    return {"read": sum(isinstance(result, str) for result in done), "left": left}


def _served() -> dict[str, dict[str, Blob]]:
    programs = (tarball({f"bin/{number}": program(elf_file("amd64"))}) for number in range(_IMAGES))
    return {f"example/{number}": {"1.0": image([tar])} for number, tar in enumerate(programs)}


async def _run(folder: Path) -> dict[str, Any]:
    options = RegistryOptions(document_seconds=3)
    with Registry(_served()) as registry:
        async with reading(folder, options=options) as tenants:
            alone = await _alone(tenants)
            return {"alone": alone, "beside": await _beside(tenants, registry)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, _silence(Path(folder)):
        print(json.dumps(asyncio.run(_run(Path(folder)))))  # noqa: T201
