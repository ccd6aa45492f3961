"""``POST /notify``: an image that a registry tells of is read before a pod names it."""

import base64
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.elf_file import elf_file
from support.notified import TOKEN, review_of, serving
from support.oci import image
from support.registry import Registry
from support.tarball import program, tarball

APP = image([tarball({"app": program(elf_file("amd64", type=2))})], entrypoint=["/app"])
LAYER = f"/v2/team/app/blobs/{APP.children[-1].digest}"


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry({"team/app": {"1.0": APP}}) as running:
        yield running


def event(registry: Registry) -> dict[str, Any]:
    target = {"digest": APP.digest, "repository": "team/app", "tag": "1.0"}
    return {"events": [{"action": "push", "target": target, "request": {"host": registry.host}}]}


def comes(registry: Registry, path: str) -> bool:
    """Whether a path is asked for within some seconds."""
    until = time.monotonic() + 20
    while path not in registry.paths("GET") and time.monotonic() < until:
        time.sleep(0.05)
    return path in registry.paths("GET")


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"zot:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"/notify/{TOKEN}", {}),
        (f"/notify/{TOKEN[::-1]}", {}),
        ("/notify", {"Authorization": f"Bearer {TOKEN}"}),
        ("/notify", {"Authorization": TOKEN}),
        ("/notify", {"Authorization": basic(TOKEN)}),
        ("/notify", {"X-Gitlab-Token": TOKEN}),
    ],
)
def test_an_image_that_is_pushed_is_read(
    tmp_path: Path, registry: Registry, path: str, headers: Mapping[str, str]
) -> None:
    with serving(tmp_path, registry.host) as client:
        answer = client.post(path, json=event(registry), headers=headers)
        assert (answer.status_code, answer.text) == (202, "1 to be read\n")
        assert comes(registry, LAYER)
        assert 'elfgate_notifications_total{result="taken"} 1.0' in client.get("/metrics").text


def test_a_pod_of_an_image_that_was_pushed_has_no_layer_to_wait_for(
    tmp_path: Path, registry: Registry
) -> None:
    with serving(tmp_path, registry.host) as client:
        client.post(f"/notify/{TOKEN}", json=event(registry))
        assert comes(registry, LAYER)
        review = review_of(registry.reference("team/app:1.0"))
        response = client.post("/validate", json=review).json()["response"]
        assert response["allowed"]
        assert "warnings" not in response
        assert registry.paths("GET").count(LAYER) == 1


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/notify", {}),
        ("/notify/", {}),
        ("/notify/wrong", {}),
        (f"/notify/{TOKEN}x", {}),
        ("/notify", {"Authorization": "Bearer"}),
        ("/notify", {"Authorization": basic("wrong")}),
        ("/notify", {"Authorization": "Basic ?"}),
    ],
)
def test_who_shows_no_token_that_is_known_is_told_nothing(
    tmp_path: Path, registry: Registry, path: str, headers: Mapping[str, str]
) -> None:
    with serving(tmp_path, registry.host) as client:
        assert client.post(path, json=event(registry), headers=headers).status_code == 401
        assert 'elfgate_notifications_total{result="token"} 1.0' in client.get("/metrics").text
    assert registry.seen == []


def test_what_is_no_notification_is_refused(tmp_path: Path, registry: Registry) -> None:
    with serving(tmp_path, registry.host) as client:
        where = f"/notify/{TOKEN}"
        assert client.post(where, content=b"{").status_code == 400
        assert client.post(where, content=b"[" * 100_000).status_code == 400
        assert client.post(where, content=b" " * (257 << 10)).status_code == 413
        assert client.get(where).status_code == 405


def test_nothing_is_taken_unless_the_settings_say_so(tmp_path: Path, registry: Registry) -> None:
    with serving(tmp_path, registry.host, notifications=None) as client:
        assert client.post(f"/notify/{TOKEN}", json=event(registry)).status_code == 404
