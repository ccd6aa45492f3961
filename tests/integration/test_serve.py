"""``elfgate serve`` as a process: what cannot serve is told in a line, with exit code 2."""

import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from platform import python_version
from typing import Any

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from elfgate import __version__
from elfgate.policy import archive, bundle, signing
from elfgate.policy.config import PolicyConfig
from support import opa
from support.api_server import ApiServer
from support.control_plane import until
from support.serving import REVIEW, UID, Pki
from support.web import serving


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    pki = Pki(tmp_path, trustme.CA())
    pki.issue()
    return pki


def settings(pki: Pki, **changes: Any) -> Path:
    """A settings file for a webhook that knows one node."""
    node = {
        "kind": "Node",
        "metadata": {
            "name": "n",
            "labels": {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"},
        },
    }
    (pki.folder / "nodes.json").write_text(json.dumps({"kind": "List", "items": [node]}))
    written = {
        "listen": {"port": 0},
        "tls": {"certificate": str(pki.certificate), "key": str(pki.key)},
        "nodes": {"file": str(pki.folder / "nodes.json")},
        "store": {"path": str(pki.folder / "facts.db")},
        "admission": {"drain_seconds": 0},
        **changes,
    }
    path = pki.folder / "elfgate.yaml"
    path.write_text(json.dumps({key: value for key, value in written.items() if value is not None}))
    return path


def start(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "elfgate", "serve", "--config", str(path)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)


def refusal(path: Path) -> str:
    with start(path) as process:
        _, stderr = process.communicate(timeout=30)
        assert process.returncode == 2
    (line,) = (line for line in stderr.splitlines() if not line.startswith("{"))
    return line


def test_it_serves_until_it_is_told_to_stop_and_ends_with_0(pki: Pki) -> None:
    with start(settings(pki)) as process:
        try:
            assert process.stderr is not None
            url = json.loads(process.stderr.readline())["url"]
            with httpx.Client(
                base_url=url, verify=pki.trusting(), trust_env=False, timeout=20
            ) as client:
                assert client.get("/readyz").text == "ready\n"
                build = (
                    f'elfgate_build_info{{python="{python_version()}",version="{__version__}"}} 1.0'
                )
                assert build in client.get("/metrics").text
                deleted = {
                    **REVIEW["request"],
                    "operation": "DELETE",
                    "resource": {"resource": "pods"},
                }
                answer = client.post("/validate", json={**REVIEW, "request": deleted}).json()[
                    "response"
                ]
                assert (answer["uid"], answer["allowed"]) == (UID, True)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()


def test_it_ends_though_a_registry_is_silent(pki: Pki) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        with start(settings(pki, registries={"insecure": [host]})) as process:
            try:
                assert process.stderr is not None
                url = json.loads(process.stderr.readline())["url"]
                with httpx.Client(
                    base_url=url, verify=pki.trusting(), trust_env=False, timeout=20
                ) as client:
                    spec = {"containers": [{"name": "web", "image": f"{host}/app:1"}]}
                    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": {}, "spec": spec}
                    resource = {"resource": "pods"}
                    asked = {**REVIEW["request"], "resource": resource, "object": pod}
                    body = {**REVIEW, "request": asked}
                    assert client.post("/validate?timeout=1s", json=body).status_code == 200
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=15) == 0  # its thread reads for half a minute
            finally:
                process.kill()


def test_a_port_in_use_is_told_in_a_line(pki: Pki) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = refusal(settings(pki, listen={"port": port}))
    assert line.startswith(f"elfgate serve: port {port} on 127.0.0.1 is in use")


def test_an_expired_certificate_is_told_in_a_line(pki: Pki) -> None:
    pki.issue(not_after=datetime.now(UTC) - timedelta(days=1))
    line = refusal(settings(pki))
    assert line == f"elfgate serve: TLS certificate {pki.certificate}: certificate has expired"


def test_a_webhook_without_a_certificate_does_not_start(pki: Pki) -> None:
    assert refusal(settings(pki, tls=None)).startswith("elfgate serve: tls is not set")


def test_a_misspelt_setting_is_told_in_a_line(pki: Pki) -> None:
    path = settings(pki, listen={"prot": 1})
    assert (
        refusal(path)
        == f'elfgate serve: {path}: listen.prot: no such setting; did you mean "port"?'
    )


def test_a_mode_for_a_rule_that_is_not_there_is_told_in_a_line(pki: Pki) -> None:
    assert "loader_misssing" in refusal(
        settings(pki, policies={"rules": {"loader_misssing": "warn"}})
    )


def ask(client: httpx.Client, namespace: str) -> dict[str, Any]:
    """Ask for a pod with an image that is not there; no verdict is right for two namespaces."""
    spec = {"containers": [{"name": "web", "image": "127.0.0.1:9/app:1"}]}
    metadata = {"name": "web", "namespace": namespace}
    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec}
    request: dict[str, Any] = {"uid": UID, "operation": "CREATE", "object": pod, **metadata}
    request |= {"kind": {"group": "", "version": "v1", "kind": "Pod"}}
    request |= {"resource": {"group": "", "version": "v1", "resource": "pods"}}
    return dict(client.post("/validate", json={**REVIEW, "request": request}).json()["response"])


@pytest.mark.skipif(opa.OPA is None, reason="no OPA here: make policies builds one")
def test_it_judges_with_an_opa_beside_it_and_says_so_when_that_is_gone(pki: Pki) -> None:
    with tempfile.TemporaryDirectory(prefix="opa") as folder, ExitStack() as beside:
        socket_path = beside.enter_context(opa.serving(bundle.load(), Path(folder)))
        path = settings(pki, policies={"engine": "opa", "opa_socket": str(socket_path)})
        with start(path) as process:
            try:
                assert process.stderr is not None
                url = json.loads(process.stderr.readline())["url"]
                with httpx.Client(
                    base_url=url, verify=pki.trusting(), trust_env=False, timeout=20
                ) as client:
                    assert client.get("/readyz").text == "ready\n"
                    assert (
                        ask(client, "first")["auditAnnotations"]["policy-revision"]
                        == bundle.load().revision
                    )
                    beside.close()
                    assert "OPA cannot be asked" in client.get("/readyz").text
                    assert "policy-revision" not in ask(client, "second").get(
                        "auditAnnotations", {}
                    )
                    assert (
                        'elfgate_failures_total{cause="policies"} 1.0'
                        in client.get("/metrics").text
                    )
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=20) == 0
            finally:
                process.kill()


def test_an_opa_that_is_not_there_at_the_start_is_told_in_a_line(pki: Pki) -> None:
    path = settings(pki, policies={"engine": "opa", "opa_socket": str(pki.folder / "none.sock")})
    with start(path) as process:
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 4
    assert "OPA cannot be asked at" in stderr.splitlines()[-1]


def test_rules_of_ones_own_that_fail_are_counted_by_name(pki: Pki) -> None:
    rules = pki.folder / "rules"
    rules.mkdir()
    (rules / "unusable.rego").write_text(
        "package elfgate.rules.unusable\n"
        'findings contains {"message": count(input.containers)} '
        'if input.request.namespace == "first"'
    )
    with start(settings(pki, policies={"own_rules": str(rules)})) as process:
        try:
            assert process.stderr is not None
            url = json.loads(process.stderr.readline())["url"]
            with httpx.Client(
                base_url=url, verify=pki.trusting(), trust_env=False, timeout=20
            ) as client:
                answer = ask(client, "first")
                assert answer["allowed"] is True
                assert any(
                    "the rule unusable failed and was left out" in line
                    for line in answer["warnings"]
                )
                assert (
                    'elfgate_rule_failures_total{rule="unusable"} 1.0'
                    in client.get("/metrics").text
                )
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()


def test_a_signed_bundle_is_followed_and_a_bad_one_leaves_the_old_one_in_force(pki: Pki) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(pem, form, serialization.NoEncryption())
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    (pki.folder / "key.pub").write_bytes(key.public_key().public_bytes(pem, info))
    strict = archive.files(bundle.load(config=PolicyConfig(require="all")))
    signed = strict | {archive.SIGNATURES: signing.sign(strict, private, "release")}
    with serving({"/bundle.tar.gz": archive.pack(signed)}) as (address, files):
        followed = {
            "location": f"{address}/bundle.tar.gz",
            "keys": [{"key": str(pki.folder / "key.pub"), "key_id": "release"}],
        }
        with start(
            settings(pki, policies={"bundle": {**followed, "poll_seconds": 0.05}})
        ) as process:
            try:
                assert process.stderr is not None
                lines = map(json.loads, process.stderr)
                revision = archive.read(strict, "").revision
                assert (
                    next(line for line in lines if line["message"] == "policy bundle activated")[
                        "bundle"
                    ]
                    == revision
                )
                url = next(line["url"] for line in lines if "url" in line)
                files["/bundle.tar.gz"] = archive.pack(strict)
                refused = next(line for line in lines if line["message"] == "policy bundle refused")
                assert refused["bundle"] == "the bundle is not signed"
                with httpx.Client(
                    base_url=url, verify=pki.trusting(), trust_env=False, timeout=20
                ) as client:
                    assert ask(client, "first")["auditAnnotations"]["policy-revision"] == revision
                    metrics = client.get("/metrics").text
                assert 'elfgate_policy_bundles_total{result="activated"} 1.0' in metrics
                assert 'elfgate_policy_bundles_total{result="refused"} 1.0' in metrics
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=20) == 0
            finally:
                process.kill()


def test_a_bundle_that_is_refused_is_told_by_an_event_on_the_webhooks_own_pod(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POD_NAME", "elfgate-1")
    monkeypatch.setenv("POD_NAMESPACE", "elfgate")
    (pki.folder / "key.pub").write_text("none")
    unsigned = archive.pack(archive.files(bundle.load()))
    with serving({"/bundle.tar.gz": unsigned}) as (address, _), ApiServer() as api:
        followed = {
            "location": f"{address}/bundle.tar.gz",
            "keys": [{"key": str(pki.folder / "key.pub"), "key_id": "release"}],
        }
        changes = {
            "policies": {"bundle": followed},
            "cluster": {"kubeconfig": str(api.kubeconfig(pki.folder))},
            "admission": {"events": True},
        }
        with start(settings(pki, **changes)) as process:
            try:
                until(lambda: bool(api.events_written), "no event comes", patience=90)
            finally:
                process.kill()
    (event,) = api.events_written.values()
    assert event["involvedObject"] | {"uid": ""} == {
        "apiVersion": "v1", "kind": "Pod", "namespace": "elfgate", "name": "elfgate-1", "uid": "",
    }  # fmt: skip
    assert event["reason"] == "PoliciesRefused"
    assert (
        event["message"] == "policies refused, those before stay in force: the bundle is not signed"
    )


def test_a_restart_while_the_bundles_location_is_away_judges_by_the_kept_bundle(pki: Pki) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(pem, form, serialization.NoEncryption())
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    (pki.folder / "key.pub").write_bytes(key.public_key().public_bytes(pem, info))
    strict = archive.files(bundle.load(config=PolicyConfig(require="all")), serial=1)
    signed = strict | {archive.SIGNATURES: signing.sign(strict, private, "release")}
    with serving({"/bundle.tar.gz": archive.pack(signed)}) as (address, files):
        followed = {
            "location": f"{address}/bundle.tar.gz",
            "keys": [{"key": str(pki.folder / "key.pub"), "key_id": "release"}],
            "keep": str(pki.folder / "kept"),
            "required": True,
        }
        path = settings(pki, policies={"bundle": followed})
        first = _policies_after_start(pki, path)
        del files["/bundle.tar.gz"]
        assert _policies_after_start(pki, path) == first
        (pki.folder / "kept" / "bundle.tar.gz").unlink()
        status, revision = _policies_after_start(pki, path)
    assert first == (200, archive.read(strict, "").revision)
    assert (status, revision) == (503, bundle.load().revision)


def _policies_after_start(pki: Pki, path: Path) -> tuple[int, str]:
    """What a webhook that has just started answers to a readiness probe, and the revision it judges by."""
    with start(path) as process:
        try:
            assert process.stderr is not None
            url = next(line["url"] for line in map(json.loads, process.stderr) if "url" in line)
            with httpx.Client(
                base_url=url, verify=pki.trusting(), trust_env=False, timeout=20
            ) as client:
                text = client.get("/metrics").text
                (revision,) = re.findall(r'elfgate_policy_revision_info{revision="(.*)"}', text)
                return client.get("/readyz").status_code, revision
        finally:
            process.kill()
