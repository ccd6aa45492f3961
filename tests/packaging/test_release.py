"""A release: what it holds, the same bytes twice, its signatures, and its way through a registry into Helm."""

import asyncio
import base64
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import elfgate
from elfgate.cli.main import VERBS
from lab.fetched import LabError
from lab.layout import File, Layout
from lab.release import publish, signing, version
from lab.release.build import Plan, release
from support import release_key
from support.chart import helms
from support.pushed import Pushed

REGISTRY = "registry.example/team"
DOWNLOADS = "https://files.example/releases"
PLUGIN = f"kubectl-elfgate-{elfgate.__version__}.tar.gz"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of one small file, in a layout as ``make image`` writes it."""
    folder = tmp_path_factory.mktemp("image")
    layout = Layout(folder)
    layer = layout.layer([File("etc/hello", b"hello\n")])
    layout.tag("elfgate", [layout.image("amd64", [layer], {})])
    layout.finish()
    return folder


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return release_key.write(tmp_path_factory.mktemp("key"))


@pytest.fixture(scope="module")
def made(image: Path, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release") / "out"
    release(Plan(elfgate.__version__, image, REGISTRY, folder, DOWNLOADS, signing.Key(key)))
    return folder


def _named(folder: Path, name: str) -> Any:
    """The manifest that a layout has under a name."""
    index = json.loads((folder / "oci" / "index.json").read_bytes())
    [descriptor] = (
        each
        for each in index["manifests"]
        if each["annotations"]["org.opencontainers.image.ref.name"] == name
    )
    return descriptor, json.loads(_blob(folder, descriptor))


def _blob(folder: Path, descriptor: Any) -> bytes:
    digest: str = descriptor["digest"]
    return (folder / "oci" / "blobs" / digest.replace(":", "/")).read_bytes()


def test_a_release_holds_everything_that_a_version_publishes(made: Path) -> None:
    named = f"elfgate-{elfgate.__version__}"
    chart = f"elfgate-chart-{elfgate.__version__}"
    assert {path.name for path in made.iterdir()} == {
        f"{named}-py3-none-any.whl",
        f"{named}.tar.gz",
        f"{named}.cdx.json",
        f"{chart}.tgz",
        f"{chart}.cdx.json",
        PLUGIN,
        "elfgate.1",
        "elfgate.bash",
        "elfgate.fish",
        "_elfgate",
        "elfgate.krew.yaml",
        "elfgate.rb",
        "provenance.intoto.json",
        "provenance.dsse.json",
        "SHA256SUMS",
        "SHA256SUMS.sig",
        "cosign.pub",
        "oci",
    }


def test_the_checksums_are_those_of_the_files(made: Path) -> None:
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    checked = subprocess.run(command, check=True, cwd=made, capture_output=True, text=True)
    assert len(checked.stdout.splitlines()) == 13


def test_a_release_made_twice_is_the_same_bytes(made: Path, image: Path, tmp_path: Path) -> None:
    release(Plan(elfgate.__version__, image, REGISTRY, tmp_path / "again", DOWNLOADS))
    assert (tmp_path / "again" / "SHA256SUMS").read_bytes() == (made / "SHA256SUMS").read_bytes()
    for name in (f"elfgate:{elfgate.__version__}", f"charts/elfgate:{elfgate.__version__}"):
        assert _named(tmp_path / "again", name)[0] == _named(made, name)[0]


def test_the_chart_installs_the_image_by_the_digest_that_was_released(
    made: Path, tmp_path: Path
) -> None:
    packed = made / f"elfgate-chart-{elfgate.__version__}.tgz"
    subprocess.run(["tar", "-xzf", packed, "-C", tmp_path], check=True)
    values = yaml.safe_load((tmp_path / "elfgate" / "values.yaml").read_text())
    digest = _named(made, f"elfgate:{elfgate.__version__}")[0]["digest"]
    assert values["image"]["repository"] == f"{REGISTRY}/elfgate"
    assert values["image"]["digest"] == digest


def _helm(major: str, *words: object) -> str:
    command = [str(helms()[major]), *map(str, words)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_helm_renders_the_released_chart_with_that_digest(made: Path, major: str) -> None:
    packed = made / f"elfgate-chart-{elfgate.__version__}.tgz"
    rendered = _helm(major, "template", "elfgate", packed, "--namespace", "elfgate")
    digest = _named(made, f"elfgate:{elfgate.__version__}")[0]["digest"]
    assert f"image: {REGISTRY}/elfgate@{digest}" in rendered.replace('"', "")


def _verify(public: bytes, signature: str, content: bytes) -> None:
    loaded = serialization.load_pem_public_key(public)
    assert isinstance(loaded, ec.EllipticCurvePublicKey)
    loaded.verify(base64.b64decode(signature), content, ec.ECDSA(hashes.SHA256()))


def test_the_checksums_are_signed_and_a_changed_file_of_them_is_not(made: Path) -> None:
    public, signature = (made / "cosign.pub").read_bytes(), (made / "SHA256SUMS.sig").read_text()
    content = (made / "SHA256SUMS").read_bytes()
    _verify(public, signature, content)
    with pytest.raises(InvalidSignature):
        _verify(public, signature, content + b"\n")


@pytest.mark.parametrize("name", ["elfgate", "charts/elfgate"])
def test_image_and_chart_are_signed_where_cosign_looks_for_it(made: Path, name: str) -> None:
    digest = _named(made, f"{name}:{elfgate.__version__}")[0]["digest"]
    _, manifest = _named(made, f"{name}:{signing.tag(digest, 'sig')}")
    [layer] = manifest["layers"]
    payload = _blob(made, layer)
    _verify(
        (made / "cosign.pub").read_bytes(),
        layer["annotations"]["dev.cosignproject.cosign/signature"],
        payload,
    )
    assert json.loads(payload)["critical"]["image"] == {"docker-manifest-digest": digest}


@pytest.mark.parametrize("name", ["elfgate", "charts/elfgate"])
def test_a_signed_statement_says_how_each_was_made(made: Path, name: str) -> None:
    digest = _named(made, f"{name}:{elfgate.__version__}")[0]["digest"]
    _, manifest = _named(made, f"{name}:{signing.tag(digest, 'att')}")
    envelope = json.loads(_blob(made, manifest["layers"][0]))
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"].encode()
    encoded = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    _verify((made / "cosign.pub").read_bytes(), envelope["signatures"][0]["sig"], encoded)
    statement = json.loads(payload)
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert digest.removeprefix("sha256:") in {
        subject["digest"]["sha256"] for subject in statement["subject"]
    }


def test_the_bill_of_the_wheel_lists_every_pinned_package(made: Path) -> None:
    bill = json.loads((made / f"elfgate-{elfgate.__version__}.cdx.json").read_bytes())
    names = {component["name"] for component in bill["components"]}
    assert {"pydantic", "orjson", "kubernetes", "opa-python-client"} <= names


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_bash_completes_verbs_options_and_their_values(made: Path) -> None:
    def completed(*words: str) -> set[str]:
        script = (
            f"source {made / 'elfgate.bash'}; COMP_WORDS=({' '.join(words)} ''); "
            f"COMP_CWORD={len(words)}; COMP_LINE='{' '.join(words)} '; COMP_POINT=${{#COMP_LINE}}; "
            "$(complete -p elfgate | sed 's/.*-F //; s/ .*//') elfgate '' ''; "
            "printf '%s\\n' \"${COMPREPLY[@]}\""
        )
        ran = subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True)
        return set(ran.stdout.split())

    assert set(VERBS) <= completed("elfgate")
    assert {"info", "prune", "export", "import"} <= completed("elfgate", "cache")
    assert {"required", "preferred", "none"} <= completed("elfgate", "check", "--isolation")


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_the_man_page_renders_without_a_warning_and_tells_every_verb(made: Path) -> None:
    command: list[str | Path] = [
        "groff",
        "-Kutf8",
        "-ww",
        "-man",
        "-Tutf8",
        "-P-cbou",
        made / "elfgate.1",
    ]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True)
    assert not rendered.stderr
    for verb in VERBS:
        assert f"elfgate {verb}" in " ".join(rendered.stdout.split())


def test_krew_finds_the_plug_in_that_was_released(made: Path) -> None:
    [platform] = yaml.safe_load((made / "elfgate.krew.yaml").read_text())["spec"]["platforms"]
    assert platform["uri"] == f"{DOWNLOADS}/{PLUGIN}"
    assert platform["sha256"] == _sum(made / PLUGIN)
    with tarfile.open(made / PLUGIN) as archive:
        assert {"LICENSE", platform["bin"]} <= set(archive.getnames())


def test_the_plug_in_says_what_it_needs_where_nothing_can_run_it(
    made: Path, tmp_path: Path
) -> None:
    with tarfile.open(made / PLUGIN) as archive:
        archive.extractall(tmp_path, filter="data")
    for tool in ("sh", "dirname", "readlink"):
        found = shutil.which(tool)
        assert found
        (tmp_path / tool).symlink_to(found)
    command: list[str | Path] = [tmp_path / "kubectl-elfgate", "--version"]
    ran = subprocess.run(
        command, check=False, capture_output=True, text=True, env={"PATH": str(tmp_path)}
    )
    assert ran.returncode == 2
    assert ran.stderr == (
        "kubectl elfgate needs uv or pipx, and Python 3.11 or later: install one of them\n"
    )


def test_homebrew_finds_every_file_by_its_sum(made: Path) -> None:
    text = (made / "elfgate.rb").read_text()
    named = re.findall(rf'url "{DOWNLOADS}/(\S+)"\n\s+sha256 "(\w+)"', text)
    assert len(named) == 5
    for name, digest in named:
        assert digest == _sum(made / name)
    sdist = made / f"elfgate-{elfgate.__version__}.tar.gz"
    with tarfile.open(sdist) as archive:
        assert f"elfgate-{elfgate.__version__}/requirements/runtime.txt" in archive.getnames()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pushed]:
    """A registry that the user is logged in to."""
    with Pushed() as server:
        login = {"auths": {server.host: {"auth": base64.b64encode(b"who:secret").decode()}}}
        (tmp_path / "config.json").write_text(json.dumps(login))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        yield server


def _publish(made: Path, registry: Pushed) -> list[str]:
    return asyncio.run(publish.publish(made / "oci", f"{registry.host}/team", plain_http=True))


def test_everything_is_pushed_under_the_names_that_users_pull(made: Path, registry: Pushed) -> None:
    pushed = _publish(made, registry)
    assert len(pushed) == 6
    for name in ("elfgate", "charts/elfgate"):
        path = f"/v2/team/{name}/manifests/{elfgate.__version__}"
        _, content = registry.manifests[path]
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert f"{registry.host}/team/{name}:{elfgate.__version__}@{digest}" in pushed
        signed = f"/v2/team/{name}/manifests/{signing.tag(digest, 'sig')}"
        [layer] = json.loads(registry.manifests[signed][1])["layers"]
        assert layer["digest"] in registry.blobs


def test_helm_pulls_the_published_chart_from_the_registry(
    made: Path, registry: Pushed, major: str, tmp_path: Path
) -> None:
    _publish(made, registry)
    chart = f"oci://{registry.host}/team/charts/elfgate"
    where = ("--version", elfgate.__version__, "--plain-http", "--destination", tmp_path)
    _helm(major, "pull", chart, *where)
    [pulled] = tmp_path.glob("elfgate-*.tgz")
    packed = made / f"elfgate-chart-{elfgate.__version__}.tgz"
    assert pulled.read_bytes() == packed.read_bytes()


def test_another_version_than_the_one_here_is_not_released() -> None:
    with pytest.raises(LabError, match=r"9\.9\.9 is not the version here: pyproject.toml"):
        version.check("9.9.9")


def test_a_key_that_is_none_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(LabError, match=r"key\.pem: "):
        signing.Key(tmp_path / "key.pem")
