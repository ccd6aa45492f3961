"""Exemptions that namespaces grant by a ConfigMap: taken by a webhook that serves, and only where it is let."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from elfgate import api
from elfgate.cli.main import main
from elfgate.settings import Settings
from support import object_cases
from support.api_server import ApiServer
from support.control_plane import until
from support.judging import review_of
from support.objects import container, node, pod
from support.webhook import Webhook

BAD = "ex/stranger:1"
GRANTED = [{"image": "ex/*", "owner": "team-a", "reason": "moves soon", "expires": "2100-01-01"}]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return object_cases.write_images(tmp_path_factory.mktemp("images"))


def config_map(namespace: str, exemptions: object) -> dict[str, Any]:
    text = exemptions if isinstance(exemptions, str) else json.dumps(exemptions)
    metadata = {"name": "elfgate-exemptions", "namespace": namespace}
    return {"kind": "ConfigMap", "metadata": metadata, "data": {"exemptions": text}}


@contextmanager
def serving(
    folder: Path, api: ApiServer, images: dict[str, str], allowed: list[str]
) -> Iterator[Webhook]:
    nodes = folder / "nodes.json"
    nodes.write_text(json.dumps({"kind": "List", "items": [node("a")]}))
    settings = {
        "nodes": {"file": str(nodes)},
        "cluster": {"kubeconfig": str(api.kubeconfig(folder))},
        "images": images,
        "policies": {"exempting_namespaces": allowed},
    }
    with Webhook(folder, settings) as webhook:
        yield webhook


def is_allowed(webhook: Webhook, namespace: str) -> bool:
    wanted = pod(container(image=BAD))
    wanted["metadata"] |= {"name": "web", "namespace": namespace}
    response = webhook.review(review_of(wanted, namespace=namespace))
    return bool(response["allowed"])


def counted(webhook: Webhook, state: str) -> str:
    series = f'elfgate_namespace_exemptions{{state="{state}"}} '
    (line,) = (each for each in webhook.get("/metrics").text.splitlines() if series in each)
    return line.removeprefix(series)


def test_one_that_is_there_at_the_start_counts_for_its_namespace_alone(
    tmp_path: Path, images: dict[str, str]
) -> None:
    with (
        ApiServer(config_map("team-a", GRANTED)) as api,
        serving(tmp_path, api, images, ["team-*"]) as webhook,
    ):
        assert is_allowed(webhook, "team-a")
        assert not is_allowed(webhook, "team-b")
        assert counted(webhook, "taken") == "1.0"
        assert api.chosen == {"metadata.name=elfgate-exemptions"}


def test_a_namespace_that_is_not_let_exempts_nothing(
    tmp_path: Path, images: dict[str, str]
) -> None:
    with (
        ApiServer(config_map("shop", GRANTED)) as api,
        serving(tmp_path, api, images, ["team-*"]) as webhook,
    ):
        assert not is_allowed(webhook, "shop")


def test_what_changes_is_taken_without_a_restart(tmp_path: Path, images: dict[str, str]) -> None:
    with ApiServer() as api, serving(tmp_path, api, images, ["team-a"]) as webhook:
        allowed = partial(is_allowed, webhook, "team-a")
        assert not allowed()
        api.change("ADDED", config_map("team-a", GRANTED))
        until(allowed, "the exemption is not taken")
        api.change("MODIFIED", config_map("team-a", []))
        until(lambda: not allowed(), "the exemption is not withdrawn")
        api.change("MODIFIED", config_map("team-a", GRANTED))
        until(allowed, "the exemption is not taken again")
        api.change("DELETED", config_map("team-a", GRANTED))
        until(lambda: not allowed(), "the exemption stays without its ConfigMap")


def test_what_cannot_be_used_is_warned_of_and_the_rest_holds(
    tmp_path: Path, images: dict[str, str]
) -> None:
    nameless = [{"image": "ex/*", "reason": "none", "expires": "2100-01-01"}]
    with (
        ApiServer(config_map("team-a", nameless + GRANTED)) as api,
        serving(tmp_path, api, images, ["team-a"]) as webhook,
    ):
        assert is_allowed(webhook, "team-a")
        assert (counted(webhook, "taken"), counted(webhook, "left_out")) == ("1.0", "1.0")
        (line,) = (each for each in webhook.log() if "left out" in each["message"])
        said = "an exemption is left out: exemptions[0]: owner: Field required"
        assert (line["message"], line["namespace"]) == (said, "team-a")


def test_an_api_server_that_refuses_exempts_nothing_and_stops_nothing(
    tmp_path: Path, images: dict[str, str]
) -> None:
    with ApiServer(config_map("team-a", GRANTED)) as api:
        api.refusing = 403
        with serving(tmp_path, api, images, ["team-a"]) as webhook:
            assert not is_allowed(webhook, "team-a")
            api.refusing = 0
            until(partial(is_allowed, webhook, "team-a"), "the exemption is not taken later")


@pytest.fixture
def manifests(tmp_path: Path) -> dict[str, Any]:
    """A pod that cannot start, in a namespace that exempts it, and settings that let it."""
    wanted = pod(container(image=BAD))
    wanted["metadata"] |= {"name": "web", "namespace": "team-a"}
    objects = {"kind": "List", "items": [wanted, config_map("team-a", GRANTED)]}
    (tmp_path / "objects.json").write_text(json.dumps(objects))
    allowed = {"policies": {"exempting_namespaces": ["team-a"]}}
    (tmp_path / "elfgate.yaml").write_text(json.dumps(allowed))
    return objects


@pytest.mark.parametrize("verb", [("check",), ("audit", "--fail-on", "denied", "-f")])
def test_a_verb_takes_it_from_among_the_manifests(
    tmp_path: Path,
    images: dict[str, str],
    manifests: dict[str, Any],
    verb: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [*verb, str(tmp_path / "objects.json"), "--arch", "amd64"]
    words += ["--image", f"{BAD}={images[BAD]}", "--store", str(tmp_path / "facts.db")]
    assert main(words) == 1
    assert main([*words, "--config", str(tmp_path / "elfgate.yaml")]) == 0
    assert "user_missing" in capsys.readouterr().out


def test_the_library_takes_it_from_among_the_objects(
    tmp_path: Path, images: dict[str, str], manifests: dict[str, Any]
) -> None:
    settings = Settings.read(tmp_path / "elfgate.yaml")
    options = api.Options(images={BAD: images[BAD]}, settings=settings)
    checked = api.check(manifests["items"], nodes=["amd64"], options=options)
    assert [each.verdict for each in checked.results] != ["denied"]
    audited = api.audit(manifests["items"], nodes=["amd64"], options=options)
    assert [each.decision for each in audited.found] != ["denied"]
