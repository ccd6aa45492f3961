"""Settings of the cluster that verdicts are for."""

from pathlib import Path
from typing import Self

from pydantic import Field, NonNegativeFloat, model_validator

from elfgate.cluster.outlook import Outlook
from elfgate.linkage.inputs import Snapshotter
from elfgate.policy.config import ArchitectureName
from elfgate.settings.model import Model
from elfgate.settings.names import LibraryPattern, RuntimePattern, TaintPattern


class Nodes(Model):
    """The source of facts about the cluster's nodes."""

    file: Path | None = Field(
        default=None, description="A NodeList, as `kubectl get nodes -o json` prints it."
    )
    watch: bool = Field(
        default=False,
        description="Follow the cluster's nodes instead of a file. Needs the rights to list and "
        "watch nodes.",
    )
    stale_seconds: NonNegativeFloat = Field(
        default=5.0,
        description="Seconds without news of the nodes, after which only what fails on any node "
        "is refused.",
    )
    injected_libraries: tuple[LibraryPattern, ...] = Field(
        default=(),
        description="Patterns of libraries that nodes add to containers (`libmydriver.so*`). "
        "NVIDIA's are known.",
    )
    snapshotter: Snapshotter | None = Field(
        default=None,
        description="Snapshotter of the nodes, by containerd's name (`overlayfs`, `native`, "
        "`devmapper` …); `native` for rootless nodes. Unset, an image that snapshotters unpack "
        "differently is unknown where that matters.",
    )
    extra_architectures: tuple[ArchitectureName, ...] = Field(
        default=(),
        description="Architectures that an autoscaler may add: they count although no node has "
        "them yet.",
    )
    passing_taints: tuple[TaintPattern, ...] = Field(
        default=(),
        description="Further patterns of keys of taints that nodes lose again "
        "(`example.com/starting`), or that namespaces let their pods tolerate.",
    )
    ordinary_runtimes: tuple[RuntimePattern, ...] = Field(
        default=(),
        description="Further patterns of RuntimeClasses whose containers start as ordinary ones "
        "do.",
    )

    @property
    def outlook(self) -> Outlook:
        """The facts that these settings add to those known of the cluster."""
        return Outlook(self.extra_architectures, self.passing_taints, self.ordinary_runtimes)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.watch and self.file is not None:
            raise ValueError("nodes come from `file` or from `watch`, not from both")
        return self


class Cluster(Model):
    """How the cluster's API server is reached, for what is asked of it."""

    kubeconfig: Path | None = Field(
        default=None,
        description="Default: `$KUBECONFIG`, then `~/.kube/config`; in a pod, its service account.",
    )
    context: str = Field(
        default="", description="Context of the kubeconfig. Default: the current one."
    )
