"""The image: configured as its Dockerfile says, and, where ``make image`` has written one, what is in it; its start."""

import json
import os
import socket
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest
import trustme

import elfgate
from elfgate.policy import bundle
from elfgate.trial.sandbox import SandboxError
from elfgate.trial.start import Start
from lab import dockerfile, image, locked, platforms, sandbox
from lab.fetched import LabError
from lab.sandbox import Sandbox
from support import opa

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "webhook" / "Dockerfile"
EMBEDDED = {"amd64", "arm64"}  # where the policies' engine has a wheel
PATIENCE = 120.0  # seconds for a start, which qemu makes slow
_RANGE = 54321  # the first number of a namespace's range: its pods' user, and their fsGroup
_NONE: Mapping[str, Path] = MappingProxyType({})


@pytest.fixture(scope="session")
def layout() -> Path:
    if "TRIED_IMAGE" not in os.environ:
        pytest.skip("there is no image: make image")
    return Path(os.environ["TRIED_IMAGE"]).resolve()


@pytest.fixture(scope="session", params=platforms.ARCHITECTURES)
def built(
    request: pytest.FixtureRequest, layout: Path, tmp_path_factory: pytest.TempPathFactory
) -> "Built":
    return Built(layout, request.param, tmp_path_factory.mktemp(request.param))


class Built:
    """One platform's image, unpacked: a folder a layer, the lowest first."""

    def __init__(self, layout: Path, architecture: str, folder: Path) -> None:
        self.architecture = architecture
        index = _blob(layout, json.loads((layout / "index.json").read_text())["manifests"][0])
        (descriptor,) = (
            each for each in index["manifests"] if each["platform"]["architecture"] == architecture
        )
        manifest = _blob(layout, descriptor)
        self.config = _blob(layout, manifest["config"])["config"]
        self.layers = []
        for number, each in enumerate(manifest["layers"]):
            self.layers.append(folder / str(number))
            with tarfile.open(_path(layout, each)) as archive:
                archive.extractall(self.layers[-1], filter="fully_trusted")  # noqa: S202 - our own

    def names(self) -> set[str]:
        """Everything that is in it."""
        return {str(path.relative_to(layer)) for layer in self.layers for path in layer.rglob("*")}

    def start(self, *words: str, volumes: Mapping[str, Path] = _NONE) -> Start:
        """As a runtime would start it, with volumes by their places."""
        layers = tuple(map(str, reversed(self.layers)))
        env = dict(pair.split("=", 1) for pair in self.config["Env"])
        argv = (*self.config["Entrypoint"], *(words or self.config["Cmd"]))
        named = tuple((str(source), place) for place, source in volumes.items())
        return Start(
            layers, argv, env=env, user=self.config["User"], timeout=PATIENCE, volumes=named
        )


def _path(layout: Path, descriptor: Any) -> Path:
    digest: str = descriptor["digest"]
    return layout / "blobs" / digest.replace(":", "/")


def _blob(layout: Path, descriptor: Any) -> Any:
    return json.loads(_path(layout, descriptor).read_text())


def test_the_dockerfile_makes_the_layers_that_are_tried_here() -> None:
    given = dockerfile.instructions(DOCKERFILE)
    assert ("RUN", "python3 -m lab.image --suite trixie --layers $TARGETARCH /image") in given
    assert next(iter(platforms.SUITES)) == "trixie"
    copied = [value for keyword, value in given if keyword == "COPY" and value.startswith("--from")]
    assert copied == [f"--from=build /image/{name} /" for name in ("debian", "python", "elfgate")]


def test_the_builder_is_given_what_the_image_is_made_of() -> None:
    given = set((ROOT / ".dockerignore").read_text().splitlines())
    pins = {"!requirements/runtime.txt", "!requirements/debian.txt"}
    assert {"!webhook", "!lab", "!policies", "!LICENSE", "!NOTICE", *pins} <= given


def test_the_image_is_started_by_nobody_in_particular() -> None:
    config = dockerfile.config(DOCKERFILE)
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["elfgate"]


def test_an_instruction_that_is_not_understood_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM scratch\nSHELL ["x"]\n')
    with pytest.raises(LabError, match="SHELL is not known here"):
        dockerfile.config(tmp_path / "Dockerfile")


def test_what_is_installed_is_what_is_tested() -> None:
    tested, installed = (
        _pinned(ROOT / "requirements" / name) for name in ("dev.txt", "runtime.txt")
    )
    assert installed <= tested


@pytest.mark.parametrize("architecture", platforms.ARCHITECTURES)
def test_every_requirement_of_a_platform_is_a_wheel_or_debians(architecture: str) -> None:
    platform = platforms.Platform(architecture, "trixie")
    wheels = {line.partition("==")[0] for line in platform.requirements}
    debian = {
        name.removeprefix("python3-") for name in platform.packages if name.startswith("python3-")
    }
    assert {"pydantic", "uvicorn", "kubernetes"} <= wheels
    assert {"orjson", "cryptography"} <= wheels | debian
    assert {"pyyaml", "yaml"} & (wheels | debian)
    assert ("gordon-to-regorus" in wheels) == (architecture in EMBEDDED)


def _pinned(path: Path) -> set[str]:
    return {line.partition(" ")[0] for line in path.read_text().splitlines() if "==" in line}


def test_it_is_for_every_platform_that_is_claimed(layout: Path) -> None:
    index = _blob(layout, json.loads((layout / "index.json").read_text())["manifests"][0])
    found = [each["platform"]["architecture"] for each in index["manifests"]]
    assert found == list(platforms.ARCHITECTURES)


def test_it_is_configured_as_the_dockerfile_says(built: Built) -> None:
    assert built.config == dockerfile.config(DOCKERFILE)


def test_it_holds_what_it_needs_and_nothing_to_change_it_with(built: Built) -> None:
    names = built.names()
    assert "etc/ssl/certs/ca-certificates.crt" in names
    assert {f"usr/share/doc/elfgate/{name}" for name in ("LICENSE", "NOTICE")} <= names
    assert any(name.endswith("elfgate/policies/.manifest") for name in names)
    programs = {
        Path(name).name
        for name in names
        if name.startswith(("usr/bin/", "usr/sbin/", "bin/", "sbin/"))
    }
    assert not programs & {
        "sh",
        "bash",
        "dash",
        "busybox",
        "apt",
        "apt-get",
        "dpkg",
        "pip",
        "pip3",
        "perl",
    }
    assert not [
        name for name in names if "/pip/" in name or name.startswith(("var/lib/apt", "var/cache/"))
    ]
    assert (built.layers[0] / "tmp").stat().st_mode & 0o7777 == 0o1777


def test_its_bill_of_materials_names_every_part(built: Built) -> None:
    bill = json.loads((built.layers[2] / "usr/share/sbom/elfgate.cdx.json").read_text())
    assert bill["metadata"]["component"]["purl"] == f"pkg:pypi/elfgate@{elfgate.__version__}"
    purls = [component["purl"] for component in bill["components"]]
    assert len(set(purls)) == len(purls)
    packages = {path.name for path in (built.layers[0] / "var/lib/dpkg/status.d").iterdir()}
    assert {
        each["name"] for each in bill["components"] if each["purl"].startswith("pkg:deb/")
    } == packages
    wheels = list(built.layers[1].rglob("*.dist-info"))
    assert sum(purl.startswith("pkg:pypi/") for purl in purls) == len(wheels)


def test_it_is_made_of_the_same_bytes_again(layout: Path, tmp_path: Path) -> None:
    image.write([locked.platform("amd64")], tmp_path / "again")
    first, again = (
        _blob(each, json.loads((each / "index.json").read_text())["manifests"][0])["manifests"][0][
            "digest"
        ]
        for each in (layout, tmp_path / "again")
    )
    assert again == first


@pytest.fixture(scope="session")
def users(layout: Path) -> None:  # what is not there need not be started
    """Somewhere to start programs as somebody else than root."""
    if reason := sandbox.unavailable() or (
        "" if sandbox.has_users() else "only root may map several users"
    ):
        pytest.skip(reason)


@pytest.mark.usefixtures("users")
def test_it_starts(built: Built) -> None:
    with Sandbox(built.architecture) as place:
        outcome = place.start(built.start("--version"))
    assert (outcome.status, outcome.stdout) == (0, f"elfgate {elfgate.__version__}\n"), outcome
    print(f"{built.architecture}: elfgate --version in {outcome.seconds:.1f} s")  # noqa: T201 - the figure


@pytest.mark.usefixtures("users")
def test_it_starts_as_any_user_without_rights_on_a_read_only_root(built: Built) -> None:
    with Sandbox(built.architecture) as place:
        outcome = place.start(_restricted(built.start("--version")))
    assert (outcome.status, outcome.stdout) == (0, f"elfgate {elfgate.__version__}\n"), outcome


def _as_built(start: Start) -> Start:
    """As its own configuration has it."""
    return start


def _restricted(start: Start) -> Start:
    """As OpenShift's restricted-v2 has it: a number that the image does not know, in group 0."""
    return replace(
        start,
        user=f"{_RANGE}:0",
        groups=(_RANGE,),
        read_only=True,
        capabilities=(),
        no_new_privileges=True,
        first=True,
    )


@pytest.mark.usefixtures("users")
@pytest.mark.parametrize("given", [_as_built, _restricted], ids=["its own user", "any user"])
def test_it_serves_and_says_that_it_is_ready(
    built: Built, tmp_path: Path, given: Callable[[Start], Start]
) -> None:
    if built.architecture not in EMBEDDED and opa.OPA is None:
        pytest.skip("no OPA here: make policies builds one")
    ca, port = trustme.CA(), _free_port()
    with ExitStack() as beside:
        run = Path(beside.enter_context(tempfile.TemporaryDirectory(prefix="run")))
        run.chmod(0o755)
        policies: dict[str, Any] = {}
        if built.architecture not in EMBEDDED:
            (policies_folder,) = built.layers[2].rglob("elfgate/policies")
            listening = beside.enter_context(opa.serving(bundle.load(policies_folder), run))
            listening.chmod(0o777)
            policies = {
                "engine": "opa",
                "opa_socket": f"/run/elfgate/{listening.name}",
                "seconds": 20,
            }
        volumes = {
            "/etc/elfgate": _configured(tmp_path / "etc", ca, port, policies),
            "/run/elfgate": run,
            "/tmp": _empty_dir(tmp_path / "tmp"),
            "/var/lib/elfgate": _empty_dir(tmp_path / "facts"),
        }
        start = given(built.start(volumes=volumes))
        ended = beside.enter_context(serving(built.architecture, start))
        assert _ready(ca, port, ended), "it is not ready"
    assert (tmp_path / "facts" / "facts.db").exists()


@contextmanager
def serving(architecture: str, start: Start) -> Iterator[threading.Event]:
    """Run a start while the context lasts; what is yielded tells if it has ended by itself."""
    with Sandbox(architecture) as place:
        ended = threading.Event()

        def run() -> None:
            with suppress(SandboxError):  # the sandbox is gone: it was wanted
                outcome = place.start(start)
                print(outcome.stderr or outcome)  # noqa: T201 - why it ended
                ended.set()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield ended
        finally:
            assert place._worker
            place._worker.kill()
            thread.join()


def _empty_dir(folder: Path) -> Path:
    """A volume as the kubelet makes an ``emptyDir``."""
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def _configured(folder: Path, ca: trustme.CA, port: int, policies: dict[str, Any]) -> Path:
    folder.mkdir()
    leaf = ca.issue_cert("127.0.0.1")
    leaf.private_key_pem.write_to_path(str(folder / "tls.key"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))
    node = {"kind": "Node", "metadata": {"name": "n", "labels": {"kubernetes.io/arch": "amd64"}}}
    (folder / "nodes.json").write_text(json.dumps({"kind": "List", "items": [node]}))
    settings = {
        "listen": {"port": port},
        "tls": {"certificate": "/etc/elfgate/tls.crt", "key": "/etc/elfgate/tls.key"},
        "nodes": {"file": "/etc/elfgate/nodes.json"},
        "policies": policies,
        "store": {"path": "/var/lib/elfgate/facts.db"},
    }
    (folder / "elfgate.yaml").write_text(json.dumps(settings))
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)
    return folder


def _ready(ca: trustme.CA, port: int, ended: threading.Event) -> bool:
    trust = httpx.create_ssl_context()
    ca.configure_trust(trust)
    with httpx.Client(verify=trust, trust_env=False, timeout=60) as client:
        while not ended.wait(0.2):
            with suppress(httpx.TransportError):
                answer = client.get(f"https://127.0.0.1:{port}/readyz")
                if answer.status_code == httpx.codes.OK:
                    return True
                print(answer.text)  # noqa: T201 - why it is not ready
    return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
