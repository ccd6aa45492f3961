"""The first review of an image that was attested: decided by facts from a real registry, with no layer fetched."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from elfgate.attest.dsse import envelope
from elfgate.attest.statements import FACTS
from elfgate.keys import Signer
from support import founding
from support.distribution import Distribution
from support.notified import review_of, serving
from support.oci import OCI_INDEX, OCI_MANIFEST, Blob, sha256

REPOSITORY, TAG = "team/server", "2-alpine"  # it cannot start on ppc64le
IMAGE = founding.images()[TAG]
PPC64LE = next(
    each for each in IMAGE.children if each.platform and each.platform["architecture"] == "ppc64le"
)
NODE = {
    "kind": "Node",
    "metadata": {
        "name": "n",
        "labels": {"kubernetes.io/arch": "ppc64le", "kubernetes.io/os": "linux"},
    },
}
_ANSWER = re.compile(r"http\.request\.method=GET .*http\.request\.uri=\"?(/v2/[^\s\"]+)\"? .*"
                     r"http\.response\.written=(\d+)")  # fmt: skip
Change = Callable[[dict[str, Any], Signer], bytes]


def new_key(path: Path) -> Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return Signer(path.read_bytes())


@dataclass(frozen=True)
class Attested:
    """A registry with one image, attested by a key."""

    registry: Distribution
    key: Signer

    @property
    def client(self) -> httpx.Client:
        base = f"http://{self.registry.host}/v2/{REPOSITORY}/"
        return httpx.Client(base_url=base, headers={"Accept": f"{OCI_MANIFEST}, {OCI_INDEX}"})

    def push_blob(self, data: bytes) -> None:
        with self.client as client:
            place = client.post("blobs/uploads/").headers["location"]
            url = httpx.URL(place).copy_add_param("digest", sha256(data))
            assert client.put(url, content=data).status_code == 201

    def push_manifest(self, name: str, data: bytes, media_type: str) -> None:
        with self.client as client:
            taken = client.put(
                f"manifests/{name}", content=data, headers={"Content-Type": media_type}
            )
            assert taken.status_code == 201

    def push(self, top: Blob) -> None:
        for manifest in top.children:
            for blob in manifest.children:
                self.push_blob(blob.data)
            self.push_manifest(manifest.digest, manifest.data, manifest.media_type)
        self.push_manifest(TAG, top.data, top.media_type)

    def restate(self, change: Change) -> None:
        """Put another statement in the place of the facts about the image for ppc64le."""
        fallback = PPC64LE.digest.replace(":", "-")
        with self.client as client:
            listed = client.get(f"manifests/{fallback}").json()
            (entry,) = (
                each
                for each in listed["manifests"]
                if each.get("annotations", {}).get("predicateType") == FACTS
            )
            stated = client.get(f"manifests/{entry['digest']}").json()
            blob = client.get(f"blobs/{stated['layers'][0]['digest']}").json()
        other = change(blob, self.key)
        self.push_blob(other)
        stated["layers"][0] |= {"digest": sha256(other), "size": len(other)}
        stated["layers"][0].pop("data", None)
        data = json.dumps(stated).encode()
        self.push_manifest(sha256(data), data, stated["mediaType"])
        entry |= {"digest": sha256(data), "size": len(data)}
        self.push_manifest(fallback, json.dumps(listed).encode(), listed["mediaType"])

    def review(self, folder: Path, key: Signer) -> tuple[dict[str, Any], dict[str, int]]:
        """The first review that a webhook answers: its response, and the bytes of each thing that it fetched."""
        folder.mkdir(parents=True)
        before = len(self.registry.log())
        nodes = folder / "ppc64le.json"
        nodes.write_text(json.dumps({"kind": "List", "items": [NODE]}))
        host = self.registry.host
        stated = {"repositories": [f"{host}/team/*"], "key": key.public.decode()}
        registries = {"insecure": [host], "attested": [stated]}
        with serving(folder, host, registries=registries, nodes={"file": str(nodes)}) as client:
            asked = review_of(f"{host}/{REPOSITORY}:{TAG}")
            answer = client.post("/validate?timeout=10s", json=asked).json()["response"]
        return answer, fetched(self.registry.log()[before:])


def fetched(log: str) -> dict[str, int]:
    """The bytes of each manifest and blob that the registry has sent."""
    found = map(_ANSWER.search, log.splitlines())
    return {each[1].rpartition("/")[2]: int(each[2]) for each in found if each}


@pytest.fixture
def attested(tmp_path: Path) -> Iterator[Attested]:
    key = new_key(tmp_path / "attest.pem")
    with Distribution(tmp_path / "registry") as registry:
        made = Attested(registry, key)
        made.push(IMAGE)
        words = ["attest", f"{registry.host}/{REPOSITORY}:{TAG}", "--key", "attest.pem", "--push"]
        subprocess.run(
            [sys.executable, "-m", "elfgate", *words, "--store", str(tmp_path / "facts.db")],
            cwd=tmp_path,
            env={**os.environ, "DOCKER_CONFIG": str(tmp_path)},
            check=True,
            capture_output=True,
        )
        yield made


def layers() -> set[str]:
    return {layer["digest"] for layer in json.loads(PPC64LE.data)["layers"]}


def is_denied(answer: dict[str, Any]) -> bool:
    return not answer["allowed"] and "loader_missing" in answer["status"]["message"]


def test_the_first_review_is_decided_by_facts_and_no_layer_is_fetched(
    attested: Attested, tmp_path: Path
) -> None:
    answer, sent = attested.review(tmp_path / "serve", attested.key)
    assert is_denied(answer), answer
    assert not layers() & set(sent)
    assert sum(sent.values()) > 0


def broken(stated: dict[str, Any], _key: Signer) -> bytes:
    """The statement with a signature that is none."""
    signature = bytearray(base64.b64decode(stated["signatures"][0]["sig"]))
    signature[-1] ^= 1
    stated["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    return json.dumps(stated).encode()


def of_other_layers(stated: dict[str, Any], key: Signer) -> bytes:
    """A statement by the right key, whose indexes are of layers that the image does not have."""
    statement = json.loads(base64.b64decode(stated["payload"]))
    for layer in statement["predicate"]["layers"]:
        layer["digest"] = f"sha256:{layer['digest'][:6:-1]}"
    return envelope(key, statement)


@pytest.mark.parametrize("change", [broken, of_other_layers])
def test_statements_that_do_not_hold_are_as_good_as_none(
    attested: Attested, tmp_path: Path, change: Change
) -> None:
    attested.restate(change)
    answer, sent = attested.review(tmp_path / "serve", attested.key)
    assert is_denied(answer), answer
    assert layers() <= set(sent)


def test_another_key_s_statements_are_as_good_as_none(attested: Attested, tmp_path: Path) -> None:
    answer, sent = attested.review(tmp_path / "serve", new_key(tmp_path / "stranger.pem"))
    assert is_denied(answer), answer
    assert layers() <= set(sent)
