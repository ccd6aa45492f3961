"""What is never refused, so that a cluster comes up with the webhook registered."""

from pathlib import Path
from typing import Any

import pytest

from elfgate.cluster.exempt import Exemption, own_namespace
from support.objects import container, pod

MIRROR = {"kubernetes.io/config.mirror": "0f1e"}


def mirror() -> dict[str, Any]:
    obj = pod(container())
    obj["metadata"]["annotations"] = MIRROR
    return obj


def test_kube_system_its_own_namespace_and_those_that_are_set_are_exempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POD_NAMESPACE", "guard")
    exemption = Exemption(["storage"])
    assert [
        exemption.covers(name, pod(container()))
        for name in ("kube-system", "guard", "storage", "shop", "")
    ] == [
        *[True] * 3,
        *[False] * 2,
    ]


def test_mirror_pods_are_exempt_wherever_they_are() -> None:
    assert Exemption().covers("shop", mirror())
    assert not Exemption().covers("shop", mirror() | {"kind": "Deployment"})


@pytest.mark.parametrize(
    "obj", [None, [], "Pod", {"kind": "Pod"}, {"kind": "Pod", "metadata": {"annotations": [1]}}]
)
def test_objects_of_any_shape_are_looked_at(obj: object) -> None:
    assert not Exemption().covers("shop", obj)
    assert not Exemption().covers({"name": "kube-system"}, obj)


def test_its_own_namespace_is_the_service_account_s_where_the_environment_does_not_say(
    tmp_path: Path,
) -> None:
    (tmp_path / "namespace").write_text("guard\n")
    assert own_namespace({}, tmp_path / "namespace") == "guard"
    assert own_namespace({"POD_NAMESPACE": "other"}, tmp_path / "namespace") == "other"
    assert own_namespace({}, tmp_path / "none") == ""
