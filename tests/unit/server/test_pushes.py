"""Push notifications: which images each registry's form names."""

from typing import Any

import pytest

from elfgate.errors import InputError
from elfgate.server.pushes import MOST_IMAGES, pushed

DIGEST = f"sha256:{'a' * 64}"
PUSHED = f"registry.example:5000/team/app:1.0@{DIGEST}"


def distribution(action: str = "push", tag: str = "1.0") -> dict[str, Any]:
    """As distribution and GitLab's registry send it."""
    target = {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "size": 708,
        "digest": DIGEST,
        "repository": "team/app",
        "url": f"https://registry.example:5000/v2/team/app/manifests/{DIGEST}",
        "tag": tag,
    }
    request = {"id": "1", "addr": "192.0.2.7:4", "host": "registry.example:5000", "method": "PUT"}
    return {"events": [{"id": "2", "action": action, "target": target, "request": request}]}


def harbor(kind: str = "PUSH_ARTIFACT") -> dict[str, Any]:
    url = "registry.example:5000/team/app:1.0"
    resource = {"digest": DIGEST, "tag": "1.0", "resource_url": url}
    repository = {"name": "app", "namespace": "team", "repo_full_name": "team/app"}
    data = {"resources": [resource], "repository": repository}
    return {"type": kind, "occur_at": 1, "operator": "admin", "event_data": data}


def harbor_cloud_event() -> dict[str, Any]:
    event = harbor("harbor.artifact.pushed")
    event["data"] = event.pop("event_data")
    return {"specversion": "1.0", "id": "3", "source": "/projects/1", **event}


QUAY = {
    "name": "app",
    "repository": "team/app",
    "namespace": "team",
    "docker_url": "quay.example/team/app",
    "homepage": "https://quay.example/repository/team/app",
    "updated_tags": ["1.0", "latest"],
}
ZOT = {"name": "team/app", "reference": "1.0", "digest": DIGEST, "manifest": "{}"}


@pytest.mark.parametrize("document", [distribution(), harbor(), harbor_cloud_event()])
def test_an_image_is_named_by_its_digest_as_its_tag_may_be_remembered_to_point_elsewhere(
    document: dict[str, Any],
) -> None:
    assert pushed(document) == [PUSHED]


def test_quay_names_tags() -> None:
    assert pushed(QUAY) == ["quay.example/team/app:1.0", "quay.example/team/app:latest"]
    older = QUAY | {"updated_tags": {"1.0": "a" * 64}}
    assert pushed(older) == ["quay.example/team/app:1.0"]


def test_zot_is_named_by_who_set_it_up() -> None:
    event = "zotregistry.image.updated"
    assert pushed(ZOT, registry="registry.example:5000", event=event) == [PUSHED]
    assert pushed(ZOT, registry="x.example", event="zotregistry.image.deleted") == []


@pytest.mark.parametrize("document", [distribution(), harbor(), harbor_cloud_event()])
def test_nodes_name_for_the_registry_outranks_its_own(document: dict[str, Any]) -> None:
    [image] = pushed(document, registry="outside.example")
    assert image == f"outside.example/team/app:1.0@{DIGEST}"


@pytest.mark.parametrize(
    "document",
    [
        distribution("pull"),
        distribution("delete"),
        distribution(tag=""),
        harbor("DELETE_ARTIFACT"),
        {"events": []},
    ],
)
def test_what_is_no_push_of_a_tag_names_nothing(document: dict[str, Any]) -> None:
    assert pushed(document) == []


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([], "no form"),
        ({"action": "push"}, "no form"),
        ({"events": 7}, "events: input should be a valid list"),
        ({"events": [{"action": "push", "target": {"tag": "x" * 2000}}]}, "at most 1024"),
        ({"events": [{}] * 1001}, "at most 1000 items"),
        (QUAY | {"docker_url": "../etc"}, "is not a host name"),
        (QUAY | {"updated_tags": [f"t{n}" for n in range(MOST_IMAGES + 1)]}, "more than 100"),
    ],
)
def test_what_is_no_notification_is_refused(document: object, why: str) -> None:
    with pytest.raises(InputError, match=why):
        pushed(document)
