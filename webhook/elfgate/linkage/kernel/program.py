"""A program that runs, and the files that the kernel mapped for it."""

from dataclasses import dataclass

from elfgate.elf.facts import ElfFacts
from elfgate.linkage.credentials import Credentials
from elfgate.linkage.kernel.privilege import Gain
from elfgate.linkage.world import Process


@dataclass(frozen=True, slots=True)
class Mapped:
    """An ELF file that the kernel maps.

    Attributes:
        name: As it was named.
        path: Its real path.
        facts: What it says.
    """

    name: str
    path: str
    facts: ElfFacts


@dataclass(frozen=True, slots=True)
class Program:
    """A program that ``execve`` has started.

    Attributes:
        image: The program, behind all scripts.
        loader: What its PT_INTERP leads to; None if it has none.
        process: The process, its argv as the program sees it.
        gain: Whether it gains a privilege by its file.
        becomes: As whom it runs if it does.
        opened_as: The path under which a loader that was started with it has opened it; empty if
            the kernel has.
    """

    image: Mapped
    loader: Mapped | None
    process: Process
    gain: Gain = Gain.NO
    becomes: Credentials | None = None
    opened_as: str = ""

    @property
    def name(self) -> str:
        """The path that ``$ORIGIN`` is taken from: the kernel's real one (/proc/self/exe)."""
        return self.opened_as or self.image.path
