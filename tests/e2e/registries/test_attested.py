"""What docs/attest.md says of verifying a verdict, by the real cosign, from a real registry."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from elfgate.attest.statements import VERDICT
from elfgate.keys import Signer
from support import founding
from support.distribution import Distribution
from support.oci import Blob

_COSIGN = Path(__file__).parents[3] / ".ci" / "cosign"
REPOSITORY, TAG = "team/server", "2-debian"
IMAGE = founding.images()[TAG]


class Verifying:
    """A registry with an image that was attested, and cosign beside it."""

    def __init__(self, folder: Path, host: str, cosign: str) -> None:
        self.folder = folder
        self.host = host
        self._cosign = cosign

    def attest(self) -> None:
        """Attest the image, as CI does."""
        place = ["--store", str(self.folder / "facts.db")]
        words = ["attest", f"{self.host}/{REPOSITORY}:{TAG}", "--key", "attest.pem", "--push"]
        subprocess.run(
            [sys.executable, "-m", "elfgate", *words, *place],
            cwd=self.folder,
            env={**os.environ, "DOCKER_CONFIG": str(self.folder)},
            check=True,
            capture_output=True,
        )

    def verify(self, name: str, key: str = "attest.pub") -> "subprocess.CompletedProcess[str]":
        """Have cosign verify the verdict about a tag or a digest."""
        words = ["--key", key, "--insecure-ignore-tlog", "--type", VERDICT]
        return subprocess.run(
            [self._cosign, "verify-attestation", *words, f"{self.host}/{REPOSITORY}{name}"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def new_key(path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    path.with_suffix(".pub").write_bytes(Signer(path.read_bytes()).public)


def push(host: str, top: Blob) -> None:
    """Push an image of several platforms."""
    with httpx.Client(base_url=f"http://{host}/v2/{REPOSITORY}/") as client:
        for manifest in top.children:
            for blob in manifest.children:
                place = client.post("blobs/uploads/").headers["location"]
                url = httpx.URL(place).copy_add_param("digest", blob.digest)
                taken = client.put(url, content=blob.data)
                assert taken.status_code == 201
        for name, blob in [*((child.digest, child) for child in top.children), (TAG, top)]:
            headers = {"Content-Type": blob.media_type}
            taken = client.put(f"manifests/{name}", content=blob.data, headers=headers)
            assert taken.status_code == 201


@pytest.fixture(scope="module")
def verifying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verifying]:
    cosign = subprocess.run([_COSIGN], check=True, capture_output=True, text=True).stdout.strip()
    folder = tmp_path_factory.mktemp("attested")
    for name in ("attest.pem", "stranger.pem"):
        new_key(folder / name)
    with Distribution(folder / "registry") as registry:
        push(registry.host, IMAGE)
        found = Verifying(folder, registry.host, cosign)
        found.attest()
        yield found


@pytest.mark.parametrize("name", [f":{TAG}", f"@{IMAGE.digest}", f"@{IMAGE.children[0].digest}"])
def test_a_verdict_is_verified_by_cosign(verifying: Verifying, name: str) -> None:
    ran = verifying.verify(name)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["payloadType"] == "application/vnd.in-toto+json"


def test_it_is_not_verified_by_another_key(verifying: Verifying) -> None:
    ran = verifying.verify(f":{TAG}", "stranger.pub")
    assert ran.returncode != 0


def test_attesting_again_leaves_one_verdict(verifying: Verifying) -> None:
    verifying.attest()
    ran = verifying.verify(f":{TAG}")
    assert (ran.returncode, len(ran.stdout.splitlines())) == (0, 1)
