"""A certificate that two replicas make and renew themselves, under a real API server's steady reviews. ``make e2e``."""

import base64
import hashlib
import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.control_plane import ControlPlane, until
from support.manifests import pod
from support.webhook import Webhook
from support.words import ALPINE, DEBIAN

pytestmark = pytest.mark.e2e

SECRET, REPLICAS = "elfgate-tls", ("self-made-a", "self-made-b")
LIFE = 60.0  # seconds; a new certificate is due after 40


class Replica(Webhook):
    """One that has no certificate of the test's, which takes any: whether it is the right one, the API server says."""

    def ready(self) -> bool:
        """Whether it says so."""
        with httpx.Client(verify=_anybody(), trust_env=False, timeout=20) as client:
            return client.get(f"{self.url}/readyz").status_code == httpx.codes.OK

    def fingerprint(self) -> str:
        """Of the certificate that it serves."""
        with (
            socket.create_connection(("127.0.0.1", httpx.URL(self.url).port or 0)) as plain,
            _anybody().wrap_socket(plain) as connection,
        ):
            return hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()


def bundles(cluster: ControlPlane) -> list[int]:
    """How many authorities each configuration trusts."""
    found = [cluster.get("validatingwebhookconfiguration", name) for name in REPLICAS]
    encoded = [each["webhooks"][0]["clientConfig"].get("caBundle", "") for each in found]
    return [base64.b64decode(each).count(b"BEGIN CERTIFICATE") for each in encoded]


def rights() -> list[dict[str, Any]]:
    """The least that the service account of the other tests needs besides."""
    subject = {"kind": "ServiceAccount", "name": "elfgate", "namespace": "elfgate"}
    api, group = "rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
    kinds = ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"]
    configurations = {
        "apiGroups": ["admissionregistration.k8s.io"],
        "resources": kinds,
        "resourceNames": [*REPLICAS],
    }
    own = [
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": [SECRET],
            "verbs": ["get", "update"],
        },
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": [SECRET],
            "verbs": ["get", "update"],
        },
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
    ]
    made: list[dict[str, Any]] = []
    for kind, place, rules in (
        ("Role", {"namespace": "elfgate"}, own),
        ("ClusterRole", {}, [configurations | {"verbs": ["get", "patch"]}]),
    ):
        metadata = {"name": SECRET, **place}
        role = {"apiGroup": group, "kind": kind, "name": SECRET}
        made += [
            {"apiVersion": api, "kind": kind, "metadata": metadata, "rules": rules},
            {
                "apiVersion": api,
                "kind": f"{kind}Binding",
                "metadata": metadata,
                "subjects": [subject],
                "roleRef": role,
            },
        ]
    return made


@pytest.fixture
def replicas(
    cluster: ControlPlane, settings: dict[str, Any], tmp_path: Path
) -> Iterator[list[Replica]]:
    """Two that start at once, each asked about a namespace of its own; what it does not answer is refused."""
    cluster.must("create", "-f", "-", stdin=rights())
    self_made = {
        "names": ["127.0.0.1"],
        "webhooks": [*REPLICAS],
        "namespace": "elfgate",
        "days": LIFE / 86400,
        "settle_seconds": 2,
        "overlap_seconds": 6,
    }
    tls = {"self_made": self_made, "reload_seconds": 1}
    both = [Replica(tmp_path / name, settings | {"tls": tls}) for name in REPLICAS]
    with ExitStack() as stack:
        starting = [
            threading.Thread(target=lambda one=one: stack.enter_context(one)) for one in both
        ]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        for name, one in zip(REPLICAS, both, strict=True):
            label = {"elfgate.dev/webhook": name}
            cluster.add_namespace(name, **label)
            made = one.configuration(name, selector={"matchLabels": label}, failure_policy="Fail")
            del made["webhooks"][0]["clientConfig"]["caBundle"]
            cluster.must("create", "-f", "-", stdin=made)
        try:
            yield both
        finally:
            cluster.must("delete", "validatingwebhookconfiguration", *REPLICAS)


@contextmanager
def steady_reviews(cluster: ControlPlane) -> Iterator[Counter[str]]:
    """Create pods in both namespaces, on and on, of which the image of every other cannot start; what was answered."""
    answers: Counter[str] = Counter()
    stop = threading.Event()

    def create(namespace: str) -> None:
        url = f"{cluster.url}/api/v1/namespaces/{namespace}/pods?dryRun=All"
        number = 0
        with httpx.Client(verify=cluster.trust(), trust_env=False, timeout=20) as client:
            while not stop.wait(0.05):
                image, wanted = ((DEBIAN, 201), (ALPINE, 403))[number % 2]
                number += 1
                answer = client.post(url, json=pod("web", image, on="ppc64le"))
                right = answer.status_code == wanted and ("cannot start" in answer.text) == (
                    wanted == 403
                )
                answers["right" if right else answer.text] += 1

    threads = [threading.Thread(target=create, args=[name]) for name in REPLICAS]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_two_replicas_make_one_certificate_and_renew_it_without_losing_a_review(
    cluster: ControlPlane, replicas: list[Replica], capsys: pytest.CaptureFixture[str]
) -> None:
    made = [line["message"] for one in replicas for line in one.log()].count(
        "a new certificate is made"
    )
    assert made == 1
    assert len({one.fingerprint() for one in replicas}) == 1
    for name in REPLICAS:  # from here on they are trusted, and know both images
        for image, wanted in ((DEBIAN, 0), (ALPINE, 1)):
            asked = pod("web", image, on="ppc64le")
            until(partial(_answers, cluster, name, asked, wanted), f"{name} does not answer")
    with steady_reviews(cluster) as answers:
        seen = _after_renewal(cluster, replicas)  # it is due after two thirds of its life
        empty = json.dumps({"data": None})
        cluster.must(
            "patch", "secret", "-n", "elfgate", SECRET, "-p", empty
        )  # as one would revoke it
        seen |= _after_renewal(cluster, replicas)
        until(lambda: bundles(cluster) == [1, 1], "the old authorities stay trusted")
        before = answers["right"]
        until(lambda: answers["right"] > before + 20, "no reviews are answered")
    assert len(seen) == 3
    assert set(answers) == {"right"}, answers
    with capsys.disabled():
        changes = len(seen) - 1
        told = f"{answers.total()} reviews while the certificate changed {changes} times"
        print(f"\n{told}: none lost, none wrong")  # noqa: T201


def _answers(cluster: ControlPlane, name: str, asked: dict[str, Any], wanted: int) -> bool:
    """Whether this replica is trusted, and knows the image."""
    create = ("create", "--dry-run=server", "-n", name, "-f", "-")
    if cluster.kubectl(*create, stdin=asked).code != wanted:
        return False
    said = cluster.kubectl(*create, stdin=asked).stderr
    return "first time" not in said and "x509" not in said


def _after_renewal(cluster: ControlPlane, replicas: list[Replica]) -> set[str]:
    """Wait until every replica serves another certificate; both fingerprints."""
    (before,) = {one.fingerprint() for one in replicas}
    until(
        lambda: before not in {one.fingerprint() for one in replicas},
        "they keep the old one",
        patience=90,
    )
    (after,) = {one.fingerprint() for one in replicas}
    return {before, after}


def _anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
