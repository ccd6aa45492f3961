"""What the code asks of the API server is what the chart grants: no less, and no more."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from elfgate.cluster import breakglass, doctor, running
from elfgate.cluster.access import Access
from elfgate.cluster.api import Api
from elfgate.cluster.owned import Owned
from elfgate.cluster.reports import KINDS, Reports
from elfgate.gate.exemptions import CONFIG_MAP
from support.chart import NAMESPACE, Object, helms, objects, one, template

EVERYTHING = (
    "events=true,bindings=true,namespaceLabels=true,steer=true,certificates.clientCA=x"
    ",policies.exempting_namespaces={team-a}"
    ",registries.pullSecrets.enabled=true,registries.pullSecrets.names={a}"
)
WARM = "warm.enabled=true,store.kind=valkey,store.valkey.url=valkey://facts.example"
AUDIT = "audit.enabled=true,audit.reports=openreports,kinds[0].group=argoproj.io,kinds[0].resources={rollouts}"
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/v1(?:alpha1)?/(?:namespaces/[^/]+/(?=\w))?(?P<resource>\w+)(?P<name>/.+)?"
)

Right = tuple[str, str, str]  # verb, group, resource


@pytest.fixture(scope="module")
def found() -> list[Object]:
    if not helms():
        pytest.skip("no Helm: .ci/helm builds one")
    return list(objects(template(max(helms()), "--set", f"{EVERYTHING},{WARM},{AUDIT}")))


@contextmanager
def recording(folder: Path) -> Iterator[tuple[Access, set[Right]]]:
    """An API server on loopback that has an object of every name, and notes what it is asked."""
    asked: set[Right] = set()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            match = _PATH.fullmatch(url.path)
            assert match or url.path == "/apis/", self.path  # everybody may list API groups
            body = b'{"groups": []}'
            if match:
                reading = "watch" if "watch" in parse_qs(url.query) else "list"
                reading = "get" if match["name"] else reading
                verb = _VERBS.get(self.command, reading)
                asked.add((verb, match["group"] or "", match["resource"]))
                body = orjson.dumps(_answer(match["resource"], listed=reading != "get"))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the base's names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    config = {
        "clusters": [
            {"name": "lab", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
        ],
        "users": [{"name": "me", "user": {"token": "x"}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
        "current-context": "lab",
    }
    (folder / "kubeconfig").write_bytes(orjson.dumps(config))
    try:
        yield Access(folder / "kubeconfig"), asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(resource: str, *, listed: bool) -> dict[str, Any]:
    obj: dict[str, Any] = {"metadata": {"name": "elfgate", "resourceVersion": "1"}}
    if "webhookconfigurations" in resource:
        service = {"name": "elfgate", "namespace": "elfgate"}
        obj["webhooks"] = [{"name": "validate.elfgate.dev", "clientConfig": {"service": service}}]
    if not listed:
        return obj
    if resource == "reports":  # one that changes, and one whose namespace has no workloads
        places = ({**obj["metadata"], "namespace": name} for name in ("shop", "gone"))
        return {"metadata": {}, "items": [{"metadata": place} for place in places]}
    return {"metadata": {}, "items": [obj] if "webhooks" in obj else []}


def granted(found: list[Object], account: str) -> set[Right]:
    """What a service account may do, by all the roles that are bound to it."""
    bindings = [
        obj
        for obj in found
        if obj["kind"].endswith("RoleBinding") and obj["subjects"][0]["name"] == account
    ]
    roles = [one(found, obj["roleRef"]["kind"], obj["roleRef"]["name"]) for obj in bindings]
    return {
        (verb, group, resource)
        for role in roles
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def test_the_webhook_may_do_what_it_does(found: list[Object], tmp_path: Path) -> None:
    with recording(tmp_path) as (access, asked), Api(access) as api:
        list(api.nodes())
        list(api.watch_nodes("1", opened=lambda: None))
        list(api.config_maps("elfgate-exemptions"))
        list(api.watch_config_maps("elfgate-exemptions", "1", opened=lambda: None))
        api.pod("shop", "web", seconds=5)
        api.namespace("shop", seconds=5)
        api.secret("shop", "a", seconds=5)
        api.service_account("shop", "default", seconds=5)
        api.create_event("shop", {"metadata": {"name": "a"}, "involvedObject": {}})
        api.patch_event("shop", "a", {})
        owned = Owned(
            api, namespace=NAMESPACE, secret="tls", lease="tls", configurations=["elfgate"]
        )
        owned.write_secret(owned.secret())
        owned.write_lease(owned.lease())
        for configuration in owned.configurations():
            owned.trust(configuration, b"")
    assert asked == granted(found, "elfgate")


def test_the_uninstall_hook_may_do_what_it_does(found: list[Object], tmp_path: Path) -> None:
    with recording(tmp_path) as (access, asked), Api(access) as api:
        for obstacle in list(breakglass.obstacles(api, ["elfgate"])):
            breakglass.clear(api, obstacle)
    assert asked == granted(found, "elfgate-uninstall")


def test_the_test_may_do_what_it_does(found: list[Object], tmp_path: Path) -> None:
    with recording(tmp_path) as (access, asked), Api(access) as api:
        list(doctor.examine(api, service_account="elfgate/elfgate"))
    assert asked == granted(found, "elfgate-test")


def test_what_warms_the_store_may_do_what_it_does(
    found: list[Object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording(tmp_path) as (access, asked):
        monkeypatch.setenv("KUBECONFIG", str(access.kubeconfig))
        list(running.images())
    assert asked == granted(found, "elfgate-warm")


def test_the_audit_may_do_what_it_does(
    found: list[Object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []
    with recording(tmp_path) as (access, asked), Api(access) as api:
        monkeypatch.setenv("KUBECONFIG", str(access.kubeconfig))
        list(running.objects(config_maps=CONFIG_MAP, refused=refused.append))
        list(api.nodes())
        reporting = Reports(api, KINDS["openreports"], refused.append)
        reporting.write({"shop": {}, "bar": {}})
    rollouts = ("list", "argoproj.io", "rollouts")  # asked for where the cluster has them
    assert asked | {rollouts} == granted(found, "elfgate-audit")
    assert refused == []


def test_rights_to_read_secrets_and_to_change_things_are_for_named_ones(
    found: list[Object],
) -> None:
    rules = [
        rule for obj in found if obj["kind"] in {"Role", "ClusterRole"} for rule in obj["rules"]
    ]
    wide = [
        rule
        for rule in rules
        if ("secrets" in rule["resources"] or {"update", "delete"} & set(rule["verbs"]))
        and "resourceNames" not in rule
    ]
    assert wide == []


def test_without_pull_secrets_no_secret_but_the_certificate_may_be_read() -> None:
    if not helms():
        pytest.skip("no Helm: .ci/helm builds one")
    rules: list[Any] = [
        rule
        for obj in objects(template(max(helms())))
        if obj["kind"] in {"Role", "ClusterRole"}
        for rule in obj["rules"]
        if "secrets" in rule["resources"]
    ]
    assert [rule["resourceNames"] for rule in rules] == [["elfgate-tls"]]
