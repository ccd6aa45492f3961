"""The inputs of a prediction: an image's defaults, a pod's changes, and facts of a node."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Literal

Snapshotter = Literal[
    "overlayfs", "native", "devmapper", "btrfs", "zfs", "blockfile", "fuse-overlayfs"
]
"""How a node unpacks layers, by containerd's names.

overlayfs merges layers; with the others, each is unpacked onto those below it. CRI-O's and Docker's
overlay are as overlayfs; overlayfs in a user namespace (rootless) is as native.
"""


@dataclass(frozen=True, slots=True)
class ImageDefaults:
    """An image's defaults for its start (OCI image spec, ``config``).

    Attributes:
        entrypoint: ``Entrypoint``.
        cmd: ``Cmd``.
        env: ``Env``, split at the first ``=``.
        working_dir: ``WorkingDir``, or empty.
        user: ``User``, as written.
    """

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class Overrides:
    """A pod's changes of them (Kubernetes ``Container``).

    Attributes:
        command: Replaces the Entrypoint, and drops Cmd; None if not given.
        args: Replaces Cmd; None if not given.
        run_as_non_root: The kubelet refuses to start it as root (``runAsNonRoot``).
        unknown_command: Positions of the words of ``command`` that hold a value from elsewhere.
        unknown_args: The same of ``args``.
        env: Set on top of the image's; ``$(VAR)`` already expanded.
        unknown_env: Names whose values come from elsewhere (``valueFrom``, ``envFrom``); ``*`` for
            any name.
        working_dir: Replaces WorkingDir; empty if not given.
        user: ``runAsUser``, or None.
        group: ``runAsGroup``, or None.
        groups: ``supplementalGroups`` and ``fsGroup``.
        image_groups: The image's /etc/group counts too (not ``supplementalGroupsPolicy: Strict``).
        other_groups: Groups may be added of which nothing is known here.
        mounts: Paths under which a volume hides the image's files.
        no_new_privileges: Set-user-ID and capabilities of files count for nothing (not
            ``allowPrivilegeEscalation``); None if it is not said.
        capabilities: Names, without ``CAP_``, that the pod adds; ``ALL`` for all.
        dropped_capabilities: Those that it drops, likewise.
        privileged: It has all capabilities.
        read_only_root: The image's files cannot be changed (``readOnlyRootFilesystem``).
        settled: Nothing adds to what the pod says, and its runtime is an ordinary one.
    """

    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    unknown_env: frozenset[str] = frozenset()
    working_dir: str = ""
    user: int | None = None
    group: int | None = None
    groups: frozenset[int] = frozenset()
    image_groups: bool = True
    other_groups: bool = False
    mounts: tuple[str, ...] = ()
    no_new_privileges: bool | None = None
    capabilities: frozenset[str] = frozenset()
    dropped_capabilities: frozenset[str] = frozenset()
    privileged: bool = False
    read_only_root: bool = False
    settled: bool = False
    run_as_non_root: bool = False
    unknown_command: frozenset[int] = frozenset()
    unknown_args: frozenset[int] = frozenset()

    def cache_key(self) -> tuple[object, ...]:
        """All of it in plain values, so that what is equal is written alike."""
        return (self.variables(), self.beside_variables())

    def variables(self) -> tuple[object, ...]:
        """The pod's variables, in plain values."""
        return (self.env, sorted(self.unknown_env))

    def beside_variables(self) -> tuple[object, ...]:
        """All but the pod's variables, in plain values."""
        return _plain(_BESIDE_VARIABLES(self))


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """Facts of the nodes of one platform; None where one is not known.

    Attributes:
        page_size: Bytes.
        cpu_level: ``x86-64-v3``, ``power9``, ``z14``, …
        kernel: ``(major, minor, patch)``.
        emulates: Architectures that the node declares it can run besides its own.
        runtime: Its container runtime (``containerd``, ``cri-o``), which chooses what is pulled.
        snapshotter: How it unpacks layers.
    """

    page_size: int | None = None
    cpu_level: str | None = None
    kernel: tuple[int, int, int] | None = None
    emulates: frozenset[str] = frozenset()
    runtime: str | None = None
    snapshotter: Snapshotter | None = None

    def cache_key(self) -> tuple[object, ...]:
        """All of it in plain values, so that what is equal is written alike."""
        return _plain(_FACTS(self))


_VARIABLES = {"env", "unknown_env"}
_BESIDE_VARIABLES = attrgetter(
    *(field.name for field in fields(Overrides) if field.name not in _VARIABLES)
)
_FACTS = attrgetter(*(field.name for field in fields(NodeFacts)))


def _plain(values: Iterable[object]) -> tuple[object, ...]:
    return tuple([sorted(value) if type(value) is frozenset else value for value in values])
