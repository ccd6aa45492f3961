"""Which signed bundles may come into force: by whose key, in which order, and after a restart."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from elfgate.errors import InputError
from elfgate.policy import archive, bundle, signing
from elfgate.policy.config import Layer, PolicyConfig
from elfgate.policy.signed import BundleState, RollbackError, SignedBundles
from elfgate.policy.signing import SignatureError

PEM = serialization.Encoding.PEM


class Signer:
    """Signs with a key of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public(self) -> bytes:
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_key().public_bytes(PEM, info)

    def bundle(self, serial: int = 0, namespace: str = "shop") -> bytes:
        """A signed bundle; another namespace makes another revision."""
        config = PolicyConfig(namespaces={namespace: Layer(require="all")})
        contents = archive.files(bundle.load(config=config), serial=serial)
        form = serialization.PrivateFormat.PKCS8
        private = self._key.private_bytes(PEM, form, serialization.NoEncryption())
        signature = signing.sign(contents, private, self.name)
        return archive.pack(contents | {archive.SIGNATURES: signature})


OLD, NEW, STRANGER = Signer("old"), Signer("new"), Signer("stranger")


def follower(folder: Path | None = None, *, allow_rollback: bool = False) -> SignedBundles:
    return SignedBundles(
        BundleState("registry.test/policies:1", required=True),
        keys={signer.name: signer.public for signer in (OLD, NEW)},
        config=PolicyConfig(),
        folder=folder,
        allow_rollback=allow_rollback,
    )


def put(bundles: SignedBundles, packed: bytes) -> str:
    """Verify a bundle and put it into force; its revision."""
    revision = bundles.read(packed).revision
    bundles.in_force(packed, revision)
    return revision


@pytest.mark.parametrize("signer", [OLD, NEW])
def test_while_a_key_is_exchanged_both_keys_count(signer: Signer) -> None:
    assert put(follower(), signer.bundle())


def test_a_stranger_s_key_does_not_count_even_under_a_trusted_name() -> None:
    with pytest.raises(SignatureError, match="signed with the key 'stranger'"):
        follower().read(STRANGER.bundle())
    impostor = Signer("old")
    with pytest.raises(SignatureError, match="not of the key 'old'"):
        follower().read(impostor.bundle())


def test_an_older_bundle_does_not_come_back() -> None:
    bundles = follower()
    put(bundles, OLD.bundle(serial=2, namespace="b"))
    for older in (OLD.bundle(serial=1, namespace="a"), OLD.bundle(namespace="a")):
        with pytest.raises(RollbackError, match="and 2 is in force"):
            bundles.read(older)
    assert put(bundles, OLD.bundle(serial=3, namespace="a"))
    assert bundles.state.serial == 3


def test_a_serial_names_one_bundle_only() -> None:
    bundles = follower()
    put(bundles, OLD.bundle(serial=2, namespace="b"))
    with pytest.raises(RollbackError, match="serial 2 of the bundle in force"):
        bundles.read(OLD.bundle(serial=2, namespace="a"))
    assert put(bundles, NEW.bundle(serial=2, namespace="b"))  # signed anew


def test_a_rollback_may_be_allowed() -> None:
    bundles = follower(allow_rollback=True)
    put(bundles, OLD.bundle(serial=2, namespace="b"))
    assert put(bundles, OLD.bundle(serial=1, namespace="a"))


def test_the_last_good_bundle_and_its_serial_outlive_a_restart(tmp_path: Path) -> None:
    good = OLD.bundle(serial=5, namespace="b")
    revision = put(follower(tmp_path / "kept"), good)
    restarted = follower(tmp_path / "kept")
    assert restarted.state.not_ready() != []
    kept = restarted.kept()
    assert kept == good
    restarted.in_force(kept, restarted.read(kept).revision, restored=True)
    assert restarted.state.revision == revision
    assert restarted.state.not_ready() == []
    with pytest.raises(RollbackError):
        restarted.read(OLD.bundle(serial=4, namespace="a"))


def test_a_kept_file_that_somebody_changed_is_refused(tmp_path: Path) -> None:
    put(follower(tmp_path), OLD.bundle(namespace="b"))
    (tmp_path / "bundle.tar.gz").write_bytes(STRANGER.bundle(namespace="c"))
    kept = follower(tmp_path).kept()
    assert kept is not None
    with pytest.raises(SignatureError):
        follower(tmp_path).read(kept)


def test_a_folder_that_cannot_be_written_is_told_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    lines: list[str] = []
    bundles = follower(tmp_path / "file" / "folder")
    bundles.warn = lines.append
    assert put(bundles, OLD.bundle())
    assert any("cannot be kept" in line for line in lines)


@pytest.mark.parametrize("serial", ["7", -1, True, 1.5, 1 << 60])
def test_a_serial_that_is_none_is_refused(serial: object) -> None:
    contents = {archive.MANIFEST: b'{"metadata": {"serial": %s}}' % str(serial).lower().encode()}
    if isinstance(serial, str):
        contents = {archive.MANIFEST: b'{"metadata": {"serial": "7"}}'}
    with pytest.raises(InputError, match="no whole number"):
        archive.serial(contents)
