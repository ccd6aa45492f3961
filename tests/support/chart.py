"""The Helm chart, rendered by the Helms that ``.ci/helm`` has built."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "elfgate"
EXAMPLES = sorted(CHART.glob("examples/*-values.yaml"))
VALUES = [*sorted(CHART.glob("ci/*-values.yaml")), *EXAMPLES]
NAMESPACE = "elfgate"
KUBERNETES = "1.36.3"  # what is rendered for, where a test does not say otherwise
# Kinds of the Prometheus operator, cert-manager and the VPA, which Kubernetes itself does not know.
FOREIGN = {
    "Certificate": "cert-manager.io/v1",
    "Issuer": "cert-manager.io/v1",
    "PodMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
    "ServiceMonitor": "monitoring.coreos.com/v1",
    "VerticalPodAutoscaler": "autoscaling.k8s.io/v1",
}

Object = Mapping[str, Any]


def helms() -> dict[str, Path]:
    """Each Helm that is there, by major version."""
    cache_folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elfgate"
    pinned = re.findall(r"^(\d)\) version=(\S+)", (ROOT / ".ci" / "helm").read_text(), re.MULTILINE)
    built = {major: cache_folder / f"bin-helm-{version}" / "helm" for major, version in pinned}
    return {major: path for major, path in built.items() if path.exists()}


def helm(
    major: str, *words: str, kubeconfig: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a Helm, with no configuration but the one that is given."""
    program = helms()[major]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(program.parent / "home"),
        "KUBECONFIG": str(kubeconfig or "/nowhere"),
    }
    return subprocess.run(
        [program, *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=180,
        cwd=ROOT,
    )


def template(major: str, *words: str) -> str:
    """What ``helm template`` prints, without a cluster.

    Raises:
        AssertionError: if it fails.
    """
    done = helm(
        major,
        "template",
        "elfgate",
        str(CHART),
        "-n",
        NAMESPACE,
        "--kube-version",
        KUBERNETES,
        *words,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def rendered(major: str, values: Path | None = None) -> Sequence[Object]:
    """The objects of a values file."""
    return tuple(objects(template(major, *(("--values", str(values)) if values else ()))))


def objects(text: str) -> Iterator[Object]:
    """The objects in a stream of YAML documents."""
    return (obj for obj in yaml.safe_load_all(text) if obj)


def one(found: Sequence[Object], kind: str, name: str = "") -> Any:
    """The only object of a kind (and, if that is given, name)."""
    (obj,) = (obj for obj in found if obj["kind"] == kind and name in ("", obj["metadata"]["name"]))
    return obj


def pods(found: Sequence[Object]) -> Iterator[tuple[str, Any]]:
    """Each pod template among the objects, with the name of what holds it."""
    for obj in found:
        spec = obj.get("spec") or {}
        spec = spec.get("jobTemplate", {}).get("spec") or spec
        if "template" in spec:
            yield f"{obj['kind']}/{obj['metadata']['name']}", spec["template"]


def containers(pod: Any) -> Iterator[Any]:
    """A pod template's containers, init containers first."""
    yield from pod["spec"].get("initContainers", [])
    yield from pod["spec"]["containers"]


def lay_out(found: Sequence[Object], folder: Path) -> Path:
    """Put the files of the webhook's ConfigMaps where its container sees them, below a folder.

    Returns:
        The settings' file, its paths changed to that folder's.
    """
    pod, container = next(
        (pod, each)
        for _, pod in pods(found)
        for each in containers(pod)
        if each["args"][0] == "serve"
    )
    mounts: dict[str, Path] = {
        mount["name"]: folder / mount["mountPath"].lstrip("/")
        for mount in container["volumeMounts"]
    }
    for volume in pod["spec"]["volumes"]:
        mounts[volume["name"]].mkdir(parents=True, exist_ok=True)
        given = volume.get("configMap", {})
        data: dict[str, str] = next(
            (obj["data"] for obj in found if _is_config_map(obj, given.get("name"))), {}
        )
        items = given.get("items") or [{"key": key, "path": key} for key in data]
        for item in items:
            path = mounts[volume["name"]] / item["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(data[item["key"]])
    settings = mounts["settings"] / "elfgate.yaml"
    settings.write_text(re.sub(r"(?<=: )/(etc|run|var)/", rf"{folder}/\1/", settings.read_text()))
    return settings


def _is_config_map(obj: Object, name: str | None) -> bool:
    return bool(obj["kind"] == "ConfigMap" and obj["metadata"]["name"] == name)
