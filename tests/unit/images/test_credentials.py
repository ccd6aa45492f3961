"""Where credentials come from: Docker's helpers, identity tokens, and the kubelet's plug-ins."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elfgate.errors import InputError, UnknownReason, UnreadableError
from elfgate.images.auth import Chain, Credential
from elfgate.images.credential_provider import CredentialProviders
from elfgate.images.docker_config import DockerConfig
from elfgate.images.keyring import Keyring
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries
from support.elf_file import elf_file
from support.oci import image
from support.registry import Answer, Registry
from support.tarball import program, tarball

APP = image([tarball({"bin/sh": program(elf_file("amd64"))})])
IMAGES = {"example/app": {"1.0": APP}}
SECRET = "s3cret"

Install = Callable[[str, str], Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a shell script on PATH; ``$LOG`` in it is a file that keeps what it was asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")

    def put(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\nLOG={tmp_path / 'log'}\n{script}\n")
        path.chmod(0o755)
        return path

    return put


def asked(folder: Path) -> list[str]:
    log = folder / "log"
    return log.read_text().splitlines() if log.exists() else []


def docker(folder: Path, **content: Any) -> DockerConfig:
    (folder / "config.json").write_text(json.dumps(content))
    return DockerConfig.read(folder / "config.json")


# --- Docker's credential helpers


def test_a_helper_is_asked_for_its_host_once_a_while(install: Install, tmp_path: Path) -> None:
    install(
        "docker-credential-cloud",
        'echo "$1 $(cat)" >> $LOG; echo \'{"ServerURL": "x", "Username": "u", "Secret": "p"}\'',
    )
    config = docker(tmp_path, credHelpers={"cloud.example": "cloud"})
    for _ in range(2):
        assert config.find("cloud.example/team/app") == (Credential("u", "p"),)
    assert config.find("other.example/app") == ()
    assert asked(tmp_path) == ["get cloud.example"]


def test_a_store_is_asked_for_every_host_that_has_no_helper(
    install: Install, tmp_path: Path
) -> None:
    install(
        "docker-credential-store",
        'echo "$(cat)" >> $LOG; echo \'{"Username": "<token>", "Secret": "t"}\'',
    )
    config = docker(tmp_path, credsStore="store", auths={"https://index.docker.io/v1/": {}})
    assert config.find("docker.io/library/alpine") == (Credential("", "t"),)
    assert asked(tmp_path) == ["https://index.docker.io/v1/"]


def test_what_a_helper_does_not_know_is_looked_up_in_the_file(
    install: Install, tmp_path: Path
) -> None:
    install(
        "docker-credential-store",
        "cat > /dev/null; echo credentials not found in native keychain; exit 1",
    )
    auth = base64.b64encode(b"u:p").decode()
    config = docker(tmp_path, credsStore="store", auths={"a.example": {"auth": auth}})
    assert config.find("a.example/app") == (Credential("u", "p"),)
    assert config.find("b.example/app") == ()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (f"echo {SECRET}; exit 3", "fails for a.example .exit code 3"),
        (f"echo {SECRET}", "no credentials"),
        ("echo '[]'", "no credentials"),
        ("yes | head -c 2000000", "more than"),
    ],
)
def test_a_helper_that_fails_is_one_line_without_its_words(
    install: Install, tmp_path: Path, script: str, words: str
) -> None:
    install("docker-credential-bad", script)
    with pytest.raises(UnreadableError, match=words) as raised:
        docker(tmp_path, credsStore="bad").find("a.example/app")
    assert raised.value.reason is UnknownReason.NO_CREDENTIALS
    assert SECRET not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_helper_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        UnreadableError, match="docker-credential-absent cannot be run: No such file"
    ):
        docker(tmp_path, credsStore="absent").find("a.example/app")


def test_a_helper_that_hangs_is_killed_with_its_children(install: Install, tmp_path: Path) -> None:
    install("docker-credential-slow", "sleep 60 & wait")
    config = DockerConfig({}, store="slow", helper_seconds=0.3)
    started = time.monotonic()
    with pytest.raises(UnreadableError, match=r"within 0\.3 s"):
        config.find("a.example/app")
    assert time.monotonic() - started < 10


def test_a_helper_s_name_cannot_lead_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be one"):
        docker(tmp_path, credsStore="../../evil")


def test_a_helper_is_asked_again_when_its_answer_is_old(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        "docker-credential-cloud",
        'echo "$(cat)" >> $LOG; echo \'{"Username": "u", "Secret": "p"}\'',
    )
    config = docker(tmp_path, credsStore="cloud")
    config.find("a.example/app")
    later = time.monotonic() + 301
    monkeypatch.setattr(time, "monotonic", lambda: later)
    config.find("a.example/app")
    assert len(asked(tmp_path)) == 2


# --- identity tokens


def test_an_identity_token_is_posted_for_another_and_not_sent_to_the_registry(
    tmp_path: Path,
) -> None:
    with Registry(IMAGES, auth="bearer") as registry:
        registry.tokens.add("Bearer exchanged")
        registry.answer("/token", Answer(body=b'{"access_token": "exchanged", "expires_in": 60}'))
        registries = Registries(
            docker(tmp_path, auths={registry.host: {"auth": "AAA=", "identitytoken": SECRET}})
        )
        source = registries.repository(Reference.parse(registry.reference("example/app")))
        assert source.resolve("1.0").digest == APP.digest
        registries.close()
        posted = next(seen for seen in registry.seen if seen.method == "POST")
        assert posted.body == (
            f"scope=repository%3Aexample%2Fapp%3Apull&service=test&grant_type=refresh_token&client_id=elfgate"
            f"&refresh_token={SECRET}"
        )
        assert {seen.authorization for seen in registry.seen} == {"", "Bearer exchanged"}


# --- the kubelet's plug-ins


def providers(folder: Path, *plugins: dict[str, Any], **extra: Any) -> CredentialProviders:
    base = {
        "matchImages": ["*.cloud.example"],
        "defaultCacheDuration": "1h",
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
    }
    document = {
        "apiVersion": "kubelet.config.k8s.io/v1",
        "kind": "CredentialProviderConfig",
        "providers": [{**base, **plugin} for plugin in plugins],
        **extra,
    }
    (folder / "providers.yaml").write_text(json.dumps(document))
    return CredentialProviders.read(folder / "providers.yaml", folder / "bin")


def response(**extra: Any) -> str:
    document = {
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "kind": "CredentialProviderResponse",
        "cacheKeyType": "Registry",
        "auth": {"*.cloud.example": {"username": "u", "password": "p"}},
        **extra,
    }
    return f"echo \"$* $MODE $(cat)\" >> $LOG; echo '{json.dumps(document)}'"


def test_a_plug_in_is_run_as_the_kubelet_runs_it(install: Install, tmp_path: Path) -> None:
    install("cloud", response())
    plugin = {"name": "cloud", "args": ["get", "it"], "env": [{"name": "MODE", "value": "x"}]}
    found = providers(tmp_path, plugin)
    assert found.find("a.cloud.example/app") == (Credential("u", "p"),)
    assert found.find("elsewhere.example/app") == ()
    (line,) = asked(tmp_path)
    assert line.startswith("get it x ")
    assert json.loads(line.removeprefix("get it x ")) == {
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "kind": "CredentialProviderRequest",
        "image": "a.cloud.example/app",
    }


@pytest.mark.parametrize(("key", "runs"), [("Image", 3), ("Registry", 2), ("Global", 1)])
def test_an_answer_holds_for_what_the_plug_in_says(
    install: Install, tmp_path: Path, key: str, runs: int
) -> None:
    install("cloud", response(cacheKeyType=key))
    found = providers(tmp_path, {"name": "cloud"})
    for name in (
        "a.cloud.example/app",
        "a.cloud.example/app",
        "a.cloud.example/other",
        "b.cloud.example/app",
    ):
        assert found.find(name)
    assert len(asked(tmp_path)) == runs


@pytest.mark.parametrize(
    ("said", "default", "runs"),
    [("0s", "1h", 2), (None, "0s", 2), (None, "1h", 1), ("10m", "0s", 1)],
)
def test_an_answer_holds_as_long_as_it_says(
    install: Install, tmp_path: Path, said: str | None, default: str, runs: int
) -> None:
    install("cloud", response(cacheDuration=said))
    found = providers(tmp_path, {"name": "cloud", "defaultCacheDuration": default})
    for _ in range(2):
        found.find("a.cloud.example/app")
    assert len(asked(tmp_path)) == runs


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (f"echo {SECRET}; exit 1", "fails"),
        (f'echo \'{{"auth": "{SECRET}"}}\'', "no CredentialProviderResponse"),
        (
            response(apiVersion="credentialprovider.kubelet.k8s.io/v1alpha1"),
            "no CredentialProviderResponse",
        ),
        (response(cacheKeyType="Never"), "no CredentialProviderResponse"),
    ],
)
def test_a_plug_in_that_fails_is_one_line(
    install: Install, tmp_path: Path, script: str, words: str
) -> None:
    install("cloud", script)
    with pytest.raises(UnreadableError, match=words) as raised:
        providers(tmp_path, {"name": "cloud"}).find("a.cloud.example/app")
    assert SECRET not in str(raised.value)


def test_a_plug_in_that_fails_hides_nothing_that_others_know(
    install: Install, tmp_path: Path
) -> None:
    install("cloud", "exit 1")
    failing = providers(tmp_path, {"name": "cloud"})
    keyring = Keyring([("a.cloud.example", Credential("u", "p"))])
    assert Chain(keyring, failing).find("a.cloud.example/app") == (Credential("u", "p"),)
    with pytest.raises(UnreadableError):
        Chain(Keyring([]), failing).find("a.cloud.example/app")


@pytest.mark.parametrize(
    ("plugin", "extra", "words"),
    [
        (
            {"name": "cloud", "tokenAttributes": {"serviceAccountTokenAudience": "x"}},
            {},
            "service accounts' tokens",
        ),
        ({"name": "absent"}, {}, "there is no plug-in"),
        ({"name": "../cloud"}, {}, r"providers\.0\.name"),
        ({"name": ".."}, {}, "there is no plug-in"),
        ({"name": "cloud", "matchImages": []}, {}, r"providers\.0\.matchImages"),
        ({"name": "cloud", "defaultCacheDuration": "long"}, {}, "not a duration"),
        ({"name": "cloud", "apiVersion": "v1"}, {}, r"providers\.0\.apiVersion"),
        ({"name": "cloud"}, {"kind": "Other"}, "kind"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(
    install: Install, tmp_path: Path, plugin: dict[str, Any], extra: dict[str, Any], words: str
) -> None:
    install("cloud", response())
    with pytest.raises(InputError, match=words):
        providers(tmp_path, plugin, **extra)
