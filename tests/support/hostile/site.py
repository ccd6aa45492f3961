"""Two replicas as processes, and what they rest on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

from support import founding
from support.control_plane import PATIENCE, until
from support.hostile import images
from support.hostile.attacks import Attack
from support.hostile.target import Target
from support.objects import node
from support.oci import Blob
from support.registry import Registry
from support.webhook import Webhook

NAMES = ("a", "b")
TARGETS = 60  # images of the other tenant's that an attacker knows of, and nobody else yet


@dataclass
class Site:
    """The replicas, by name, and the registry that all tenants share.

    Attributes:
        folder: With a folder for each replica.
        settings: Of both replicas.
        ca: Of their certificates.
        registry: Of the images.
        references: Of the images that attacks ask for.
        aimed_at: Images of the other tenant's that an attacker knows of: repository and tag.
        serial: Of the other tenant's last image.
    """

    folder: Path
    settings: dict[str, Any]
    ca: trustme.CA
    registry: Registry
    references: dict[str, str]
    aimed_at: list[tuple[str, str]]
    serial: int = TARGETS
    replicas: dict[str, Webhook] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start a replica, and wait until it is ready."""
        self.replicas[name] = Webhook(self.folder / name, self.settings, self.ca).__enter__()

    def unseen(self, *, aimed_at: bool) -> tuple[str, str]:
        """An image of the other tenant's that was never asked for: its repository and tag."""
        if aimed_at and self.aimed_at:
            return self.aimed_at.pop()
        self.serial += 1
        name, tags = _tenants(self.serial)
        self.registry.images = {**self.registry.images, name: tags}
        return name, next(iter(tags))

    def target(self) -> Target:
        """What an attacker is told."""
        ports = tuple(self.replicas[name].port for name in NAMES)
        return Target(ports, str(self.folder / "ca.crt"), self.references)

    def end(self, name: str, patience: float = PATIENCE) -> float:
        """End a replica as the kubelet does: the seconds that it took."""
        process, began = self.replicas[name].process, time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return time.monotonic() - began

    def restart(self, name: str) -> None:
        """Start a replica that has ended."""
        self.start(name)

    def pids(self) -> list[int]:
        """Of the replicas."""
        return [replica.process.pid for replica in self.replicas.values()]

    def alive(self) -> bool:
        """Whether both replicas still run."""
        return all(replica.process.poll() is None for replica in self.replicas.values())


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Two replicas."""
    with ExitStack() as stack:
        known_of = dict(_tenants(number) for number in range(TARGETS))
        shared = {
            f"hostile/{name.replace(' ', '-')}": {"1": blob}
            for name, blob in images.at_hand().items()
        }
        registry = stack.enter_context(
            Registry({founding.REPOSITORY: founding.images(), **shared, **known_of})
        )
        images.drip(registry, "hostile/slow", shared["hostile/slow"]["1"])
        blobs = {name: blob for name, tags in known_of.items() for blob in tags.values()}
        references, hosts = images.strangers(stack, blobs)
        references |= {
            name.removeprefix("hostile/").replace("-", " "): registry.reference(f"{name}:1")
            for name in shared
        }
        made = Site(
            folder=folder,
            settings=_settings(folder, [registry.host, *hosts]),
            ca=trustme.CA(),
            registry=registry,
            references=references,
            aimed_at=[(name, tag) for name, tags in known_of.items() for tag in tags],
        )
        made.ca.cert_pem.write_to_path(str(folder / "ca.crt"))
        stack.callback(lambda: [made.end(name) for name in made.replicas])
        for name in NAMES:
            made.start(name)
        yield made


def _tenants(number: int) -> tuple[str, dict[str, Blob]]:
    """An image of the other tenant's: its repository, and what is there."""
    tag = "2-alpine" if number % 2 else "2-debian"
    return f"tenant/image-{number}", {tag: founding.unlike_others(tag, number + 1)}


def _settings(folder: Path, hosts: list[str]) -> dict[str, Any]:
    nodes = [node(f"{name}-1", name) for name in ("amd64", "arm64", "ppc64le", "s390x")]
    (folder / "nodes.json").write_text(
        json.dumps({"kind": "NodeList", "apiVersion": "v1", "items": nodes})
    )
    return {
        "nodes": {"file": str(folder / "nodes.json")},
        "registries": {"insecure": hosts, "loopback": True},
    }


@contextmanager
def attacking(site: Site, attack: Attack) -> Iterator[Path]:
    """Attack the replicas while the context lasts, and a file that tells how often that was tried."""
    path, tries = site.folder / "target.json", site.folder / "attacker.log"
    site.target().write(path)
    command = [sys.executable, "-m", "support.hostile.attacker", attack.name, str(path)]
    with tries.open("wb") as log:
        process = subprocess.Popen(command, stderr=log, stdout=log, env=environment())
    try:
        until(lambda: tries.stat().st_size, f"{attack.name} does not begin")
        yield tries
        assert process.poll() is None, tries.read_text()[-2000:]
    finally:
        process.kill()
        process.wait()


def environment() -> dict[str, str]:
    """That of a process that is one of these modules."""
    root = Path(__file__).parents[3]
    return {**os.environ, "PYTHONPATH": f"{root / 'tests'}:{root}"}
