"""The list of nodes, asked of a server on loopback that answers as a kube-apiserver does."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
import yaml

from elfgate.cluster import api
from elfgate.errors import InputError
from support.objects import node

Answer = Callable[[dict[str, list[str]]], tuple[int, object]]


class ApiServer(ThreadingHTTPServer):
    """Answers ``GET /api/v1/nodes`` with what ``answer`` makes of the query."""

    answer: Answer
    asked: list[dict[str, list[str]]]


class Handler(BaseHTTPRequestHandler):
    server: ApiServer

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        self.server.asked.append(query)
        status, obj = (
            self.server.answer(query)
            if url.path == "/api/v1/nodes"
            else (404, {"message": url.path})
        )
        body = obj if isinstance(obj, bytes) else orjson.dumps(obj)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config"
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


def write(path: Path, port: int, **overrides: Any) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "me", "user": {"token": "x"}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
        "current-context": "lab",
    }
    path.write_bytes(orjson.dumps(config | overrides))


def node_list(*nodes: dict[str, Any], position: str = "") -> dict[str, Any]:
    items = [
        {key: value for key, value in item.items() if key not in {"kind", "apiVersion"}}
        for item in nodes
    ]
    return {
        "apiVersion": "v1",
        "kind": "NodeList",
        "metadata": {"continue": position},
        "items": items,
    }


@pytest.mark.parametrize("context", ["", "lab"])
def test_the_nodes_of_a_context_are_listed(
    server: ApiServer, kubeconfig: Path, context: str
) -> None:
    write(kubeconfig, server.server_port)
    server.answer = lambda _query: (200, node_list(node("a"), node("b", "ppc64le")))

    found = api.read_context(context)

    assert [(item.name, str(item.platform)) for item in found] == [
        ("a", "linux/amd64"),
        ("b", "linux/ppc64le"),
    ]


def test_a_long_list_is_read_page_by_page(server: ApiServer, kubeconfig: Path) -> None:
    write(kubeconfig, server.server_port)
    pages = {"": node_list(node("a"), position="more"), "more": node_list(node("b"))}
    server.answer = lambda query: (200, pages["".join(query.get("continue", []))])

    assert [item.name for item in api.read_context()] == ["a", "b"]
    assert [query["limit"] for query in server.asked] == [["500"], ["500"]]


def test_a_node_that_does_not_say_what_it_is_is_read_as_one_of_any_architecture(
    server: ApiServer, kubeconfig: Path
) -> None:
    write(kubeconfig, server.server_port)
    server.answer = lambda _query: (200, node_list({"metadata": {"name": "young"}}, node("a")))

    young, _ = api.read_context()
    assert (young.name, young.platform.architecture) == ("young", "")


@pytest.mark.parametrize(
    ("status", "answer", "message"),
    [
        (403, {"message": "nodes is forbidden: no\nrights"}, "list its nodes: 403 nodes is forbidden: no rights"),
        (401, b"", "list its nodes: 401 Unauthorized"),
        (500, ["?"], "list its nodes: 500 Internal Server Error"),
        (200, b"<html>", "is not a Kubernetes API server: its answer is not JSON"),
        (200, [], "the answer is not an object"),
        (200, {"items": [{"metadata": {}}]}, "node: metadata.name: Field required"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_in_the_servers_words(
    server: ApiServer, kubeconfig: Path, status: int, answer: object, message: str
) -> None:
    write(kubeconfig, server.server_port)
    server.answer = lambda _query: (status, answer)

    with pytest.raises(InputError) as caught:
        api.read_context()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_refused_connection_says_where(kubeconfig: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as gone:
        port = gone.server_port
    write(kubeconfig, port)

    with pytest.raises(
        InputError, match=rf"^the cluster at http://127\.0\.0\.1:{port} does not answer: .*refused$"
    ):
        api.read_context()


@pytest.mark.parametrize(
    "text", ["", "[]", "{{{", "words", "clusters: 5\ncurrent-context: lab\n", "\x00"]
)
def test_a_kubeconfig_that_is_none_is_refused_in_one_line(kubeconfig: Path, text: str) -> None:
    kubeconfig.write_text(text)

    with pytest.raises(InputError, match=r"^the kubeconfig cannot be used: ") as caught:
        api.read_context()
    assert "\n" not in str(caught.value)


def test_a_missing_kubeconfig_and_an_unknown_context_are_told(kubeconfig: Path) -> None:
    with pytest.raises(InputError, match=r"^there is no kubeconfig: .* does not exist: set KUBE"):
        api.read_context()
    write(kubeconfig, 1)
    with pytest.raises(InputError, match="it has no context other:"):
        api.read_context("other")


def test_what_a_kubeconfig_holds_is_not_repeated(kubeconfig: Path) -> None:
    write(kubeconfig, 1)
    read = yaml.safe_load(kubeconfig.read_text())
    (user,) = read["users"]
    user["usr"] = user.pop("user") | {"token": "SECRET"}
    kubeconfig.write_text(yaml.safe_dump(read))
    with pytest.raises(InputError) as caught:
        api.read_context()
    assert "it has no user, where one must be" in str(caught.value)
    assert "SECRET" not in str(caught.value)
