"""The tutorial's last part, in a real control plane; kwok runs no containers, so their programs run as processes."""

import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from support import founding
from support.chart import NAMESPACE, ROOT, helms
from support.control_plane import ControlPlane, until
from support.installed import LACKING, hooks, serving
from support.manifests import pod
from support.registry import Registry
from support.tutorial import steps
from support.words import ALPINE

pytestmark = pytest.mark.e2e


@pytest.mark.skipif(bool(LACKING), reason=LACKING)
def test_the_tutorials_cluster_refuses_what_it_shows(cluster: ControlPlane) -> None:
    major = max(helms())
    folders = (
        helms()[major].parent,
        cluster.programs,
        Path(sys.executable).parent,
        os.environ["PATH"],
    )
    environment = {"PATH": ":".join(map(str, folders)), "HOME": str(cluster.folder)}
    environment["KUBECONFIG"] = str(cluster.kubeconfig("admin"))
    install, *rest = steps("In a cluster")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        registry = stack.enter_context(Registry({founding.REPOSITORY: founding.images()}))
        install.run(ROOT, environment)
        hooks(cluster, major)
        stack.enter_context(serving(cluster, major, folder, {ALPINE: registry.reference(ALPINE)}))
        until(lambda: _refuses(cluster), "it is not refused")
        for step in rest:
            step.run(ROOT, environment)
    assert cluster.kubectl("get", "deployment", "-n", NAMESPACE, "elfgate").code == 1


def _refuses(cluster: ControlPlane) -> bool:
    """Whether the image is read, which the first review of it may be too early for."""
    asked = ("create", "--dry-run=server", "-n", "default", "-f", "-")
    return (
        "loader_missing" in cluster.kubectl(*asked, stdin=pod("web", ALPINE, on="ppc64le")).stderr
    )
