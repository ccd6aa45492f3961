"""A release's chart, installed by Helm from a real registry, up to its first refusal."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import elfgate
from lab.layout import File, Layout
from lab.release import chart
from lab.release.publish import publish
from support.chart import containers, objects, one
from support.control_plane import ControlPlane, until
from support.distribution import Distribution
from support.installed import LACKING, hooks, run_helm, serving
from support.manifests import pod
from support.words import ALPINE

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(LACKING), reason=LACKING)]

_ON_POWER = pod("web", ALPINE, on="ppc64le")
_DATE = 1_700_000_000


@dataclass(frozen=True)
class Published:
    """A chart in a registry.

    Attributes:
        chart: Its name, as Helm takes it.
        image: The image that it installs, by digest.
    """

    chart: str
    image: str


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """A registry into which a release was pushed: an image of one file, and the chart."""
    folder = tmp_path_factory.mktemp("published")
    with Distribution(folder / "registry") as registry:
        layout = Layout(folder / "layout")
        repository, digest = f"{registry.host}/elfgate", _image(layout)
        packed = chart.package(repository=repository, digest=digest, seconds=_DATE)
        chart.artifact(layout, f"charts/elfgate:{elfgate.__version__}", packed)
        layout.finish()
        asyncio.run(publish(folder / "layout", registry.host, plain_http=True))
        yield Published(f"oci://{registry.host}/charts/elfgate", f"{repository}@{digest}")


def _image(layout: Layout) -> str:
    """Write an image that nothing runs; its digest."""
    layer = layout.layer([File("bin/elfgate", b"#!/bin/elfgate\n", 0o755)])
    image = layout.image("amd64", [layer], {"Entrypoint": ["/bin/elfgate"]})
    digest: str = layout.tag(f"elfgate:{elfgate.__version__}", [image])["digest"]
    return digest


def test_helm_installs_the_chart_from_a_registry_and_a_pod_that_cannot_start_is_refused(
    cluster: ControlPlane, major: str, published: Published, short: Path, images: dict[str, str]
) -> None:
    begun = time.monotonic()
    _install(cluster, major, published)
    try:
        hooks(cluster, major)
        with serving(cluster, major, short, images):
            until(lambda: "loader_missing" in _said(cluster), "it is not refused")
            seconds = time.monotonic() - begun
        assert published.image in _installed_images(cluster, major)
    finally:
        run_helm(cluster, major, "uninstall", "elfgate", "--wait")
    print(f"Helm {major}, from the registry to the first refusal: {seconds:.1f} s")  # noqa: T201 - the figure


def _install(cluster: ControlPlane, major: str, published: Published) -> None:
    whence = (published.chart, "--version", elfgate.__version__, "--plain-http")
    expected = ("--set", "nodes.extraArchitectures={ppc64le}")
    run_helm(cluster, major, "install", "elfgate", *whence, *expected, "--wait")


def _said(cluster: ControlPlane) -> str:
    """Of a pod whose image has no loader for its node."""
    words = ("create", "--dry-run=server", "-n", "default", "-f", "-")
    return cluster.kubectl(*words, stdin=_ON_POWER).stderr


def _installed_images(cluster: ControlPlane, major: str) -> set[str]:
    found = list(objects(run_helm(cluster, major, "get", "manifest", "elfgate")))
    deployed = one(found, "Deployment")["spec"]["template"]
    return {container["image"] for container in containers(deployed)}
