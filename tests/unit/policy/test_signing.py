"""Bundles as files, signed: reproducible, verified by OPA and by elfgate alike, and refused when touched."""

import asyncio
import gzip
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from elfgate.errors import InputError
from elfgate.policy import archive, bundle, signing
from elfgate.policy.config import PolicyConfig
from elfgate.policy.opa import OpaEngine
from elfgate.policy.verdict import Verdict
from support import opa
from support.documents import pod

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())

Contents = dict[str, bytes]


def private(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = KEY) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def public(key: ec.EllipticCurvePrivateKey = KEY) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


def signed(**config: object) -> Contents:
    contents = archive.files(bundle.load(config=PolicyConfig.model_validate(config)))
    return contents | {archive.SIGNATURES: signing.sign(contents, private(), "release")}


def test_the_same_bundle_is_the_same_bytes_signature_included() -> None:
    assert archive.pack(signed()) == archive.pack(dict(reversed(signed().items())))


def test_what_was_packed_is_read_back_as_the_same_bundle() -> None:
    packed = archive.pack(signed(require="all"))
    contents = archive.unpack(packed, "bundle.tar.gz")
    signing.verify(contents, public(), "release")
    assert archive.read(contents, "bundle.tar.gz") == bundle.load(
        config=PolicyConfig(require="all")
    )


def test_settings_may_be_laid_over_a_packed_bundle() -> None:
    read = archive.read(signed(), "bundle.tar.gz", config=PolicyConfig(require="all"))
    assert read == bundle.load(config=PolicyConfig(require="all"))


def change(contents: Contents, path: str, old: bytes, new: bytes) -> Contents:
    assert old in contents[path]
    return contents | {path: contents[path].replace(old, new, 1)}


TAMPERED: dict[str, Callable[[Contents], Contents]] = {
    "a rule is changed": lambda c: change(c, "elfgate/main/main.rego", b"allowed", b"aLlowed"),
    "a setting is changed": lambda c: change(c, archive.DATA, b'"deny"', b'"off"'),
    "the manifest is changed": lambda c: change(
        c, archive.MANIFEST, b'"rego_version":1', b'"rego_version":0'
    ),
    "a file is added": lambda c: c | {"more.rego": b"package more"},
    "a file is taken away": lambda c: {
        path: text for path, text in c.items() if path != "elfgate/main/found.rego"
    },
    "it is not signed": lambda c: {
        path: text for path, text in c.items() if path != archive.SIGNATURES
    },
    "the signature is of another bundle": lambda c: (
        c | {archive.SIGNATURES: signed(require="all")[archive.SIGNATURES]}
    ),
    "the signature is no JSON": lambda c: c | {archive.SIGNATURES: b"{"},
    "there is no signature in it": lambda c: c | {archive.SIGNATURES: b'{"signatures": []}'},
    "another key signed it": lambda c: (
        c | {archive.SIGNATURES: signing.sign(c, private(OTHER), "release")}
    ),
}


@pytest.mark.parametrize("tampered", TAMPERED.values(), ids=TAMPERED)
def test_what_is_not_what_was_signed_is_refused(tampered: Callable[[Contents], Contents]) -> None:
    with pytest.raises(signing.SignatureError) as told:
        signing.verify(tampered(signed()), public(), "release")
    assert "\n" not in str(told.value)


def test_a_key_of_another_name_is_refused() -> None:
    with pytest.raises(
        signing.SignatureError, match="signed with the key 'release', not 'staging'"
    ):
        signing.verify(signed(), public(), "staging")


def test_the_algorithm_none_is_refused() -> None:
    contents = signed()
    _, payload, _ = contents[archive.SIGNATURES].split(b".")
    forged = signing._encoded(b'{"alg":"none","kid":"release"}')
    contents[archive.SIGNATURES] = b'{"signatures":["' + forged + b"." + payload + b'."]}'
    with pytest.raises(signing.SignatureError, match="signed with 'none', not ES256"):
        signing.verify(contents, public(), "release")


@pytest.mark.parametrize(
    "key",
    [b"", b"-----BEGIN", private(rsa.generate_private_key(65537, 2048)), public()],
    ids=range(4),
)
def test_a_key_that_cannot_sign_is_told_in_a_line(key: bytes) -> None:
    with pytest.raises(InputError, match="not an unencrypted PEM key on P-256"):
        signing.sign({}, key, "release")


def test_a_revision_of_other_files_is_refused() -> None:
    contents = change(signed(), archive.DATA, b'"any"', b'"all"')
    with pytest.raises(
        InputError, match=r"says it is revision elfgate-1-\w+, but its files are elfgate-1-"
    ):
        archive.read(contents, "bundle.tar.gz")


def tar(*entries: tuple[str, bytes, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as written:
        for name, kind, content in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.linkname = kind, len(content), "/etc/passwd"
            written.addfile(entry, io.BytesIO(content))
    return gzip.compress(raw.getvalue())


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"no gzip",
        gzip.compress(b"no tar"),
        gzip.compress(bytes(65 << 20)),
        archive.pack(signed())[:-20],
        archive.pack(signed()) + b"more",
        tar(("a.rego", tarfile.SYMTYPE, b"")),
        tar(("../a.rego", tarfile.REGTYPE, b"x")),
        tar(("a.rego", tarfile.REGTYPE, b"x"), ("./a.rego", tarfile.REGTYPE, b"y")),
        tar(*((f"{number}.rego", tarfile.REGTYPE, b"") for number in range(2001))),
    ],
    ids=range(10),
)
def test_a_hostile_file_is_refused_in_a_line(packed: bytes) -> None:
    with pytest.raises(InputError, match=r"^bundle\.tar\.gz ") as told:
        archive.unpack(packed, "bundle.tar.gz")
    assert "\n" not in str(told.value)


needs_opa = pytest.mark.skipif(opa.OPA is None, reason="no OPA here: make policies builds one")


def verdict_of_opa(contents: Contents) -> Verdict:
    """What a real OPA says that was told to verify its bundle; an error if it does not start."""
    with tempfile.TemporaryDirectory(prefix="opa") as short:
        folder = Path(short)
        (folder / "bundle.tar.gz").write_bytes(archive.pack(contents))
        (folder / "public.pem").write_bytes(public())
        verifying = (
            "--verification-key",
            str(folder / "public.pem"),
            "--verification-key-id",
            "release",
        )
        with opa.running(
            folder, "--bundle", str(folder / "bundle.tar.gz"), *verifying, "--signing-alg", "ES256"
        ) as at:
            revision = archive.read(contents, "bundle.tar.gz").revision

            async def ask() -> Verdict:
                engine = OpaEngine(at, revision=revision, seconds=10)
                try:
                    return await engine.evaluate(pod(fails=("s390x",)))
                finally:
                    await engine.close()

            return asyncio.run(ask())


@needs_opa
def test_opa_takes_what_elfgate_signed_and_judges_by_it() -> None:
    row = {"repository": "a", "architectures": ["amd64"], "source": "ünï <&> \u2028 😀 \x80"}
    assert not verdict_of_opa(signed(support=[row])).allowed


@needs_opa
@pytest.mark.parametrize(
    "case", ["a rule is changed", "a setting is changed", "it is not signed", "a file is added"]
)
def test_opa_does_not_start_on_what_was_touched(case: str) -> None:
    with pytest.raises(AssertionError, match="OPA does not listen"):
        verdict_of_opa(TAMPERED[case](signed()))


@needs_opa
def test_elfgate_takes_what_opa_signed(tmp_path: Path) -> None:
    packed = archive.files(bundle.load())
    for path, content in packed.items():
        (tmp_path / "bundle" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "bundle" / path).write_bytes(content)
    (tmp_path / "key.pem").write_bytes(private())
    (tmp_path / "claims.json").write_text('{"keyid": "release"}')
    command = [opa.OPA, "sign", "--signing-key", tmp_path / "key.pem", "--signing-alg", "ES256"]
    command += ["--claims-file", tmp_path / "claims.json"]
    command += ["--bundle", ".", "--output-file-path", tmp_path]
    subprocess.run(
        list(map(str, command)),
        cwd=tmp_path / "bundle",
        check=True,
        capture_output=True,
        timeout=60,
    )
    signature = (tmp_path / ".signatures.json").read_bytes()
    signing.verify(packed | {archive.SIGNATURES: signature}, public(), "release")
