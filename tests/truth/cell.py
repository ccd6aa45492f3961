"""One cell of the lab: a program in a root file system on a node of one architecture."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """What is started, and where.

    Attributes:
        group: What it is about: a program's name, or the chapter of a made case.
        name: Which program's build or which case.
        variant: A name of ``lab.roots.ROOTS``.
        architecture: An OCI name of ``lab.debian.ARCHITECTURES``.
        layers: The directories on top of the variant's root, the uppermost first.
        argv: The command line.
        env: Variables beside PATH.
        cwd: The working directory.
        program: The program that ``argv[0]`` starts in its turn, if it does.
        user: Who it is started as, as an image's USER says it; empty for root.
        groups: Supplementary groups that the pod adds.
        cpu: The level of the node's CPU; empty if it does not matter.
        release: The release of the node's kernel, as emulation tells it; empty if it does not matter.
        kernel: A name of ``lab.kernels.KERNELS``, if it is booted for this; else this machine's, with qemu's emulation.
    """

    group: str
    name: str
    variant: str
    architecture: str
    layers: tuple[Path, ...]
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    program: str = ""
    user: str = ""
    groups: tuple[int, ...] = ()
    cpu: str = ""
    release: str = ""
    kernel: str = ""

    def __str__(self) -> str:
        return f"{self.group}/{self.name} · {self.variant} · {self.kernel or self.architecture}"
