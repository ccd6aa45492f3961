"""A private registry, and namespaces with and without its secret, in a real cluster. ``make e2e``."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import founding
from support.control_plane import ControlPlane, Said, until
from support.manifests import pod, workload
from support.registry import Registry
from support.webhook import Webhook
from support.words import apply

pytestmark = pytest.mark.e2e

NAME = "pull-secrets"
KEY = {"imagePullSecrets": [{"name": "key"}]}


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    images = {founding.REPOSITORY: founding.images()}
    with Registry(images, auth="bearer", username="user", password="s3cret") as running:
        yield running


def rights() -> list[dict[str, Any]]:
    """What the service account of the other tests needs besides."""
    subject = {"kind": "ServiceAccount", "name": "elfgate", "namespace": "elfgate"}
    group = "rbac.authorization.k8s.io"
    rules = [{"apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": ["get"]}]
    kind, role = (
        {"apiVersion": f"{group}/v1", "metadata": {"name": NAME}},
        {"apiGroup": group, "kind": "ClusterRole"},
    )
    return [
        kind | {"kind": "ClusterRole", "rules": rules},
        kind
        | {"kind": "ClusterRoleBinding", "subjects": [subject], "roleRef": role | {"name": NAME}},
    ]


@pytest.fixture(scope="module")
def namespaces(
    cluster: ControlPlane,
    settings: dict[str, Any],
    registry: Registry,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """One with the secret, one whose service account has it, and one without, all asked about one webhook."""
    cluster.must("create", "-f", "-", stdin=rights())
    written = json.dumps(
        {"auths": {registry.host: {"auth": base64.b64encode(b"user:s3cret").decode()}}}
    )
    data = {".dockerconfigjson": base64.b64encode(written.encode()).decode()}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "data": data,
    }
    for name in ("with-secret", "with-account", "without"):
        cluster.add_namespace(name, **{"elfgate.dev/webhook": NAME})
        if name != "without":
            cluster.must(
                "create", "-n", name, "-f", "-", stdin=secret | {"metadata": {"name": "key"}}
            )
    cluster.must("patch", "-n", "with-account", "serviceaccount", "default", "-p", json.dumps(KEY))
    registries = {"pull_secrets": True, "insecure": [registry.host]}
    with Webhook(
        Path(tmp_path_factory.mktemp(NAME)),
        settings | {"registries": registries},
        client_ca=cluster.folder / "ca.crt",
    ) as webhook:
        chosen = {"matchLabels": {"elfgate.dev/webhook": NAME}}
        cluster.must("create", "-f", "-", stdin=webhook.configuration(NAME, selector=chosen))
        yield
        cluster.must("delete", "validatingwebhookconfiguration", NAME)


def said_at_last(cluster: ControlPlane, namespace: str, obj: object) -> Said:
    """What kubectl says once the webhook is asked, and has read what it may."""
    said = Said(0, "", "")

    def heard() -> bool:
        nonlocal said
        said = apply(cluster, namespace, obj, "--dry-run=server")
        return bool(said.stderr) and "first time" not in said.stderr

    until(heard, f"nothing is said of {namespace}")
    return said


@pytest.mark.usefixtures("namespaces")
def test_each_namespace_is_told_of_private_images_what_its_own_secrets_open(
    cluster: ControlPlane, registry: Registry
) -> None:
    image = registry.reference(f"{founding.REPOSITORY}:2-alpine")
    deployment = workload("Deployment", "web", image, on="ppc64le")
    for namespace, obj in (
        ("with-secret", pod("web", image, on="ppc64le", **KEY)),
        ("with-account", pod("web", image, on="ppc64le")),
        ("with-account", deployment),
    ):
        said = said_at_last(cluster, namespace, obj)
        assert said.code == 1, said
        assert "needs the loader /lib64/ld64.so.2" in said.stderr
    for obj in (pod("web", image, on="ppc64le", **KEY), deployment):
        said = said_at_last(cluster, "without", obj)
        assert said.code == 0, said
        assert "credentials" in said.stderr
        assert "loader" not in said.stderr
