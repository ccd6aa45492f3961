"""The images that a cluster's workloads name, from an API server on loopback."""

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from elfgate.cluster.running import images
from elfgate.errors import InputError

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
contexts: [{{name: there, context: {{cluster: c, user: u}}}}]
users: [{{name: u, user: {{}}}}]
"""


def template(*names: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": name, "image": name} for name in names]}}


OBJECTS: Mapping[str, tuple[str, str, list[dict[str, Any]]]] = {
    "/apis/apps/v1/deployments": (
        "apps/v1",
        "Deployment",
        [{"spec": {"template": template("deployment:1")}}],
    ),
    "/apis/apps/v1/statefulsets": (
        "apps/v1",
        "StatefulSet",
        [{"spec": {"template": template("stateful:1")}}],
    ),
    "/apis/apps/v1/daemonsets": (
        "apps/v1",
        "DaemonSet",
        [{"spec": {"template": template("daemon:1", "")}}],
    ),
    "/apis/batch/v1/cronjobs": (
        "batch/v1",
        "CronJob",
        [{"spec": {"jobTemplate": {"spec": {"template": template("cron:1")}}}}],
    ),
    "/apis/batch/v1/jobs": ("batch/v1", "Job", []),
    "/api/v1/pods": (
        "v1",
        "Pod",
        [template("pod:1", "side:1"), template("pod:2"), template("pod:3")],
    ),
}


@pytest.fixture
def port() -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            version, kind, objects = OBJECTS[url.path]
            first = int(parse_qs(url.query).get("continue", ["0"])[0])  # one object a page
            rest = str(first + 1) if first + 1 < len(objects) else ""
            page = {"apiVersion": version, "kind": f"{kind}List", "metadata": {"continue": rest}}
            body = json.dumps(page | {"items": objects[first : first + 1]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_every_workload_s_images_are_listed_page_by_page(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(KUBECONFIG.format(port=port))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    assert list(images("there")) == [
        "deployment:1",
        "stateful:1",
        "daemon:1",
        "cron:1",
        "pod:1",
        "side:1",
        "pod:2",
        "pod:3",
    ]


def test_a_cluster_that_is_not_there_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(KUBECONFIG.format(port=1))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(InputError, match="does not answer"):
        list(images("there"))
