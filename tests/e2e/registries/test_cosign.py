"""What docs/release.md says of verifying a release, by the real cosign, from a real registry."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import elfgate
from lab.layout import File, Layout
from lab.release import publish, signing
from lab.release.build import Plan, release
from support.distribution import Distribution

_COSIGN = Path(__file__).parents[3] / ".ci" / "cosign"
_KEYED = ("--key", "cosign.pub", "--insecure-ignore-tlog")
_BLOB = ("verify-blob", *_KEYED, "--signature", "SHA256SUMS.sig", "SHA256SUMS")


class Released:
    """A release that was published, and cosign beside it."""

    def __init__(self, folder: Path, host: str, cosign: str) -> None:
        self.folder = folder
        self.host = host
        self._cosign = cosign

    def cosign(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run cosign in the release's folder."""
        return subprocess.run(
            [self._cosign, *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"COSIGN_PASSWORD": ""},
            timeout=60,
        )


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Iterator[Released]:
    cosign = subprocess.run([_COSIGN], check=True, capture_output=True, text=True).stdout.strip()
    folder = tmp_path_factory.mktemp("released")
    image = Layout(folder / "image")
    image.tag("elfgate", [image.image("amd64", [image.layer([File("etc/hello", b"x")])], {})])
    image.finish()
    with Distribution(folder / "registry") as registry:
        out = folder / "out"
        plan = (elfgate.__version__, folder / "image", registry.host, out, "https://files.example")
        release(Plan(*plan, signing.Key(key)))
        asyncio.run(publish.publish(out / "oci", registry.host, plain_http=True))
        yield Released(out, registry.host, cosign)


def test_the_checksums_are_verified_and_changed_ones_are_not(released: Released) -> None:
    assert released.cosign(*_BLOB).returncode == 0
    sums = released.folder / "SHA256SUMS"
    whole = sums.read_bytes()
    sums.write_bytes(whole + b"\n")
    try:
        assert released.cosign(*_BLOB).returncode != 0
    finally:
        sums.write_bytes(whole)


@pytest.mark.parametrize("name", ["elfgate", "charts/elfgate"])
def test_image_and_chart_are_verified_in_the_registry(released: Released, name: str) -> None:
    reference = f"{released.host}/{name}:{elfgate.__version__}"
    ran = released.cosign("verify", *_KEYED, reference)
    assert ran.returncode == 0, ran.stderr
    assert f'"docker-reference":"{released.host}/{name}"' in ran.stdout


@pytest.mark.parametrize("name", ["elfgate", "charts/elfgate"])
def test_how_they_were_made_is_attested(released: Released, name: str) -> None:
    reference = f"{released.host}/{name}:{elfgate.__version__}"
    ran = released.cosign("verify-attestation", *_KEYED, "--type", "slsaprovenance1", reference)
    assert ran.returncode == 0, ran.stderr


def test_nothing_is_verified_by_another_key(released: Released, tmp_path: Path) -> None:
    reference = f"{released.host}/elfgate:{elfgate.__version__}"
    made = released.cosign("generate-key-pair", "--output-key-prefix", str(tmp_path / "other"))
    assert made.returncode == 0, made.stderr
    other = ("--key", str(tmp_path / "other.pub"), "--insecure-ignore-tlog")
    assert released.cosign("verify", *other, reference).returncode != 0
