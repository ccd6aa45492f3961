"""Signs that a node does not start programs as its labels say.

Emulators, virtual kubelets, contradictions.

Sources: Kubernetes' well-known labels (the scheduler reads these, the kubelet pulls and runs by its
own build's architecture), the kernels of Docker Desktop (``-linuxkit``), OrbStack and WSL,
the labels and taints that virtual kubelets (Azure, Admiralty, Tencent's eklet), Liqo and kwok put
on their nodes.
"""

import re
from collections.abc import Iterable, Mapping

from elfgate.cluster.doubts import Doubt
from elfgate.cluster.taints import Taint
from elfgate.errors import UnknownReason
from elfgate.linkage.report import Code
from elfgate.platforms import Platform

# Kernels of virtual machines on developers' computers, which come with binfmt_misc set up for other
# architectures.
_EMULATING_KERNEL = re.compile(r"-(linuxkit|orbstack|microsoft-standard-WSL2)", re.IGNORECASE)
_EMULATED = frozenset({Code.EXEC_FORMAT})
_VIRTUAL = {
    "type": ("virtual-kubelet", "kwok"),
    "kubernetes.io/role": ("virtual-kubelet",),
    "liqo.io/type": ("virtual-node",),
    "node.kubernetes.io/instance-type": ("eklet",),
}
_PROVIDED = frozenset(("virtual-kubelet.io/provider", "kwok.x-k8s.io/node"))  # labels or taints


def doubts_of(
    labels: Mapping[str, str],
    taints: Iterable[Taint],
    platform: Platform,
    own: Platform,
    kernel: str,
) -> tuple[Doubt, ...]:
    """The doubts about a node.

    Args:
        labels: The node's.
        taints: The node's.
        platform: What its labels say, if they do.
        own: What its kubelet says; empty parts where it does not.
        kernel: The kernel's release.
    """
    found = (_contradicts(platform, own), _virtual(labels, taints), _emulates(kernel))
    return tuple(doubt for doubt in found if doubt)


def _contradicts(platform: Platform, own: Platform) -> Doubt | None:
    if own.os in {"", platform.os} and own.architecture in {"", platform.architecture}:
        return None
    says = Platform(own.os or platform.os, own.architecture or platform.architecture)
    because = f"the node's labels say {platform}, and its kubelet says {says}"
    return Doubt(UnknownReason.NODE_CONTRADICTS, because)


def _virtual(labels: Mapping[str, str], taints: Iterable[Taint]) -> Doubt | None:
    is_labelled = any(labels.get(key) in values for key, values in _VIRTUAL.items())
    is_provided = not _PROVIDED.isdisjoint(labels) or any(
        taint.key in _PROVIDED for taint in taints
    )
    if not (is_labelled or is_provided):
        return None
    because = "the node is a virtual kubelet, and what it runs pods on is not known"
    return Doubt(UnknownReason.NODE_VIRTUAL, because)


def _emulates(kernel: str) -> Doubt | None:
    sign = _EMULATING_KERNEL.search(kernel)
    if sign is None:
        return None
    because = f"kernels with {sign[0]} in their names mostly run other architectures' programs too"
    return Doubt(UnknownReason.EMULATOR_LIKELY, because, _EMULATED)
