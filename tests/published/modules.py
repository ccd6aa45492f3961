"""Manifests that projects publish in their Go modules, fetched by the go command; none is kept."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

MODULES = (
    "k8s.io/api@v0.34.1",  # the API's own test data: every field of every kind
    "github.com/argoproj/argo-rollouts@v1.8.3",
    "github.com/kedacore/keda/v2@v2.17.2",
    "github.com/kubeflow/trainer/v2@v2.0.1",
    "github.com/ray-project/kuberay/ray-operator@v1.5.0",
    "knative.dev/serving@v0.51.0",
    "sigs.k8s.io/jobset@v0.10.1",
    "sigs.k8s.io/lws@v0.7.0",
)

# Not YAML to kubectl's reader (sigs.k8s.io/yaml) either: "did not find expected key".
_BROKEN = {"analysis-run-failfast.yaml"}

_ENDINGS = {".yaml", ".yml", ".json"}
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elfgate" / "go"
# Manifests yet to be filled in, by Helm and its like, are no YAML.
_TO_BE_FILLED_IN = re.compile(rb"\{\{|\$\{|<<|<[A-Za-z_ -]+>")


def fetched(module: str) -> Path:
    """The folder of a module's files."""
    environment = {
        **os.environ,
        "GOMODCACHE": os.environ.get("GOMODCACHE", str(_CACHE / "mod")),
        "GOCACHE": os.environ.get("GOCACHE", str(_CACHE / "build")),
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
    }
    answer = subprocess.run(
        ["go", "mod", "download", "-json", module],
        env=environment,
        cwd="/",
        capture_output=True,
        check=True,
    )
    return Path(json.loads(answer.stdout)["Dir"])


def manifests(folder: Path) -> Iterator[Path]:
    """The files that may hold objects: with kubectl's endings, an apiVersion, and nothing to be filled in."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in _ENDINGS and path.is_file() and path.name not in _BROKEN:
            text = path.read_bytes()
            if b"apiVersion" in text and not _TO_BE_FILLED_IN.search(text):
                yield path
