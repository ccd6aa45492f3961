"""The image's Debian packages: every one is pinned, by its bytes; a release is made of nothing else."""

import hashlib
import json
from pathlib import Path

import pytest

from lab import debian, locked
from lab.fetched import LabError
from lab.layout import File, Layout
from lab.platforms import ARCHITECTURES, Platform
from lab.release.parts import unpinned

ROOT = Path(__file__).parents[2]
_BYTES = b"a package"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and the folder in it where trixie's files for amd64 go."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = debian.downloaded("trixie", "amd64")
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def libc(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is pinned as trixie's libc6, and was fetched already."""
    digest = hashlib.sha256(_BYTES).hexdigest()
    lock = tmp_path / "debian.txt"
    lock.write_text(f"# of a test\ntrixie amd64 libc6_2.41-12_amd64.deb {digest}\n")
    monkeypatch.setattr(locked, "LOCK", lock)
    file = cache / "libc6_2.41-12_amd64.deb"
    file.write_bytes(_BYTES)
    return file


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_package_of_every_platform_is_pinned(architecture: str) -> None:
    platform = locked.platform(architecture)
    place = (platform.suite, architecture)
    pinned = {pin.package for pin in locked.pins() if (pin.suite, pin.architecture) == place}
    assert pinned >= set(platform.packages)


def test_the_python_that_compiles_the_bytecode_is_pinned_too() -> None:
    for suite in {locked.platform(architecture).suite for architecture in ARCHITECTURES}:
        for builder in (Platform("amd64", suite), Platform("arm64", suite)):
            pinned = {
                pin.package
                for pin in locked.pins()
                if (pin.suite, pin.architecture) == (suite, builder.architecture)
            }
            assert pinned >= set(builder.interpreter)


def test_each_file_is_pinned_once_and_no_host_is_named() -> None:
    named = [(pin.suite, pin.architecture, pin.package) for pin in locked.pins()]
    assert len(named) == len(set(named))
    assert all(len(pin.digest) == 64 for pin in locked.pins())
    assert "://" not in locked.LOCK.read_text()


def test_what_was_fetched_already_is_taken_without_asking_a_mirror(libc: Path) -> None:
    assert locked.fetch(["libc6"], suite="trixie", architecture="amd64") == [libc]


def test_other_bytes_under_a_pinned_name_are_refused(libc: Path) -> None:
    libc.write_bytes(b"another package")
    with pytest.raises(LabError, match=r"is not the file that debian\.txt pins"):
        locked.fetch(["libc6"], suite="trixie", architecture="amd64")


def _image(folder: Path, digest: str) -> Path:
    """An image whose bill of materials lists one Debian package."""
    part = {
        "name": "libc6",
        "version": "2.41-12",
        "purl": "pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=trixie",
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }
    bill = json.dumps({"components": [part]}).encode()
    layout = Layout(folder)
    layer = layout.layer([File("usr/share/sbom/elfgate.cdx.json", bill)])
    layout.tag("elfgate", [layout.image("amd64", [layer], {})])
    layout.finish()
    return folder


def test_a_release_tells_of_packages_that_are_not_pinned(tmp_path: Path) -> None:
    (pin,) = (
        pin
        for pin in locked.pins()
        if (pin.package, pin.suite, pin.architecture) == ("libc6", "trixie", "amd64")
    )
    assert unpinned(_image(tmp_path / "pinned", pin.digest)) == []
    assert unpinned(_image(tmp_path / "other", "0" * 64)) == ["libc6 2.41-12"]
