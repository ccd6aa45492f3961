"""What docs/attest.md says of verifying a verdict, by the real cosign, from a real registry."""

import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from elfgate.attest.statements import VERDICT
from elfgate.keys import Signer
from support import founding
from support.distribution import Distribution
from support.oci import Blob

_COSIGN = Path(__file__).parents[3] / ".ci" / "cosign"
_OPA = _COSIGN.with_name("opa")
REPOSITORY, TAG = "team/server", "2-debian"
FAILING = "2-alpine"  # on two of its platforms
IMAGE = founding.images()[TAG]
DOCS = (Path(__file__).parents[3] / "docs" / "attest.md").read_text()


class Verifying:
    """A registry with an image that was attested, and cosign beside it."""

    def __init__(self, folder: Path, host: str, cosign: str) -> None:
        self.folder = folder
        self.host = host
        self._cosign = cosign

    def attest(self, tag: str = TAG) -> None:
        """Attest an image, as CI does."""
        place = ["--store", str(self.folder / "facts.db")]
        words = ["attest", f"{self.host}/{REPOSITORY}:{tag}", "--key", "attest.pem", "--push"]
        subprocess.run(
            [sys.executable, "-m", "elfgate", *words, *place],
            cwd=self.folder,
            env={**os.environ, "DOCKER_CONFIG": str(self.folder)},
            check=True,
            capture_output=True,
        )

    def verify(
        self, name: str, key: str = "attest.pub", *more: str
    ) -> "subprocess.CompletedProcess[str]":
        """Have cosign verify the verdict about a tag or a digest."""
        words = ["--key", key, "--insecure-ignore-tlog", "--type", VERDICT, *more]
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


def push(host: str, tag: str, top: Blob) -> None:
    """Push an image of several platforms."""
    with httpx.Client(base_url=f"http://{host}/v2/{REPOSITORY}/") as client:
        for manifest in top.children:
            for blob in manifest.children:
                place = client.post("blobs/uploads/").headers["location"]
                url = httpx.URL(place).copy_add_param("digest", blob.digest)
                taken = client.put(url, content=blob.data)
                assert taken.status_code == 201
        for name, blob in [*((child.digest, child) for child in top.children), (tag, top)]:
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
        found = Verifying(folder, registry.host, cosign)
        for tag in (TAG, FAILING):
            push(registry.host, tag, founding.images()[tag])
            found.attest(tag)
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


def block(language: str, word: str = "") -> str:
    """The first example of the page in a language that has a word in it."""
    found = re.findall(rf"^```{language}\n(.*?)^```", DOCS, re.DOTALL | re.MULTILINE)
    return next(str(each) for each in found if word in each)


def statement(verifying: Verifying, tag: str) -> str:
    """The statement about an image's index, as cosign has verified it."""
    ran = verifying.verify(f":{tag}")
    assert ran.returncode == 0, ran.stderr
    return b64decode(json.loads(ran.stdout)["payload"]).decode()


@pytest.mark.parametrize(("tag", "accepted"), [(TAG, True), (FAILING, False)])
def test_cosign_accepts_by_the_policy_of_the_page_what_fails_nowhere(
    verifying: Verifying, tag: str, accepted: bool
) -> None:
    (verifying.folder / "starts.cue").write_text(block("cue"))
    ran = verifying.verify(f":{tag}", "attest.pub", "--policy", "starts.cue")
    assert (ran.returncode == 0) is accepted, ran.stderr


@pytest.mark.parametrize(("tag", "accepted"), [(TAG, True), (FAILING, False)])
def test_the_rego_for_policy_controller_accepts_what_fails_nowhere(
    verifying: Verifying, tag: str, accepted: bool
) -> None:
    policy = yaml.safe_load(block("yaml", "ClusterImagePolicy"))["spec"]["authorities"][0]
    rego = verifying.folder / "sigstore.rego"
    rego.write_text(policy["attestations"][0]["policy"]["data"])
    opa = subprocess.run([_OPA], check=True, capture_output=True, text=True).stdout.strip()
    for dialect in ("--v0-compatible", "--v1-compatible"):
        ran = subprocess.run(
            [opa, "eval", dialect, "-d", rego, "-I", "-f", "raw", "data.sigstore.isCompliant"],
            input=statement(verifying, tag),
            capture_output=True,
            text=True,
            check=True,
        )
        assert (ran.stdout.strip() == "true") is accepted


def test_nfd_is_told_what_a_node_must_have(verifying: Verifying) -> None:
    jq = shutil.which("jq")
    if jq is None:
        pytest.skip("there is no jq: install it")
    (verifying.folder / "nfd.jq").write_text(block("jq"))
    ran = subprocess.run(
        [jq, "-f", verifying.folder / "nfd.jq"],
        input=statement(verifying, TAG),
        capture_output=True,
        text=True,
        check=True,
    )
    made = json.loads(ran.stdout)
    assert made["version"] == "v1alpha1"
    assert [each["description"] for each in made["compatibilities"]] == [
        f"linux/{name}" for name in ("amd64", "arm64", "ppc64le", "s390x")
    ]
