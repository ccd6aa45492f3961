"""``elfgate doctor`` finds what is wrong with a real installation. ``make e2e``."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from support.control_plane import ControlPlane
from support.webhook import BINDINGS, Webhook

pytestmark = pytest.mark.e2e

OTHER = "other.elfgate.dev"


def doctor(cluster: ControlPlane, *words: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and by subject the state and message of each check."""
    command = [
        sys.executable,
        "-m",
        "elfgate",
        "doctor",
        "--kubeconfig",
        str(cluster.kubeconfig("admin")),
        *words,
    ]
    done = subprocess.run([*command, "-o", "json"], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    checks = json.loads(done.stdout)["checks"]
    return done.returncode, {
        check["subject"]: (check["state"], check["message"]) for check in checks
    }


@contextmanager
def applied(cluster: ControlPlane, configuration: dict[str, Any], **changes: Any) -> Iterator[None]:
    """A second webhook, which is asked about no namespace, while the context lasts."""
    nowhere = {"matchLabels": {"elfgate.dev/webhook": "nowhere"}}
    (hook,) = configuration["webhooks"]
    hook |= {"name": OTHER, "namespaceSelector": nowhere, **changes}
    cluster.must("create", "-f", "-", stdin=configuration)
    try:
        yield
    finally:
        cluster.must("delete", "validatingwebhookconfiguration", configuration["metadata"]["name"])


def test_nothing_is_wrong_with_an_installation_that_works(
    cluster: ControlPlane, webhook: Webhook
) -> None:
    code, checks = doctor(cluster, "--service-account=elfgate/elfgate")
    assert code == 0, checks
    assert {state for state, _ in checks.values()} == {"ok"}
    assert checks["rights"][1] == "the service account elfgate/elfgate may list nodes, watch nodes"
    assert checks["webhook validate.elfgate.dev: readiness"] == ("ok", "it is ready")
    assert (
        "a review is answered, by policies of revision"
        in checks["webhook validate.elfgate.dev: review"][1]
    )


def test_a_service_account_without_rights_is_found(cluster: ControlPlane, webhook: Webhook) -> None:
    code, checks = doctor(cluster, "--service-account=default/default")
    assert code == 1
    expected = "the service account default/default may not list nodes, watch nodes"
    assert checks["rights"] == ("wrong", expected)


def test_a_webhook_that_judges_by_other_policies_than_those_at_hand_is_found(
    cluster: ControlPlane, webhook: Webhook, tmp_path: Path
) -> None:
    running = webhook.folder / "elfgate.yaml"
    _, checks = doctor(cluster, f"--config={running}", "--service-account=elfgate/elfgate")
    assert checks["webhook validate.elfgate.dev: review"][0] == "ok"
    changed = tmp_path / "elfgate.yaml"
    settings = json.loads(running.read_text())
    events = {"admission": settings["admission"] | {"events": True, "bindings": True}}
    changed.write_text(
        json.dumps(settings | {"policies": {"rules": {"latest_tag": "deny"}}} | events)
    )
    code, checks = doctor(cluster, f"--config={changed}", "--service-account=default/default")
    assert code == 1
    state, message = checks["webhook validate.elfgate.dev: review"]
    assert (state, " is judged by policies of revision " in message) == ("wrong", True)
    assert checks["rights"][1].endswith("watch nodes, get pods, create events, patch events")


def test_a_ca_bundle_of_another_authority_is_found(cluster: ControlPlane, webhook: Webhook) -> None:
    configuration = webhook.configuration("stranger")
    bundle = base64.b64encode(trustme.CA().cert_pem.bytes()).decode()
    with applied(
        cluster, configuration, clientConfig={"url": f"{webhook.url}/validate", "caBundle": bundle}
    ):
        code, checks = doctor(cluster)
    assert code == 1
    state, message = checks[f"webhook {OTHER}: certificate"]
    assert (state, message.startswith("the API server will not take it: ")) == ("wrong", True)


def test_a_webhook_that_is_down_and_could_lock_the_cluster_out_is_found(
    cluster: ControlPlane, webhook: Webhook
) -> None:
    client = webhook.configuration("down")["webhooks"][0]["clientConfig"] | {
        "url": "https://127.0.0.1:1/validate"
    }
    named = {
        "matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["kube-system"]}
        ]
    }
    changes = {
        "clientConfig": client,
        "failurePolicy": "Fail",
        "namespaceSelector": named,
        "timeoutSeconds": 30,
    }
    with applied(cluster, webhook.configuration("down"), **changes):
        code, checks = doctor(cluster)
    assert code == 1
    assert checks[f"webhook {OTHER}: lockout"] == (
        "wrong",
        "failurePolicy is Fail, and it is asked about kube-system",
    )
    assert checks[f"webhook {OTHER}: timeout"] == ("wrong", "the API server waits 30 s")
    assert checks[f"webhook {OTHER}: address"][1].startswith("127.0.0.1:1 does not answer: ")


def test_bindings_with_fail_and_a_service_without_endpoints_are_found(
    cluster: ControlPlane, webhook: Webhook
) -> None:
    service = {
        "clientConfig": {
            "service": {"namespace": "elfgate", "name": "elfgate", "path": "/validate"}
        }
    }
    bindings = webhook.configuration("bindings", rules=BINDINGS)
    with applied(cluster, bindings, failurePolicy="Fail", **service):
        code, checks = doctor(cluster)
    assert code == 1
    assert (
        checks[f"webhook {OTHER}: failure policy"][1]
        == "failurePolicy Fail on bindings, pods/binding"
    )
    assert (
        checks[f"webhook {OTHER}: endpoints"][1]
        == "the Service elfgate/elfgate has no ready endpoint"
    )


def test_rules_that_leave_workloads_out_are_found(cluster: ControlPlane, webhook: Webhook) -> None:
    with applied(cluster, webhook.configuration("pods", rules=[("", ["pods"])])):
        _, checks = doctor(cluster)
    state, message = checks[f"webhook {OTHER}: rules"]
    assert (state, "deployments" in message, "pods/ephemeralcontainers" in message) == (
        "wrong",
        True,
        True,
    )
