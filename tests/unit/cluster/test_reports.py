"""Reports of two installations in one cluster: each knows its own by their name."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import orjson
import pytest

from elfgate.cluster.access import Access
from elfgate.cluster.api import Api
from elfgate.cluster.reports import KINDS, Reports
from support.loopback import Loopback

Place = tuple[str, str]  # a namespace and a name


class Cluster(Loopback):
    """Keeps reports: lists all, makes new ones, and removes those that are there."""

    def __init__(self) -> None:
        kept = self.kept = dict[Place, dict[str, Any]]()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.answer({"metadata": {}, "items": list(kept.values())})

            def do_POST(self) -> None:
                told = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
                kept[told["metadata"]["namespace"], told["metadata"]["name"]] = told
                self.answer(told)

            def do_DELETE(self) -> None:
                *_, namespace, _, name = self.path.split("/")
                self.answer(kept.pop((namespace, name)))

            def answer(self, told: object) -> None:
                body = orjson.dumps(told)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        super().__init__(Handler)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster() as serving:
        yield serving


def write(cluster: Cluster, folder: Path, name: str, *namespaces: str) -> dict[str, int]:
    refused: list[str] = []
    with Api(Access(cluster.kubeconfig(folder))) as api:
        reports = Reports(api, KINDS["openreports"], refused.append, name)
        done = reports.write({namespace: {"summary": {}} for namespace in namespaces})
    assert refused == []
    return dict(done)


def test_each_installation_writes_and_removes_its_own_reports_alone(
    cluster: Cluster, tmp_path: Path
) -> None:
    assert write(cluster, tmp_path, "elfgate", "shop", "bar") == {"written": 2}
    assert write(cluster, tmp_path, "elfgate-blue", "shop") == {"written": 1}
    assert write(cluster, tmp_path, "elfgate", "shop") == {"unchanged": 1, "removed": 1}
    assert set(cluster.kept) == {("shop", "elfgate"), ("shop", "elfgate-blue")}
    assert write(cluster, tmp_path, "elfgate-blue") == {"removed": 1}
    assert set(cluster.kept) == {("shop", "elfgate")}
