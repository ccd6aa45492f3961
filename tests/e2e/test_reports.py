"""Reports of an audit in a real cluster: written when they change, and removed when they go."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import founding
from support.control_plane import ControlPlane
from support.manifests import workload
from support.report_crds import DEFINITIONS, OPENREPORTS, POLICYREPORT

FORMS = {"openreports": OPENREPORTS, "policyreport": POLICYREPORT}
NAMESPACE = "reported"


@pytest.fixture
def shop(cluster: ControlPlane, images: dict[str, str]) -> Iterator[str]:
    """A namespace with one workload that cannot start everywhere, and one that can."""
    cluster.add_namespace(NAMESPACE, **{"elfgate.dev/webhook": "off"})
    for tag in ("2-alpine", "2-debian"):
        image = images[f"{founding.REPOSITORY}:{tag}"]
        cluster.must("create", "-n", NAMESPACE, "-f", "-", stdin=workload("Deployment", tag, image))
    yield NAMESPACE
    cluster.must("delete", "namespace", NAMESPACE, "--wait=true")


def audit(cluster: ControlPlane, folder: Path, form: str) -> "subprocess.CompletedProcess[str]":
    store = str(folder / "facts.db")
    return subprocess.run(
        [sys.executable, "-m", "elfgate", "audit", "--write-reports", form, "--store", store],
        env=os.environ | {"KUBECONFIG": str(cluster.kubeconfig("admin"))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def report(cluster: ControlPlane, resource: str) -> Any:
    return cluster.get(resource, "-n", NAMESPACE, "elfgate")


@pytest.mark.parametrize("form", FORMS)
def test_a_namespace_has_a_report_for_as_long_as_it_has_workloads(
    cluster: ControlPlane, shop: str, tmp_path: Path, form: str
) -> None:
    resource = FORMS[form]
    missing = audit(cluster, tmp_path, form)
    assert missing.returncode == 2
    assert f"the cluster has no {resource}: install its" in missing.stderr

    cluster.must("create", "-f", "-", stdin=DEFINITIONS[resource])
    cluster.must("wait", "--for=condition=Established", f"crd/{resource}", "--timeout=60s")
    foreign = {
        "apiVersion": "openreports.io/v1alpha1"
        if form == "openreports"
        else "wgpolicyk8s.io/v1alpha2",
        "kind": DEFINITIONS[resource]["spec"]["names"]["kind"],
        "metadata": {"name": "of-another", "namespace": shop},
    }
    cluster.must("create", "-f", "-", stdin=foreign)

    assert audit(cluster, tmp_path, form).returncode == 1
    first = report(cluster, resource)
    assert first["summary"] == {"pass": 1, "fail": 0, "warn": 2, "error": 0, "skip": 0}
    for result, platform in zip(first["results"], ("linux/ppc64le", "linux/s390x"), strict=True):
        told = result["rule"], result["result"], result["source"]
        assert told == ("loader_missing", "warn", "elfgate")
        subject = {"kind": "Deployment", "namespace": shop, "name": "2-alpine"}
        assert result["resources"] == [subject]
        assert result["properties"]["platforms"] == platform
    assert first["scope"] == {"apiVersion": "v1", "kind": "Namespace", "name": shop}

    assert "unchanged" in audit(cluster, tmp_path, form).stderr
    assert report(cluster, resource)["metadata"] == first["metadata"]

    cluster.must("delete", "-n", shop, "deployment", "2-alpine", "--wait=true")
    audit(cluster, tmp_path, form)
    changed = report(cluster, resource)
    assert changed["summary"]["pass"] == 1
    assert "results" not in changed or changed["results"] == []

    cluster.must("delete", "-n", shop, "deployment", "2-debian", "--wait=true")
    assert "1 removed" in audit(cluster, tmp_path, form).stderr
    left = cluster.get(resource, "-n", shop)["items"]
    assert [each["metadata"]["name"] for each in left] == ["of-another"]
