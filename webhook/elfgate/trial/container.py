"""A container's first process, as a start of the sandbox.

Sources: the kubelet and containerd's CRI (HOSTNAME, /etc/hosts, the default capabilities).
"""

from dataclasses import dataclass, replace

from elfgate.linkage.capabilities import bounding, numbers
from elfgate.linkage.environment import Environment
from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.mounts import RUNTIME_MOUNTS
from elfgate.linkage.programs.first import first_exec
from elfgate.linkage.values import Scalar, Unknown
from elfgate.trial.start import Start

_NODE = NodeFacts(runtime="containerd")
_HOSTS = "127.0.0.1 localhost\n::1 localhost\n127.0.0.1 trial\n"
_FILES = (("/etc/hosts", _HOSTS), ("/etc/hostname", "trial\n"), ("/etc/resolv.conf", ""))


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of one start.

    Attributes:
        processes: How many at a time.
        memory: Bytes that they have for themselves, together.
        disk: Bytes that they may write.
        output: Characters of each output that are kept.
        unpacked: Bytes of the image's layers.
        entries: Names in them.
    """

    processes: int = 512
    memory: int = 4 << 30
    disk: int = 1 << 30
    output: int = 4000
    unpacked: int = 16 << 30
    entries: int = 1_000_000


def start_of(
    root: str,
    defaults: ImageDefaults,
    overrides: Overrides,
    bounds: Bounds,
    *,
    native: bool,
) -> Start:
    """The start of a container.

    Args:
        root: The folder with the image's files.
        defaults: The image's config.
        overrides: What the pod's container changes.
        bounds: Its bounds.
        native: No emulator runs it. One that is the first process hangs when its program crashes.
    """
    first = first_exec(defaults, overrides)
    given = bounding(replace(overrides, settled=True), _NODE).certain
    mounts = [path for path in first.mounts if path not in RUNTIME_MOUNTS]
    return Start(
        layers=(root,),
        argv=tuple(map(_word, first.argv)),
        env={"HOSTNAME": "trial", **_known(first.env)},
        cwd=first.cwd,
        user=first.user,
        home=True,
        groups=tuple(sorted(overrides.groups)),
        capabilities=numbers(given),
        no_new_privileges=bool(overrides.no_new_privileges),
        first=native,
        output=bounds.output,
        processes=bounds.processes,
        memory=bounds.memory,
        disk=bounds.disk,
        volumes=tuple(("", path.rstrip("/") or "/") for path in mounts),
        files=_FILES,
        read_only=overrides.read_only_root,
    )


def _known(env: Environment) -> dict[str, str]:
    """The variables whose values are known."""
    stated = ((name, env.stated(name)) for name in env.beginning(""))
    return {name: value for name, value in stated if isinstance(value, str)}


def _word(word: Scalar) -> str:
    """A word; as it is written, where its value comes from elsewhere."""
    return word.guess if isinstance(word, Unknown) else word
