"""``elfgate attest``, and what is believed of it, with a registry that lists referrers and with one that does not."""

import asyncio
import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from elfgate.keys import Signer
from elfgate.linkage.report import Outcome
from elfgate.platforms import Platform
from elfgate.settings import Settings
from elfgate.wiring import images as wiring
from support import founding, pushed
from support.oci import OCI_INDEX, OCI_MANIFEST
from support.pushed import Pushed

Run = Callable[..., "subprocess.CompletedProcess[str]"]
REPOSITORY = "team/server"
TAG = "2-debian"


def new_key(path: Path) -> Path:
    """A private key in a file, and its public half beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    path.with_suffix(".pub").write_bytes(Signer(path.read_bytes()).public)
    return path


@dataclass(frozen=True)
class Made:
    """What one run of the verb has left in a registry.

    Attributes:
        told: What it printed.
        manifests: Of the registry.
        blobs: Of the registry.
        key: The private key's file.
        referrers: Whether the registry has the API.
    """

    told: Any
    manifests: dict[str, tuple[str, bytes]]
    blobs: dict[str, bytes]
    key: Path
    referrers: bool


@pytest.fixture(scope="module", params=[True, False], ids=["with the API", "by the fallback tag"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("attest")
    key = new_key(folder / "attest.pem")
    with Pushed(referrers=request.param) as taken:
        taken.take_image(REPOSITORY, TAG, founding.images()[TAG])
        auth = base64.b64encode(b"who:secret").decode()
        config = {"auths": {taken.host: {"auth": auth}}}
        (folder / "config.json").write_text(json.dumps(config))
        words = ["attest", image(taken), "--key", str(key), "--push", "-o", "json"]
        ran = subprocess.run(
            [sys.executable, "-m", "elfgate", *words, "--store", str(folder / "facts.db")],
            env={**os.environ, "DOCKER_CONFIG": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        before = dict(taken.manifests)
        again = subprocess.run(
            [*ran.args, "--isolation", "none"],
            env={**os.environ, "DOCKER_CONFIG": str(folder)},
            capture_output=True,
            check=False,
        )
        assert again.returncode == 0
        assert taken.manifests == before  # attesting again changes nothing
        told = json.loads(ran.stdout)
        return Made(told, dict(taken.manifests), dict(taken.blobs), key, request.param)


@pytest.fixture
def registry(made: Made) -> Iterator[Pushed]:
    """A registry of its own with all that was attested."""
    with Pushed(referrers=made.referrers) as taken:
        taken.manifests |= made.manifests
        taken.blobs |= made.blobs
        yield taken


@pytest.fixture
def key(made: Made) -> Path:
    return made.key


@pytest.fixture
def attested(made: Made) -> Any:
    return made.told


def image(registry: Pushed) -> str:
    return f"{registry.host}/{REPOSITORY}:{TAG}"


def scan(elfgate: Run, registry: Pushed, store: Path, *words: str) -> Any:
    """A scan by a store of its own: what it says, and which layers were fetched."""
    registry.seen.clear()
    quick = ["--isolation", "none", "--platform", "ppc64le", "--platform", "amd64"]
    ran = elfgate("scan", image(registry), "-o", "json", "--store", str(store), *quick, *words)
    assert ran.stderr == "", ran.stderr
    blobs = {path.rpartition("/")[2] for path in registry.seen if "/blobs/" in path}
    return json.loads(ran.stdout), blobs & layers(registry)


def layers(registry: Pushed) -> set[str]:
    """The digests of the layers of the image for the two platforms that are scanned."""
    index = json.loads(registry.manifests[f"/v2/{REPOSITORY}/manifests/{TAG}"][1])
    found = set()
    for entry in index["manifests"]:
        if entry["platform"]["architecture"] in ("amd64", "ppc64le"):
            path = f"/v2/{REPOSITORY}/manifests/{entry['digest']}"
            document = json.loads(registry.manifests[path][1])
            found |= {layer["digest"] for layer in document["layers"]}
    return found


def trusting(registry: Pushed, key: Path, repositories: str = "*/team/*") -> list[str]:
    return ["--attested", f"{repositories}={key.with_suffix('.pub')}"]


def test_each_manifest_has_a_verdict_and_facts_signed(attested: Any, key: Path) -> None:
    assert len(attested["manifests"]) == 4
    for manifest in attested["manifests"]:
        assert [each["kind"] for each in manifest["statements"]] == ["verdict", "facts"]
        for statement in manifest["statements"]:
            envelope = json.loads(base64.b64decode(statement["envelope"]))
            payload = base64.b64decode(envelope["payload"])
            verify(key, payload, base64.b64decode(envelope["signatures"][0]["sig"]))
            (subject,) = json.loads(payload)["subject"]
            assert f"sha256:{subject['digest']['sha256']}" == manifest["digest"]


def verify(key: Path, payload: bytes, signature: bytes) -> None:
    """Verify a DSSE signature as the protocol says, without the product."""
    public = serialization.load_pem_public_key(key.with_suffix(".pub").read_bytes())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    kind = b"application/vnd.in-toto+json"
    content = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    public.verify(signature, content, ec.ECDSA(hashes.SHA256()))


def test_a_verdict_says_what_comes_of_the_start_and_what_it_needs(attested: Any) -> None:
    starts: dict[str, Any] = {}
    for manifest in attested["manifests"]:
        envelope = json.loads(base64.b64decode(manifest["statements"][0]["envelope"]))
        predicate = json.loads(base64.b64decode(envelope["payload"]))["predicate"]
        starts |= {each["platform"]: each for each in predicate["platforms"]}
        assert predicate["policies"]
    assert {each["verdict"] for each in starts.values()} == {"starts"}
    assert starts["linux/ppc64le"]["needs"]["glibc"] == "2.34"


def test_a_scan_that_trusts_the_key_reads_no_layer_and_says_the_same(
    elfgate: Run, registry: Pushed, key: Path, tmp_path: Path
) -> None:
    plain, fetched = scan(elfgate, registry, tmp_path / "plain.db")
    assert fetched == layers(registry)
    quick, none = scan(elfgate, registry, tmp_path / "quick.db", *trusting(registry, key))
    assert none == set()
    assert quick == plain


def test_an_attested_image_is_asked_for_in_few_ways(
    elfgate: Run, registry: Pushed, key: Path, tmp_path: Path
) -> None:
    """Tag, index, manifest, config, referrers, attestation, and an index for each layer."""
    words = ("--platform", "amd64", "--store", str(tmp_path / "few.db"), "--isolation", "none")
    registry.seen.clear()
    ran = elfgate("scan", image(registry), *words, *trusting(registry, key))
    assert ran.returncode == 0
    parts = [path.rpartition("/")[2] for path in registry.seen]
    documents = [part for part in parts if "/blobs/" not in part]
    index = json.loads(registry.manifests[f"/v2/{REPOSITORY}/manifests/{TAG}"][1])
    (amd64,) = (
        entry for entry in index["manifests"] if entry["platform"]["architecture"] == "amd64"
    )
    manifest = registry.manifests[f"/v2/{REPOSITORY}/manifests/{amd64['digest']}"][1]
    layers_ = len(json.loads(manifest)["layers"])
    fallback = 0 if registry.has_referrers else 1
    assert len(documents) == 6 + layers_ + fallback, documents


def test_statements_are_asked_for_while_the_manifest_comes(
    elfgate: Run, registry: Pushed, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each way there and back counts: a manifest is held back until its referrers are asked for."""
    index = json.loads(registry.manifests[f"/v2/{REPOSITORY}/manifests/{TAG}"][1])
    manifests = tuple(f"/manifests/{entry['digest']}" for entry in index["manifests"])
    reply, together = pushed._Handler._reply, []

    def held(self: Any, status: int, body: bytes = b"", **headers: str) -> None:
        if self.path.endswith(manifests):
            until = time.monotonic() + 10
            while not (asked := _referrers(registry)) and time.monotonic() < until:
                time.sleep(0.01)
            together.append(asked)
        reply(self, status, body, **headers)

    monkeypatch.setattr(pushed._Handler, "_reply", held)
    registry.seen.clear()
    words = ("--platform", "amd64", "--store", str(tmp_path / "new.db"), "--isolation", "none")
    assert elfgate("scan", image(registry), *words, *trusting(registry, key)).returncode == 0
    assert together == [True]


def _referrers(registry: Pushed) -> bool:
    return any("/referrers/" in path for path in registry.seen)


def test_a_copy_of_an_envelope_within_its_manifest_need_not_be_there(
    elfgate: Run, registry: Pushed, key: Path, tmp_path: Path
) -> None:
    changed(registry, lambda document: document["layers"][0].pop("data"))
    _, none = scan(elfgate, registry, tmp_path / "old.db", *trusting(registry, key))
    assert none == set()


POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: web, image: %s}]}
"""


@pytest.mark.parametrize(
    "verb",
    [
        ["check", "--isolation", "none", "-", "--arch", "amd64,ppc64le"],
        ["audit", "--isolation", "none", "-f", "-", "--for", "linux/amd64,linux/ppc64le"],
    ],
    ids=["check", "audit"],
)
def test_check_and_audit_read_attested_facts_too(
    elfgate: Run, registry: Pushed, key: Path, tmp_path: Path, verb: list[str]
) -> None:
    def told(store: str, *words: str) -> tuple[int, Any, set[str]]:
        registry.seen.clear()
        place = ["--store", str(tmp_path / store), "-o", "json"]
        ran = elfgate(*verb, *place, *words, text=POD % image(registry))
        assert ran.stderr == "", ran.stderr
        blobs = {path.rpartition("/")[2] for path in registry.seen if "/blobs/" in path}
        return ran.returncode, json.loads(ran.stdout), blobs & layers(registry)

    code, plain, fetched = told("plain.db")
    assert fetched == layers(registry)
    assert told("quick.db", *trusting(registry, key)) == (code, plain, set())


@pytest.mark.parametrize("policy", ["as shipped", "that looks at images' natures"])
def test_the_webhook_reads_attested_facts_too(
    registry: Pushed, key: Path, tmp_path: Path, policy: str
) -> None:
    """As ``serve`` scans: whether upper layers would do for its policies, or not."""
    public = key.with_suffix(".pub").read_text()
    said = {"repositories": ["*/team/*"], "key": public}
    settings = Settings.model_validate(
        {
            "registries": {"loopback": True, "attested": [said]},
            "store": {"path": str(tmp_path / "facts.db")},
        }
    )
    reading = replace(
        wiring.Reading.of_settings(settings),
        wait=None,
        isolation="none",
        by_upper=lambda: policy == "as shipped",
    )

    async def run() -> None:
        async with wiring.scanner(reading) as scanner:
            for platform in ("amd64", "ppc64le"):
                told = await scanner.linkage(image(registry), Platform("linux", platform))
                assert told.outcome is Outcome.STARTS

    registry.seen.clear()
    asyncio.run(run())
    blobs = {path.rpartition("/")[2] for path in registry.seen if "/blobs/" in path}
    assert not blobs & layers(registry)
    referred = [path for path in registry.seen if "/referrers/" in path]
    assert len(referred) == 2  # once for each manifest


def test_a_key_counts_for_its_repositories_only(
    elfgate: Run, registry: Pushed, key: Path, tmp_path: Path
) -> None:
    words = trusting(registry, key, "*/other/*")
    _, fetched = scan(elfgate, registry, tmp_path / "other.db", *words)
    assert fetched == layers(registry)


def test_facts_by_a_key_are_not_told_where_the_key_does_not_count(
    elfgate: Run, registry: Pushed, key: Path, tmp_path: Path
) -> None:
    store = tmp_path / "shared.db"
    _, none = scan(elfgate, registry, store, *trusting(registry, key))
    assert none == set()
    _, fetched = scan(elfgate, registry, store)
    assert fetched == layers(registry)


def test_another_key_s_statements_are_as_good_as_none(
    elfgate: Run, registry: Pushed, tmp_path: Path
) -> None:
    stranger = new_key(tmp_path / "stranger.pem")
    said, fetched = scan(elfgate, registry, tmp_path / "x.db", *trusting(registry, stranger))
    assert fetched == layers(registry)
    assert {each["verdict"] for each in said["platforms"]} == {"starts"}


def changed(registry: Pushed, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest of each attestation of facts, as whoever may write to a registry can."""
    for path, (media_type, content) in list(registry.manifests.items()):
        document = json.loads(content)
        if "subject" in document and "facts" in document["annotations"]["predicateType"]:
            change(document)
            other = json.dumps(document).encode()
            folder, _, old = path.rpartition("/")
            new = f"sha256:{hashlib.sha256(other).hexdigest()}"
            del registry.manifests[path]
            registry.manifests[f"{folder}/{new}"] = (media_type, other)
            _list_anew(registry, old, new, len(other))


def _list_anew(registry: Pushed, old: str, new: str, size: int) -> None:
    """Have fallback tags list a changed manifest."""
    for path, (media_type, content) in list(registry.manifests.items()):
        document = json.loads(content)
        if "/manifests/sha256-" in path and "manifests" in document:
            for entry in document["manifests"]:
                if entry["digest"] == old:
                    entry.update(digest=new, size=size)
            registry.manifests[path] = (media_type, json.dumps(document).encode())


def truncated(registry: Pushed) -> None:
    """Cut off each index of a layer that is attested."""
    for _, content in list(registry.manifests.values()):
        document = json.loads(content)
        for layer in document["layers"][1:] if "subject" in document else ():
            registry.blobs[layer["digest"]] = registry.blobs[layer["digest"]][:-7]


def with_many_referrers(registry: Pushed) -> None:
    """Have more things refer to each manifest than are looked through."""
    for path, (_, content) in list(registry.manifests.items()):
        document = json.loads(content)
        if "subject" not in document and "config" in document:
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            strange = {"mediaType": OCI_MANIFEST, "digest": f"sha256:{'0' * 64}", "size": 1}
            listed = json.dumps({"manifests": [strange] * 1001}).encode()
            place = f"{path.rpartition('/')[0]}/{digest.replace(':', '-')}"
            registry.manifests[place] = (OCI_INDEX, listed)
    registry.has_referrers = False


def of_another_layer(registry: Pushed) -> None:
    """Have one index's bytes in place of another's."""
    for _, content in list(registry.manifests.values()):
        document = json.loads(content)
        for layer in document["layers"][1:] if "subject" in document else ():
            registry.blobs[layer["digest"]] = b"another index"


def within_that_are_others(registry: Pushed) -> None:
    """Change the envelope that is within, and have none beside."""
    other = base64.b64encode(b"{}").decode()
    changed(registry, lambda document: document["layers"][0].update(data=other))
    for _, content in list(registry.manifests.values()):
        document = json.loads(content)
        if "subject" in document:
            registry.blobs.pop(document["layers"][0]["digest"], None)


def without_envelopes(registry: Pushed) -> None:
    changed(registry, lambda document: document.update(layers=document["layers"][1:]))


def with_large_envelopes(registry: Pushed) -> None:
    changed(registry, lambda document: document["layers"][0].update(size=1 << 40))


def with_strange_listings(registry: Pushed) -> None:
    """Have the list of referrers be no list."""
    registry.has_referrers = False
    for path in list(registry.manifests):
        if "/manifests/sha256-" in path:
            registry.manifests[path] = (registry.manifests[path][0], b'{"manifests": 7}')


def replayed(registry: Pushed) -> None:
    """Put the statement about one manifest beside all others."""
    found = [
        document["layers"]
        for _, content in registry.manifests.values()
        if "facts"
        in (document := json.loads(content)).get("annotations", {}).get("predicateType", "")
        and "subject" in document
    ]
    changed(registry, lambda document: document.update(layers=_another(found, document)))


def _another(found: list[Any], document: dict[str, Any]) -> Any:
    return next(layers for layers in found if layers != document["layers"])


@pytest.mark.parametrize(
    "spoil",
    [
        truncated,
        of_another_layer,
        without_envelopes,
        within_that_are_others,
        with_large_envelopes,
        with_strange_listings,
        with_many_referrers,
        replayed,
    ],
)
def test_bad_attestations_leave_everything_as_it_is_without_any(
    elfgate: Run, registry: Pushed, key: Path, tmp_path: Path, spoil: Callable[[Pushed], None]
) -> None:
    plain, _ = scan(elfgate, registry, tmp_path / "plain.db")
    spoil(registry)
    said, fetched = scan(elfgate, registry, tmp_path / "spoilt.db", *trusting(registry, key))
    assert fetched == layers(registry)
    assert said == plain


def test_without_push_nothing_is_written(elfgate: Run, registry: Pushed, key: Path) -> None:
    before = dict(registry.manifests)
    ran = elfgate("attest", image(registry), "--key", str(key))
    assert ran.returncode == 0
    assert ran.stdout.endswith(
        "nothing is attached: --push attaches the statements, and -o json=FILE writes them\n"
    )
    assert registry.manifests == before


def test_a_layout_cannot_be_pushed_to(elfgate: Run, key: Path) -> None:
    ran = elfgate("attest", "oci:layout:2-debian", "--key", str(key), "--push")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "is in no registry" in ran.stderr


def test_a_key_that_is_none_is_refused(elfgate: Run, registry: Pushed, tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("no key\n")
    ran = elfgate("attest", image(registry), "--key", str(tmp_path / "no.pem"))
    assert ran.returncode == 2
    assert "P-256" in ran.stderr
