"""A pod that starts on some architectures only, in a cluster that steers: what kubectl and the scheduler see of it."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from support.control_plane import ControlPlane, until
from support.manifests import pod
from support.webhook import Webhook
from support.words import ALPINE, DEBIAN, apply, refused

pytestmark = pytest.mark.e2e

NAMESPACE = "steered"
ONLY_HERE = {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@pytest.fixture(scope="module")
def steering(
    cluster: ControlPlane, settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    """The cluster, with a namespace in which pods are steered."""
    told = settings | {"admission": {"drain_seconds": 0, "steer": True}}
    with Webhook(tmp_path_factory.mktemp("steering"), told) as running:
        cluster.add_namespace(NAMESPACE, **{"elfgate.dev/webhook": NAMESPACE})
        validating = running.configuration(NAMESPACE, selector=ONLY_HERE)
        cluster.must("create", "-f", "-", stdin=validating)
        cluster.must("create", "-f", "-", stdin=mutating(validating))
        for image in (ALPINE, DEBIAN):
            until(partial(known, cluster, image), f"{image} is not read")
        yield cluster


def mutating(configuration: dict[str, Any]) -> dict[str, Any]:
    """The same for the mutating endpoint."""
    (webhook,) = configuration["webhooks"]
    url = webhook["clientConfig"]["url"].replace("/validate", "/mutate")
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["pods"],
    }
    changed = {
        "clientConfig": webhook["clientConfig"] | {"url": url},
        "rules": [rule],
        "reinvocationPolicy": "IfNeeded",
    }
    return configuration | {"kind": "MutatingWebhookConfiguration", "webhooks": [webhook | changed]}


def known(cluster: ControlPlane, image: str) -> bool:
    return (
        "first time"
        not in apply(cluster, NAMESPACE, pod("first", image), "--dry-run=server").stderr
    )


def architectures(terms: list[dict[str, Any]]) -> list[list[str]]:
    return [
        expression["values"]
        for term in terms
        for expression in term.get("matchExpressions", [])
        if expression["key"] == "kubernetes.io/arch"
    ]


def test_a_pod_is_steered_without_a_word_and_lands_where_it_starts(steering: ControlPlane) -> None:
    said = apply(steering, NAMESPACE, pod("web", ALPINE))
    assert (said.code, said.stdout, said.stderr) == (0, "pod/web created\n", "")
    created = steering.get("pod", "web", "-n", NAMESPACE)
    assert created["metadata"]["annotations"]["elfgate.dev/steered-to"] == "amd64,arm64"
    terms = created["spec"]["affinity"]["nodeAffinity"][REQUIRED]["nodeSelectorTerms"]
    assert terms == [
        {
            "matchExpressions": [
                {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64", "arm64"]}
            ]
        }
    ]
    until(
        lambda: steering.get("pod", "web", "-n", NAMESPACE)["spec"].get("nodeName"),
        "it is not scheduled",
    )
    assert steering.get("pod", "web", "-n", NAMESPACE)["spec"]["nodeName"] in {"amd64-1", "arm64-1"}


def test_each_of_its_own_terms_is_narrowed(steering: ControlPlane) -> None:
    own = [
        {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]}
    ] * 2
    manifest = pod("terms", ALPINE)
    manifest["spec"]["affinity"] = {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": own}}}
    assert apply(steering, NAMESPACE, manifest).stderr == ""
    created = steering.get("pod", "terms", "-n", NAMESPACE)
    terms = created["spec"]["affinity"]["nodeAffinity"][REQUIRED]["nodeSelectorTerms"]
    assert architectures(terms) == [["amd64", "arm64"]] * 2


def test_a_pod_that_starts_everywhere_is_left_alone(steering: ControlPlane) -> None:
    assert apply(steering, NAMESPACE, pod("everywhere", DEBIAN)).stderr == ""
    created = steering.get("pod", "everywhere", "-n", NAMESPACE)
    assert "elfgate.dev/steered-to" not in created["metadata"].get("annotations", {})
    assert "affinity" not in created["spec"]


def test_a_pod_that_starts_nowhere_is_denied_as_ever(steering: ControlPlane) -> None:
    assert apply(steering, NAMESPACE, pod("nowhere", ALPINE, on="ppc64le")).code == refused().code
