"""``elfgate mirror`` between two real registries, where there is no network but loopback."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.distribution import program

_ROOT = Path(__file__).parents[3]
_OFFLINE = Path(__file__).with_name("offline.py")
_ALONE = ("unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "-")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Any:
    """What came of mirroring an installation (``offline.py``)."""
    program()  # built while there is a network
    folder = tmp_path_factory.mktemp("mirror")
    ran = subprocess.run(
        [*_ALONE, sys.executable, _OFFLINE, folder, key],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": f"{_ROOT}:{_ROOT / 'tests'}"},
        timeout=180,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def _digests(output: Any) -> dict[str, str]:
    return {image["image"]: image["digest"] for image in output["images"]}


def test_there_is_no_other_network(told: Any) -> None:
    assert not told["outside"]


def test_the_chart_and_the_images_that_it_installs_are_listed_by_digest(told: Any) -> None:
    chart, own, opa = _digests(told["listed"])
    assert chart.startswith(f"{told['first']}/charts/elfgate:")
    assert own.startswith(f"{told['first']}/elfgate@sha256:")
    assert opa == f"{told['first']}/openpolicyagent/opa:1"


def test_what_was_listed_is_copied_and_has_the_same_digests(told: Any) -> None:
    assert _digests(told["copied"]) == _digests(told["listed"])
    assert all(image["sent"] == 2 for image in told["copied"]["images"])
    for image in told["copied"]["images"]:
        assert image["target"] == image["image"].replace(told["first"], f"{told['second']}/apart")


def test_signatures_go_along(told: Any) -> None:
    _, own, _ = told["copied"]["images"]
    assert own["signatures"] == [own["digest"].replace(":", "-") + ".sig"]


def test_what_is_there_is_not_sent_again(told: Any) -> None:
    assert [image["sent"] for image in told["again"]["images"]] == [0, 0, 0]
    assert [image["there"] for image in told["again"]["images"]] == [2, 2, 2]


def test_an_image_is_read_from_its_new_place(told: Any) -> None:
    assert "/bin/program" in told["scanned"]
