"""The labels of namespaces: of manifests, and asked of an API server on loopback."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from elfgate.cluster.access import Access
from elfgate.cluster.api import Api
from elfgate.cluster.manifests import Manifest
from elfgate.cluster.namespaces import Given, Labels, Read
from support.api_server import ApiServer

SHOP = {
    "kind": "Namespace",
    "metadata": {"name": "shop", "labels": {"stage": "prod"}},
}
OF_SHOP = {"kubernetes.io/metadata.name": "shop", "stage": "prod"}


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as running:
        running.objects = {"shop": SHOP}
        yield running


def asked(server: ApiServer, folder: Path, *names: str) -> list[Labels | None]:
    """What is known of namespaces that are asked for one after the other."""
    access = Access(server.kubeconfig(folder))

    async def ask(known: Read) -> list[Labels | None]:
        return [await known.labels(name) for name in names]

    with Api(access) as api:
        return asyncio.run(ask(Read(api)))


def test_a_namespace_is_read_once_and_has_its_name_for_a_label(
    server: ApiServer, tmp_path: Path
) -> None:
    assert asked(server, tmp_path, "shop", "shop") == [OF_SHOP, OF_SHOP]
    assert server.shown == ["shop"]


def test_one_that_is_not_told_is_not_known_and_not_asked_for_again_at_once(
    server: ApiServer, tmp_path: Path
) -> None:
    assert asked(server, tmp_path, "other", "other") == [None, None]
    assert server.shown == ["other"]


def test_manifests_tell_of_their_own_namespaces_only() -> None:
    service = {"kind": "Service", "metadata": {"name": "web", "labels": {"stage": "no"}}}
    given = Given.of([Manifest("a.yaml", SHOP), Manifest("a.yaml:9", service)])
    assert asyncio.run(given.labels("shop")) == OF_SHOP
    assert asyncio.run(given.labels("web")) is None
