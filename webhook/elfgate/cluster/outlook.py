"""The outlook: nodes that may still come, states of nodes that pass, runtimes that are ordinary.

Sources: the taints that Kubernetes' node life cycle, the cluster autoscaler, Karpenter, Cluster
API, Cilium, Istio's CNI, OVN-Kubernetes, the CSI drivers of clouds, the node readiness controller,
Nidhogg, Deckhouse, Medik8s and KubeVirt put on nodes for a while; those of AWS Fargate, of virtual
kubelets, Liqo and Tencent's super nodes; Kata's and the Cloud API Adaptor's RuntimeClasses.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

# The node life cycle's own. Nobody means them to keep a pod away for good.
LIFE_CYCLE_TAINTS = frozenset(
    (
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
        "node.kubernetes.io/memory-pressure",
        "node.kubernetes.io/disk-pressure",
        "node.kubernetes.io/pid-pressure",
        "node.kubernetes.io/network-unavailable",
        "node.cloudprovider.kubernetes.io/uninitialized",
    )
)

# Of nodes that start up or are being replaced. A pod goes elsewhere meanwhile, and a workload
# outlives them.
AWAY_TAINTS = (
    "*/*not-ready",
    "*/*not-bootstrapped",
    "*/*unavailable",
    "*/uninitialized",
    "*/unregistered",
    "node.kubernetes.io/unschedulable",
    "node.kubernetes.io/out-of-service",
    "node.cloudprovider.kubernetes.io/shutdown",
    "node.cluster.x-k8s.io/*",
    "startup-taint.cluster-autoscaler.kubernetes.io/*",
    "status-taint.cluster-autoscaler.kubernetes.io/*",
    "ignore-taint.cluster-autoscaler.kubernetes.io/*",
    "ToBeDeletedByClusterAutoscaler",
    "DeletionCandidateOfClusterAutoscaler",
    "karpenter.sh/*",
    "readiness.k8s.io/*",
    "cloud.google.com/impending-node-termination",
    "aws-node-termination-handler/*",
    "medik8s.io/*",
    "kubevirt.io/drain",
    "nidhogg.uswitch.com/*",
)

# Of nodes that stand for a provider's containers or for another cluster. What admits or schedules
# pods there lets them past, though their templates do not tolerate it.
OPENED_TAINTS = (
    "eks.amazonaws.com/compute-type",
    "virtual-kubelet.io/provider",
    "virtual-node.liqo.io/*",
    "eks.tke.cloud.tencent.com/eklet",
)

# Runtimes that start what the node's kernel starts. The name of a RuntimeClass is nearly always its
# handler's.
ORDINARY_RUNTIMES = ("runc", "crun", "youki", "nvidia", "nvidia-*", "sysbox-runc")

# Runtimes that start Linux programs of the node's architecture on a kernel of their own.
GUEST_RUNTIMES = ("gvisor", "runsc", "runsc-*", "kata", "kata-*", "kata-containers")

# Runtimes whose names look like one of those above, and that start modules, or containers in a
# machine of any architecture somewhere else.
STRANGE_RUNTIMES = ("*wasm*", "*remote*", "*peer*")


@dataclass(frozen=True, slots=True)
class Outlook:
    """Settings' additions to what is known.

    Attributes:
        extra_architectures: Those that count although no node has them yet.
        passing_taints: Further patterns of taints' keys that pass.
        ordinary_runtimes: Further patterns of RuntimeClasses whose containers start as the node's
            own do.
    """

    extra_architectures: tuple[str, ...] = ()
    passing_taints: tuple[str, ...] = ()
    ordinary_runtimes: tuple[str, ...] = ()

    def is_away(self, taint: str) -> bool:
        """Whether a taint of this key goes when the node has started up or is replaced."""
        return _matches(taint, AWAY_TAINTS + self.passing_taints)

    def is_ordinary(self, runtime_class: str) -> bool:
        """Whether containers of this RuntimeClass start as those without one do."""
        if _matches(runtime_class, self.ordinary_runtimes):
            return True
        return _matches(runtime_class, ORDINARY_RUNTIMES) and not _is_strange(runtime_class)


@lru_cache(4096)
def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def is_guest(runtime_class: str) -> bool:
    """Whether containers of this RuntimeClass have a kernel of their own."""
    return _matches(runtime_class, GUEST_RUNTIMES) and not _is_strange(runtime_class)


def is_opened(taint: str) -> bool:
    """Whether pods may be let past a taint of this key that their template does not tolerate."""
    return _matches(taint, OPENED_TAINTS)


def _is_strange(runtime_class: str) -> bool:
    return _matches(runtime_class, STRANGE_RUNTIMES)
