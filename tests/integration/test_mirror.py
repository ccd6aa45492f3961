"""``elfgate mirror``: what it refuses, and what never reaches the other registry."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elfgate.cli.main import main
from support.oci import Blob, image, index, json_blob
from support.pushed import Pushed
from support.registry import Answer, Registry
from support.tarball import tarball

LAYER = tarball({"a": "b" * 100})
APP = image([LAYER], compression="plain")
INDEX = index([APP])


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pushed]:
    """A registry that the user is logged in to."""
    with Pushed() as server:
        login = {"auths": {server.host: {"auth": base64.b64encode(b"who:secret").decode()}}}
        (tmp_path / "config.json").write_text(json.dumps(login))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        yield server


def _mirrored(registry: Registry, mirror: Pushed, name: str = "team/app:1", *more: str) -> int:
    return main(["mirror", registry.reference(name), "--to", f"{mirror.host}/apart", *more])


def test_an_index_is_copied_after_all_that_it_refers_to(mirror: Pushed) -> None:
    with Registry({"team/app": {"1": INDEX}}) as registry:
        assert _mirrored(registry, mirror) == 0
    assert list(mirror.manifests)[-2] == "/v2/apart/team/app/manifests/1"
    assert mirror.manifests["/v2/apart/team/app/manifests/1"] == (INDEX.media_type, INDEX.data)
    assert set(mirror.blobs) == {child.digest for child in APP.children}


def test_nothing_is_sent_of_a_list(mirror: Pushed, capsys: pytest.CaptureFixture[str]) -> None:
    with Registry({"team/app": {"1": INDEX}}) as registry:
        assert _mirrored(registry, mirror, "team/app:1", "--list") == 0
        line = f"{registry.host}/team/app:1 {INDEX.digest} -> {mirror.host}/apart/team/app:1\n"
    assert capsys.readouterr().out == line
    assert not mirror.manifests


def test_a_damaged_layer_is_not_sent_and_its_image_has_no_name_there(
    mirror: Pushed, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = APP.children[-1]
    damaged = Answer(200, {}, b"x" * len(layer.data))
    with Registry({"team/app": {"1": APP}}) as registry:
        registry.answer(f"/v2/team/app/blobs/{layer.digest}", damaged, damaged)
        assert _mirrored(registry, mirror) == 2
    assert "does not match its digest" in capsys.readouterr().err
    assert layer.digest not in mirror.blobs
    assert not mirror.manifests


def _nested(depth: int) -> Blob:
    top = APP
    for _ in range(depth):
        top = index([top])
    return top


def _with_layers(*layers: Any) -> Blob:
    config = APP.children[0]
    described = {"mediaType": config.media_type, "digest": config.digest, "size": len(config.data)}
    return json_blob(
        "application/vnd.oci.image.manifest.v1+json",
        {"schemaVersion": 2, "config": described, "layers": list(layers)},
        [config],
    )


@pytest.mark.parametrize(
    ("top", "said"),
    [
        (_nested(5), "is nested too deeply"),
        (_with_layers({"digest": "sha256:../../x"}), "refers to what is no descriptor"),
        (_with_layers("layer"), "refers to what is no descriptor"),
    ],
)
def test_what_is_malformed_is_told_in_a_line(
    mirror: Pushed, capsys: pytest.CaptureFixture[str], top: Blob, said: str
) -> None:
    with Registry({"team/app": {"1": top}}) as registry:
        assert _mirrored(registry, mirror) == 2
    assert said in capsys.readouterr().err
    assert not mirror.manifests


def test_layers_that_are_elsewhere_by_design_stay_there(mirror: Pushed) -> None:
    foreign = {
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "digest": f"sha256:{'0' * 64}",
        "size": 10,
        "urls": ["https://elsewhere.example/layer"],
    }
    top = _with_layers(foreign)
    with Registry({"team/app": {"1": top}}) as registry:
        assert _mirrored(registry, mirror) == 0
    assert set(mirror.blobs) == {APP.children[0].digest}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "mirror.example"], "nothing to copy"),
        (["app:1", "--to", "mirror"], "names no registry"),
        (["oci:build/app", "--to", "mirror.example"], "not"),
    ],
)
def test_usage_is_refused_in_a_line(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["mirror", *words]) == 2
    assert said in capsys.readouterr().err


def test_what_is_no_chart_is_told(mirror: Pushed, capsys: pytest.CaptureFixture[str]) -> None:
    with Registry({"team/app": {"1": APP}}) as registry:
        chart = registry.reference("team/app:1")
        assert main(["mirror", "--chart", chart, "--to", mirror.host]) == 2
    assert "is not a chart" in capsys.readouterr().err
