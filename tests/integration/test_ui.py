"""The page on loopback: for this machine's person, and for nobody's other page."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.manifests import pod

Answer = tuple[int, str]


@pytest.fixture
def objects(layout: Path, tmp_path: Path) -> Path:
    file = tmp_path / "objects.json"
    file.write_text(json.dumps(pod("web", "example/server:2-alpine")))
    return file


@pytest.fixture
def port(objects: Path, layout: Path, interruptible: None) -> Iterator[int]:
    image = ["--image", f"example/server:2-alpine=oci:{layout}:2-alpine"]
    words = [
        "ui",
        "-f",
        str(objects),
        "--arch",
        "ppc64le",
        *image,
        "--store",
        str(objects.parent / "f.db"),
    ]
    command = [sys.executable, "-m", "elfgate", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[0]
        assert url.startswith("http://127.0.0.1:")
        yield urlsplit(url).port or 0
        os.kill(process.pid, signal.SIGINT)
        try:
            assert process.wait(10) == 130
        finally:
            process.kill()


def ask(port: int, method: str = "GET", path: str = "/", host: str = "") -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, headers={"Host": host or f"127.0.0.1:{port}"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_the_page_follows_the_file(
    port: int, objects: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, page = ask(port)
    assert (status, '"web"' in page) == (200, True)
    objects.write_text("{")
    for _ in range(100):
        status, page = ask(port)
        if status != 200:
            break
        time.sleep(0.2)  # what is young is shown again
    assert (status, "objects.json" in page) == (503, True)


def test_it_answers_one_path_by_its_own_name_and_takes_nothing(port: int) -> None:
    assert ask(port, host=f"localhost:{port}")[0] == 200
    assert ask(port, host=f"rebound.example:{port}")[0] == 421
    assert ask(port, host="127.0.0.1")[0] == 421
    assert ask(port, path="/etc/passwd")[0] == 404
    assert ask(port, "HEAD") == (200, "")
    assert [ask(port, method)[0] for method in ("POST", "PUT", "DELETE")] == [501] * 3


def test_it_listens_on_loopback_only(port: int) -> None:
    table = Path("/proc/net/tcp").read_text().splitlines()
    listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    assert f"0100007F:{port:04X}" in listening
    assert f"00000000:{port:04X}" not in listening
