"""Two replicas of the webhook behind a balancer, asked by a real API server; and what they rest on, to be broken."""

import base64
import json
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from elfgate.policy import archive, bundle, signing
from elfgate.policy.config import Layer, PolicyConfig
from support import founding, valkey
from support.balancer import Balancer, Proxy
from support.chaos.registry import FaultyRegistry
from support.control_plane import PATIENCE, ControlPlane, until
from support.oci import Blob
from support.webhook import Webhook

NAMESPACE = "chaos"
LABEL = {"elfgate.dev/webhook": NAMESPACE}
BUNDLE = "chaos/policies"
DRAIN_SECONDS = 1.5
SPREAD_SECONDS = 0.5  # until all balancers of a cluster know of a change of endpoints

_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class Site:
    """The replicas, by name, and what is around them.

    Attributes:
        folder: With a folder for each replica.
        settings: Of all replicas.
        of_each: Further settings of each replica, by its name.
        ca: Of their certificates.
        balancer: In front of them.
        registry: Of the images.
        api: Between them and the API server; reviews do not come this way.
        signer: Signs policy bundles.
        shared: The server on which they share facts, if they do.
    """

    folder: Path
    settings: dict[str, Any]
    ca: trustme.CA
    balancer: Balancer
    registry: FaultyRegistry
    api: Proxy
    signer: ec.EllipticCurvePrivateKey
    of_each: dict[str, dict[str, Any]] = field(default_factory=dict)
    shared: valkey.Server | None = None
    replicas: dict[str, Webhook] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.balancer.port}"

    def start(self, name: str) -> None:
        """Start a replica, and wait until it is ready."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        self.shift_clock(name, 0)
        replica = Webhook(
            folder, self.settings | self.of_each.get(name, {}), self.ca, self._environment(folder)
        )
        self.replicas[name] = replica.__enter__()
        self.balancer.backends[name] = replica.port
        until(
            lambda: name in self.balancer.ready,
            f"{name} is not seen to be ready",
            patience=PATIENCE,
        )

    def terminate(self, name: str) -> None:
        """End a replica as Kubernetes does, and wait for its end.

        A pod that is to end gets its signal, and meanwhile leaves the endpoints.
        """
        replica = self.replicas[name]
        replica.process.send_signal(signal.SIGTERM)
        time.sleep(SPREAD_SECONDS)  # what is modelled is a delay: nothing is waited for
        self._forget(name)
        replica.process.wait(PATIENCE)

    def kill(self, name: str) -> None:
        """End a replica at once."""
        process = self.replicas[name].process
        process.send_signal(signal.SIGKILL)
        process.wait()
        self._forget(name)

    def end(self) -> None:
        """End all replicas."""
        for name in list(self.replicas):
            self.terminate(name)

    def _forget(self, name: str) -> None:
        del self.replicas[name], self.balancer.backends[name]
        self.balancer.ready.discard(name)

    def shift_clock(self, name: str, seconds: int) -> None:
        """Let a replica's wall clock jump."""
        with (self.folder / name / "clock").open(
            "r+b" if (self.folder / name / "clock").exists() else "wb"
        ) as file:
            file.write(struct.pack("<q", seconds))

    def _environment(self, folder: Path) -> dict[str, str]:
        shim = clock_shim(self.folder)
        return {"LD_PRELOAD": str(shim), "CLOCK_FILE": str(folder / "clock")} if shim else {}

    def publish(self, contents: dict[str, bytes], *, signed: bool = True) -> None:
        """Put a policy bundle where the replicas look for one."""
        if signed:
            pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
            private = self.signer.private_bytes(pem, form, serialization.NoEncryption())
            contents = contents | {archive.SIGNATURES: signing.sign(contents, private, "release")}
        self.registry.images = {
            **self.registry.images,
            BUNDLE: {"1": _artefact(archive.pack(contents))},
        }

    def metric(self, name: str, series: str) -> float:
        """A sample of a replica's metrics; 0 if it is not there."""
        lines = self.replicas[name].get("/metrics").text.splitlines()
        return next(
            (float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{series} ")), 0.0
        )


def clock_shim(folder: Path) -> Path | None:
    """Build the library that shifts a process's clock, if there is a C compiler."""
    built = folder / "clock.so"
    compiler = shutil.which("cc")
    if compiler and not built.exists():
        source = Path(__file__).with_name("clock.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", built, source], check=True)
    return built if built.exists() else None


@contextmanager
def site(
    cluster: ControlPlane,
    account: Path,
    folder: Path,
    settings: Callable[[Site], dict[str, Any]],
) -> Iterator[Site]:
    """Two replicas, which the API server asks about one namespace, with ``failurePolicy: Fail``: no loss is hidden.

    Args:
        cluster: The cluster.
        account: The replicas' kubeconfig.
        folder: Where they keep what they have.
        settings: Besides those that are always set.
    """
    with ExitStack() as open_:
        registry = open_.enter_context(FaultyRegistry({founding.REPOSITORY: founding.images()}))
        api = open_.enter_context(Proxy(lambda: int(cluster.url.rpartition(":")[2])))
        balancer = open_.enter_context(Balancer())
        signer = ec.generate_private_key(ec.SECP256R1())
        always = {
            "nodes": {"watch": True},
            "cluster": {"kubeconfig": str(_through(account, api, folder))},
            "registries": {"insecure": [registry.host]},
            "admission": {"drain_seconds": DRAIN_SECONDS, "first_sight_seconds": 2},
        }
        made = Site(folder, always, trustme.CA(), balancer, registry, api, signer)
        made.settings |= settings(made)
        (folder / "key.pub").write_bytes(
            signer.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        made.publish(archive.files(bundle.load()))
        open_.callback(made.end)
        for name in ("a", "b"):
            made.start(name)
        configuration = made.replicas["a"].configuration(
            NAMESPACE,
            rules=[("", ["pods"])],
            selector={"matchLabels": LABEL},
            failure_policy="Fail",
        )
        authority = base64.b64encode(made.ca.cert_pem.bytes()).decode()
        configuration["webhooks"][0]["clientConfig"] = {
            "url": f"{made.url}/validate",
            "caBundle": authority,
        }
        open_.callback(cluster.kubectl, "delete", "validatingwebhookconfiguration", NAMESPACE)
        cluster.must("create", "-f", "-", stdin=configuration)
        yield made


def following(site: Site) -> dict[str, Any]:
    """The setting that follows the site's bundle."""
    return {
        "location": f"{site.registry.host}/{BUNDLE}:1",
        "keys": [{"key": str(site.folder / "key.pub"), "key_id": "release"}],
        "poll_seconds": 0.5,
    }


def another_bundle() -> dict[str, bytes]:
    """A bundle of another revision, which judges the same."""
    return archive.files(
        bundle.load(config=PolicyConfig(namespaces={"nobody": Layer(require="all")}))
    )


def _through(account: Path, api: Proxy, folder: Path) -> Path:
    """The kubeconfig that leads through the proxy."""
    config = json.loads(account.read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{api.port}"
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


def _artefact(packed: bytes) -> Blob:
    config, layer = Blob("application/vnd.oci.image.config.v1+json", b"{}"), Blob(_LAYER, packed)
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": config.descriptor(),
        "layers": [layer.descriptor()],
    }
    return Blob(_MANIFEST, json.dumps(manifest).encode(), (config, layer))
