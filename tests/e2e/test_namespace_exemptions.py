"""A namespace exempts what it runs, by a ConfigMap in a real cluster. ``make e2e``."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.control_plane import ControlPlane, until
from support.manifests import pod
from support.webhook import Webhook
from support.words import ALPINE, apply

pytestmark = pytest.mark.e2e

NAME = "exempting"
GRANTED = [
    {"image": "example/server", "owner": "team-a", "reason": "moves", "expires": "2100-01-01"}
]


def rights() -> list[dict[str, Any]]:
    """What the chart grants besides, for ConfigMaps of this one name."""
    group = "rbac.authorization.k8s.io"
    named = {"apiVersion": f"{group}/v1", "metadata": {"name": NAME}}
    rule = {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "resourceNames": ["elfgate-exemptions"],
        "verbs": ["list", "watch"],
    }
    subject = {"kind": "ServiceAccount", "name": "elfgate", "namespace": "elfgate"}
    role = {"apiGroup": group, "kind": "ClusterRole", "name": NAME}
    return [
        {**named, "kind": "ClusterRole", "rules": [rule]},
        {**named, "kind": "ClusterRoleBinding", "subjects": [subject], "roleRef": role},
    ]


@pytest.fixture(scope="module")
def webhook(
    cluster: ControlPlane, settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Webhook]:
    """A webhook that lets the namespace ``may`` exempt, and is asked about ``may`` and ``may-not``."""
    cluster.must("create", "-f", "-", stdin=rights())
    for name in ("may", "may-not"):
        cluster.add_namespace(name, **{"elfgate.dev/webhook": NAME})
    policies = {"exempting_namespaces": ["may"]}
    folder = Path(tmp_path_factory.mktemp(NAME))
    with Webhook(folder, settings | {"policies": policies}) as running:
        chosen = {"matchLabels": {"elfgate.dev/webhook": NAME}}
        cluster.must("create", "-f", "-", stdin=running.configuration(NAME, selector=chosen))
        yield running
        cluster.must("delete", "validatingwebhookconfiguration", NAME)


def config_map(exemptions: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "elfgate-exemptions"},
        "data": {"exemptions": exemptions},
    }


def test_a_namespace_that_may_exempts_its_own_without_a_restart(
    cluster: ControlPlane, webhook: Webhook
) -> None:
    bad = pod("web", ALPINE, on="ppc64le")

    def is_refused(namespace: str) -> bool:
        said = apply(cluster, namespace, bad, "--dry-run=server")
        return said.code == 1 and "[loader_missing]" in said.stderr

    for namespace in ("may", "may-not"):
        until(partial(is_refused, namespace), f"{namespace} is not refused")
    for namespace in ("may", "may-not"):
        said = apply(cluster, namespace, config_map(json.dumps(GRANTED)))
        assert said.code == 0, said
    until(lambda: not is_refused("may"), "the exemption is not taken")
    assert apply(cluster, "may", bad, "--dry-run=server").code == 0
    assert is_refused("may-not")

    assert apply(cluster, "may", config_map("no: list")).code == 0
    until(lambda: is_refused("may"), "the exemption is not withdrawn")
    assert any("is not a list of exemptions" in line["message"] for line in webhook.log())

    assert apply(cluster, "may", config_map(json.dumps(GRANTED))).code == 0
    until(lambda: not is_refused("may"), "the exemption is not taken again")
    cluster.must("delete", "configmap", "-n", "may", "elfgate-exemptions")
    until(lambda: is_refused("may"), "the exemption stays without its ConfigMap")
