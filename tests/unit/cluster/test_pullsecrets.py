"""Pull secrets of a workload, asked of an API server on loopback."""

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from elfgate.cluster.access import Access
from elfgate.cluster.api import Api
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.pullsecrets import PullSecrets
from elfgate.cluster.workload import Workload
from elfgate.settings import Settings
from elfgate.wiring.inventory import Cluster
from support.api_server import ApiServer


def secret(user: str, host: str = "a.example") -> dict[str, Any]:
    document = orjson.dumps({"auths": {host: {"username": user, "password": "p"}}})
    data = {".dockerconfigjson": base64.b64encode(document).decode()}
    return {"kind": "Secret", "type": "kubernetes.io/dockerconfigjson", "data": data}


def named(*names: str) -> dict[str, Any]:
    return {"imagePullSecrets": [{"name": name} for name in names]}


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as running:
        running.objects = {
            "shop/secrets/one": secret("one"),
            "shop/secrets/two": secret("two"),
            "shop/secrets/broken": {
                "type": "kubernetes.io/dockerconfigjson",
                "data": {".dockerconfigjson": "!"},
            },
            "shop/serviceaccounts/default": named("two"),
            "shop/serviceaccounts/builder": named("one"),
            "other/secrets/one": secret("other's"),
        }
        yield running


def users(
    server: ApiServer, folder: Path, *specs: dict[str, Any], namespace: str = "shop"
) -> list[list[str]]:
    """The user names that workloads with these PodSpecs ask with, one after the other."""

    async def ask(secrets: PullSecrets) -> list[list[str]]:
        workloads = [Workload("Deployment", namespace, "web", (), spec) for spec in specs]
        keyrings = [await secrets.of(workload) for workload in workloads]
        return [
            [credential.username for credential in keyring.find("a.example/app")]
            for keyring in keyrings
        ]

    with Api(Access(server.kubeconfig(folder))) as api:
        return asyncio.run(ask(PullSecrets(api)))


def test_a_pod_s_own_secrets_are_its_credentials(server: ApiServer, tmp_path: Path) -> None:
    assert users(server, tmp_path, named("one", "two")) == [["one", "two"]]
    assert users(server, tmp_path, named("one"), namespace="other") == [["other's"]]


def test_a_pod_that_names_none_has_its_service_account_s(server: ApiServer, tmp_path: Path) -> None:
    assert users(server, tmp_path, {}, {"serviceAccountName": "builder"}) == [["two"], ["one"]]


def test_secrets_that_are_not_there_are_passed_over(server: ApiServer, tmp_path: Path) -> None:
    assert users(
        server, tmp_path, named("gone", "one"), named("gone"), {"serviceAccountName": "gone"}
    ) == [
        ["one"],
        [],
        [],
    ]


def test_a_malformed_secret_or_pod_holds_no_credentials(server: ApiServer, tmp_path: Path) -> None:
    assert users(
        server, tmp_path, named("broken"), {"imagePullSecrets": 5}, {"imagePullSecrets": [{}]}
    ) == [
        [],
        [],
        ["two"],
    ]


def test_an_api_server_that_refuses_leaves_nobody_s_access(
    server: ApiServer, tmp_path: Path
) -> None:
    server.refusing = 403
    assert users(server, tmp_path, named("one")) == [[]]


def test_secrets_are_remembered_for_a_while(server: ApiServer, tmp_path: Path) -> None:
    users(server, tmp_path, named("one"), named("one", "two"), named("two"))
    assert server.shown == ["shop/secrets/one", "shop/secrets/two"]


def test_a_pod_cannot_make_the_webhook_ask_for_any_number(
    server: ApiServer, tmp_path: Path
) -> None:
    users(server, tmp_path, named(*(f"s{number}" for number in range(100))))
    assert len(server.shown) == 32


def test_no_secret_is_used_while_anybody_may_ask_for_any_namespace(
    server: ApiServer, tmp_path: Path
) -> None:
    workload = Workload("Pod", "shop", "web", (), named("one"))
    settings = {"registries": {"pull_secrets": True}, "nodes": {"file": str(tmp_path / "none")}}
    verified = {"tls": {"certificate": "a", "key": "b", "client_ca": "c"}}
    with Api(Access(server.kubeconfig(tmp_path))) as api:
        cluster = Cluster(Inventory(), lambda: True, api)
        for more, expected in (({}, []), (verified, ["one"])):
            secrets = cluster.pull_secrets(Settings.model_validate(settings | more))
            assert (
                secrets is not None
            )  # whoever asks has no credentials, and is told nothing by them
            keyring = asyncio.run(secrets.of(workload))
            found = [credential.username for credential in keyring.find("a.example/app")]
            assert found == expected
