"""The chart in a real control plane: taken by its API server, installed by Helm, and its pods' commands run."""

import base64
import io
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support import founding
from support.chart import CHART, EXAMPLES, NAMESPACE, ROOT, VALUES, helm, helms, one, rendered
from support.control_plane import ControlPlane, until
from support.installed import LACKING, hooks, job, run_helm, serving
from support.manifests import pod
from support.registry import Registry
from support.words import ALPINE, DEBIAN

pytestmark = pytest.mark.e2e

# All that a release could leave behind. What is left of pods goes by and by, and events stay for an hour.
KINDS = (
    "all,configmaps,secrets,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,leases,"
    "persistentvolumeclaims,poddisruptionbudgets,networkpolicies,flowschemas,prioritylevelconfigurations,"
    "endpointslices,validatingwebhookconfigurations,mutatingwebhookconfigurations"
)
EVERYTHING = (
    "--set",
    "events=true,bindings=true,flowSchema.enabled=true,networkPolicy.enabled=true",
)
# Of the restricted namespace of these tests: one values file asks for the nodes' network, and on OpenShift the
# constraint sets the seccomp profile.
_VIOLATION = 'Warning: would violate PodSecurity "restricted:latest": '
_MEANT = {"host-network": "host namespaces", "openshift": "seccompProfile"}
WAIT = ("--wait", "--timeout", "120s")


@pytest.fixture(scope="module")
def images() -> Iterator[dict[str, str]]:
    with Registry({founding.REPOSITORY: founding.images()}) as registry:
        names = [f"{founding.REPOSITORY}:{tag}" for tag in founding.images()]
        yield {name: registry.reference(name) for name in names}


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.name.removesuffix("-values.yaml"))
def test_the_api_server_takes_every_object_without_a_warning(
    cluster: ControlPlane, values: Path
) -> None:
    found = list(rendered(max(helms()), values))
    said = cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=found)
    meant = _MEANT.get(values.name.removesuffix("-values.yaml"), "nothing")
    warnings = said.stderr.splitlines()
    assert said.code == 0
    assert [line for line in warnings if not line.startswith(f"{_VIOLATION}{meant} (")] == []
    assert said.stdout.count("(server dry run)") == len(found)


def test_helm_installs_upgrades_tests_and_uninstalls_and_leaves_nothing(
    cluster: ControlPlane, major: str
) -> None:
    before = everything(cluster)
    notes = run_helm(
        cluster, major, "install", "elfgate", str(CHART), *WAIT, *EVERYTHING, "--set", "steer=true"
    )
    assert (
        "Protected: pods, and all that makes them, in every namespace but kube-system, elfgate."
        in notes
    )
    assert "kubectl run refused --image=IMAGE --dry-run=server" in notes
    assert cluster.get("deployment", "-n", NAMESPACE, "elfgate")["status"]["readyReplicas"] == 2

    filled = {"tls.crt": "YQ=="}  # as a pod fills it in
    cluster.must("patch", "-n", NAMESPACE, "secret/elfgate-tls", "-p", json.dumps({"data": filled}))
    authority = base64.b64encode((cluster.folder / "ca.crt").read_bytes()).decode()
    trusted = {
        "webhooks": [{"name": "validate.elfgate.dev", "clientConfig": {"caBundle": authority}}]
    }
    cluster.must("patch", "validatingwebhookconfiguration/elfgate", "-p", json.dumps(trusted))
    run_helm(cluster, major, "upgrade", "elfgate", str(CHART), *WAIT, "--set", "replicas=3")
    assert cluster.get("deployment", "-n", NAMESPACE, "elfgate")["status"]["readyReplicas"] == 3
    assert cluster.get("secret", "-n", NAMESPACE, "elfgate-tls")["data"] == filled
    (hook,) = cluster.get("validatingwebhookconfiguration", "elfgate")["webhooks"]
    assert hook["clientConfig"]["caBundle"] == authority
    assert cluster.kubectl("get", "mutatingwebhookconfiguration", "elfgate").code == 1

    run_helm(cluster, major, "test", "elfgate")
    run_helm(cluster, major, "uninstall", "elfgate", *WAIT)
    until(lambda: everything(cluster) <= before, f"left: {everything(cluster) - before}")


@pytest.mark.skipif(bool(LACKING), reason=LACKING)
@pytest.mark.parametrize(
    "values", EXAMPLES, ids=lambda path: path.name.removesuffix("-values.yaml")
)
def test_each_worked_example_is_installed_refuses_a_pod_and_is_removed(
    cluster: ControlPlane, values: Path, short: Path, images: dict[str, str]
) -> None:
    """In a namespace of the kind in which the production example refuses."""
    major, before = max(helms()), everything(cluster)
    with pods_at("baseline" if "openshift" in values.name else "restricted", cluster):
        words = ("--values", str(values), "--set", "nodes.extraArchitectures={ppc64le}")
        run_helm(cluster, major, "install", "elfgate", str(CHART), *WAIT, *words)
        (hook,) = cluster.get("validatingwebhookconfiguration", "elfgate")["webhooks"]
        assert hook["failurePolicy"] == "Ignore"
        try:
            refuses_what_cannot_start(cluster, major, short, images)
        finally:
            run_helm(cluster, major, "uninstall", "elfgate", *WAIT)
    until(lambda: everything(cluster) <= before, f"left: {everything(cluster) - before}")


def refuses_what_cannot_start(
    cluster: ControlPlane, major: str, folder: Path, images: dict[str, str]
) -> None:
    """Run the release's webhook, and ask it of two pods of a team."""
    accounts = [obj for obj in hooks(cluster, major) if obj["kind"] != "Job"]
    with team(cluster) as namespace, serving(cluster, major, folder, images):
        on_power = pod("web", ALPINE, on="ppc64le")
        until(
            lambda: "denied the request" in dry_run(cluster, on_power, namespace),
            "it is not refused",
        )
        said = dry_run(cluster, pod("web", DEBIAN, on="ppc64le"), namespace)
        assert "pod/web created (server dry run)\n" in said
    cluster.must("delete", "--ignore-not-found", "-f", "-", stdin=accounts)


@contextmanager
def team(cluster: ControlPlane) -> Iterator[str]:
    """A namespace of a team's, for a while."""
    cluster.add_namespace("team-shop")
    try:
        yield "team-shop"
    finally:
        cluster.must("delete", "namespace", "team-shop", "--wait=true")


def archived(folder: Path) -> Path:
    """The chart in an archive of the last commit, as Flux takes it from Git."""
    made = subprocess.run(
        ["git", "archive", "HEAD", "charts/elfgate"], cwd=ROOT, capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder / "charts" / "elfgate"


def packaged(folder: Path) -> Path:
    """The chart as ``helm package`` packs it."""
    done = helm(max(helms()), "package", str(CHART), "--destination", str(folder))
    assert done.returncode == 0, done.stderr
    (package,) = folder.glob("elfgate-*.tgz")
    return package


@pytest.mark.parametrize("taken", [archived, packaged])
def test_it_is_installed_from_an_archive_and_from_a_package(
    cluster: ControlPlane, taken: Callable[[Path], Path], tmp_path: Path
) -> None:
    major = max(helms())
    run_helm(cluster, major, "install", "elfgate", str(taken(tmp_path)), *WAIT)
    assert cluster.get("deployment", "-n", NAMESPACE, "elfgate")["status"]["readyReplicas"] == 2
    run_helm(cluster, major, "uninstall", "elfgate", *WAIT)


@contextmanager
def pods_at(level: str, cluster: ControlPlane) -> Iterator[None]:
    """Hold the chart's pods to a level of Pod Security, for a while."""
    enforced = "pod-security.kubernetes.io/enforce"
    words = ("label", "--overwrite", "namespace", NAMESPACE)
    cluster.must(*words, f"{enforced}={level}")
    yield
    cluster.must(*words, f"{enforced}=restricted")


def test_claims_go_with_the_release(cluster: ControlPlane) -> None:
    major, before = max(helms()), everything(cluster)
    run_helm(cluster, major, "install", "elfgate", str(CHART), "--set", "store.kind=claim")
    until(lambda: len(cluster.get("pvc", "-n", NAMESPACE)["items"]) == 2, "there are no claims")
    run_helm(cluster, major, "uninstall", "elfgate", *WAIT)
    until(lambda: everything(cluster) <= before, f"left: {everything(cluster) - before}")


@pytest.mark.skipif(bool(LACKING), reason=LACKING)
def test_what_the_pods_run_refuses_through_the_service_with_the_rights_that_the_chart_grants(
    cluster: ControlPlane, short: Path, images: dict[str, str]
) -> None:
    major = max(helms())
    architectures = ("--set", "nodes.extraArchitectures={ppc64le}")
    run_helm(cluster, major, "install", "elfgate", str(CHART), *WAIT, *EVERYTHING, *architectures)
    try:
        jobs = hooks(cluster, major)
        with serving(cluster, major, short, images):
            looked = job(cluster, arguments(one(jobs, "Job", "elfgate-test")), "elfgate-test")
            assert looked.returncode == 0, looked.stdout + looked.stderr
            assert "a review is answered, by policies of revision elfgate-1" in looked.stdout
            on_power = pod("web", ALPINE, on="ppc64le")
            until(lambda: "loader_missing" in dry_run(cluster, on_power), "it is not refused")
            assert (
                dry_run(cluster, pod("web", DEBIAN, on="ppc64le"))
                == "pod/web created (server dry run)\n"
            )
            assert dry_run(cluster, on_power, "kube-system") == "pod/web created (server dry run)\n"
        freed = job(cluster, arguments(one(jobs, "Job", "elfgate-uninstall")), "elfgate-uninstall")
        assert freed.returncode == 0, freed.stdout + freed.stderr
        assert cluster.kubectl("get", "validatingwebhookconfiguration", "elfgate").code == 1
        assert forbidden(cluster) == []
    finally:
        run_helm(cluster, major, "uninstall", "elfgate", *WAIT)


def arguments(job_object: Any) -> list[str]:
    """What a Job's only container is started with."""
    (container,) = job_object["spec"]["template"]["spec"]["containers"]
    started: list[str] = container["args"]
    return started


def dry_run(cluster: ControlPlane, obj: object, namespace: str = "default") -> str:
    """All that kubectl says of an attempt to create an object."""
    said = cluster.kubectl("create", "--dry-run=server", "-n", namespace, "-f", "-", stdin=obj)
    return said.stdout + said.stderr


def everything(cluster: ControlPlane) -> set[str]:
    """The names of all that there is."""
    columns = "-o=custom-columns=K:.kind,N:.metadata.namespace,M:.metadata.name"
    lines = cluster.must("get", KINDS, "-A", "--no-headers", columns).splitlines()
    return {" ".join(line.split()) for line in lines}


def forbidden(cluster: ControlPlane) -> list[str]:
    """What the chart's accounts were not allowed to do, so far."""
    lines = (cluster.folder / "audit.jsonl").read_text().splitlines()
    events = [
        json.loads(line) for line in lines if f"system:serviceaccount:{NAMESPACE}:elfgate" in line
    ]
    assert events
    return [
        event["requestURI"]
        for event in events
        if event.get("responseStatus", {}).get("code") == 403
    ]
