"""Manifests that projects publish in their Go modules, fetched by the go command; none is kept."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

MODULES = (
    "k8s.io/api@v0.34.1",  # the API's own test data: every field of every kind
    "github.com/argoproj/argo-cd/v2@v2.14.21",
    "github.com/argoproj/argo-rollouts@v1.8.3",
    "github.com/argoproj/argo-workflows/v3@v3.7.0",
    "github.com/cert-manager/cert-manager@v1.21.2",
    "github.com/dapr/dapr@v1.14.0",
    "github.com/elastic/cloud-on-k8s/v3@v3.5.0",
    "github.com/fluxcd/flux2/v2@v2.9.5",
    "github.com/kedacore/keda/v2@v2.17.2",
    "github.com/kserve/kserve@v0.15.0",
    "github.com/kubeflow/trainer/v2@v2.0.1",
    "github.com/kubeflow/training-operator@v1.8.1",
    "github.com/kyverno/kyverno@v1.19.1",
    "github.com/open-policy-agent/gatekeeper/v3@v3.23.1",
    "github.com/openkruise/kruise@v1.8.0",
    "github.com/projectcalico/calico@v1.11.0-cni-plugin.0.20250813170300-a0db560f0520",
    "github.com/prometheus-operator/prometheus-operator@v0.85.0",
    "github.com/ray-project/kuberay/ray-operator@v1.5.0",
    "github.com/spinkube/spin-operator@v0.4.0",
    "github.com/tektoncd/pipeline@v1.0.0",
    "github.com/vmware-tanzu/velero@v1.18.3",
    "go.universe.tf/metallb@v0.16.2",
    "istio.io/istio@v0.0.0-20260827124520-eed52ebb66ad",
    "k8s.io/ingress-nginx@v0.0.0-20240708192948-52c50467d67d",
    "knative.dev/eventing@v0.45.0",
    "knative.dev/serving@v0.51.0",
    "kubevirt.io/kubevirt@v1.5.0",
    "sigs.k8s.io/cluster-api@v1.9.0",
    "sigs.k8s.io/descheduler@v0.36.0",
    "sigs.k8s.io/jobset@v0.10.1",
    "sigs.k8s.io/kueue@v0.17.0",
    "sigs.k8s.io/kwok@v0.8.0",
    "sigs.k8s.io/lws@v0.7.0",
    "sigs.k8s.io/node-feature-discovery@v0.17.0",
    "volcano.sh/volcano@v1.10.0",
)

# Broken, some on purpose: not YAML to kubectl's reader (sigs.k8s.io/yaml) either, or a list that is none.
_BROKEN = (
    "analysis-run-failfast.yaml",
    "test/e2e/smoke/basic-invalid.yaml",
    "invalid-resources/constraint.yaml",
    "invalid-resources/object.yaml",
    "invalid-resources/template.yaml",
    "apps.kruise.io/DaemonSet/testdata/no-update-strategy-partition.yaml",
)

_ENDINGS = {".yaml", ".yml", ".json"}
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elfgate" / "go"
# Manifests yet to be filled in, by Helm and its like, are no YAML.
_TO_BE_FILLED_IN = re.compile(rb"\{\{|\$\{|<<|<[A-Za-z_ -]+>|: \{\w+\}\S")


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
        if path.suffix in _ENDINGS and path.is_file() and not path.as_posix().endswith(_BROKEN):
            text = path.read_bytes()
            if b"apiVersion" in text and not _TO_BE_FILLED_IN.search(text):
                yield path
