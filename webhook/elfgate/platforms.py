"""The one table of platforms.

What a node label, an OCI index, an ELF header and the loaders each call them.

Sources: the OCI image index spec and Go's GOARCH (names); the gABI and its processor supplements
(``e_machine``, class, byte order); glibc's ``sysdeps`` (loader paths, hwcaps directories, cache
flags of ``dl-cache.h``); musl's ``configure`` (``LDSO_ARCH``); Linux ``arch/*/include/asm/elf.h``
(what a kernel of one architecture also runs).
"""

from dataclasses import dataclass

from elfgate.errors import InputError
from elfgate.likely import meant


@dataclass(frozen=True, slots=True)
class Machine:
    """The shape of an ELF file of one instruction set.

    Attributes:
        number: ``e_machine``.
        elf_class: 32 or 64.
        byte_order: ``little`` or ``big``.
    """

    number: int
    elf_class: int
    byte_order: str


@dataclass(frozen=True, slots=True)
class Architecture:
    """One architecture, under each of its names.

    Attributes:
        name: GOARCH, the OCI ``architecture`` and the node label ``kubernetes.io/arch``.
        machine: The ELF files it runs.
        compatible: Further ELF machines that its kernels run where configured (``compat``).
        glibc_loaders: Where glibc's ABI puts the loader.
        musl_name: ``ARCH`` in ``/lib/ld-musl-ARCH.so.1`` and ``/etc/ld-musl-ARCH.path``.
        hwcaps: Sub-directories of ``glibc-hwcaps``, best first, each with the CPU level that it
            needs.
        cache_flags: The flags of this architecture's entries in ``ld.so.cache``.
        uname: What ``uname -m`` says.
    """

    name: str
    machine: Machine
    glibc_loaders: tuple[str, ...]
    musl_name: str
    uname: str
    cache_flags: int
    hwcaps: tuple[str, ...] = ()
    compatible: tuple[Machine, ...] = ()


_X86_64 = Machine(62, 64, "little")
_I386 = Machine(3, 32, "little")
_ARM = Machine(40, 32, "little")
_AARCH64 = Machine(183, 64, "little")

ARCHITECTURES: dict[str, Architecture] = {
    row.name: row
    for row in (
        Architecture(
            "amd64",
            _X86_64,
            ("/lib64/ld-linux-x86-64.so.2",),
            "x86_64",
            "x86_64",
            0x0303,
            hwcaps=("x86-64-v4", "x86-64-v3", "x86-64-v2"),
            compatible=(_I386,),
        ),
        Architecture("386", _I386, ("/lib/ld-linux.so.2",), "i386", "i686", 0x0003),
        Architecture(
            "arm64",
            _AARCH64,
            ("/lib/ld-linux-aarch64.so.1",),
            "aarch64",
            "aarch64",
            0x0A03,
            compatible=(_ARM,),
        ),
        Architecture(
            "arm",
            _ARM,
            ("/lib/ld-linux-armhf.so.3", "/lib/ld-linux.so.3"),
            "armhf",
            "armv7l",
            0x0903,
        ),
        Architecture(
            "ppc64le",
            Machine(21, 64, "little"),
            ("/lib64/ld64.so.2",),
            "powerpc64le",
            "ppc64le",
            0x0503,
            hwcaps=("power10", "power9"),
        ),
        Architecture(
            "s390x",
            Machine(22, 64, "big"),
            ("/lib/ld64.so.1",),
            "s390x",
            "s390x",
            0x0403,
            hwcaps=("z17", "z16", "z15", "z14", "z13"),
        ),
        Architecture(
            "riscv64",
            Machine(243, 64, "little"),
            ("/lib/ld-linux-riscv64-lp64d.so.1",),
            "riscv64",
            "riscv64",
            0x1003,
        ),
        Architecture(
            "loong64",
            Machine(258, 64, "little"),
            ("/lib64/ld-linux-loongarch-lp64d.so.1",),
            "loongarch64",
            "loongarch64",
            0x1103,
        ),
        Architecture(
            "ppc64", Machine(21, 64, "big"), ("/lib64/ld64.so.1",), "powerpc64", "ppc64", 0x0503
        ),
        Architecture(
            "mips64le", Machine(8, 64, "little"), ("/lib64/ld.so.1",), "mips64el", "mips64", 0x0703
        ),
    )
}

MACHINE_NAMES: dict[tuple[int, int, str], str] = {
    (row.machine.number, row.machine.elf_class, row.machine.byte_order): row.name
    for row in ARCHITECTURES.values()
} | {(20, 32, "big"): "ppc", (22, 32, "big"): "s390", (8, 32, "little"): "mipsle"}

# What people write who read it off a machine; a kernel calls both of its mips64s by one name.
_NAMED_BY_KERNELS: dict[str, str] = {
    row.uname: row.name for row in ARCHITECTURES.values() if row.uname != "mips64"
}


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """An OCI platform.

    Operating system, architecture and, where it has one, variant (``linux/arm/v7``).
    """

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    @classmethod
    def parse(cls, text: str) -> "Platform":
        """Read ``os/arch[/variant]`` or a bare ``arch`` (``ppc64le`` stands for ``linux/ppc64le``).

        Kernels' names of architectures are taken too (``x86_64``, ``aarch64``).

        Raises:
            InputError: if the text has another shape or names an architecture that elfgate does not
                know.
        """
        parts = text.strip().lower().split("/")
        if len(parts) == 1:
            parts.insert(0, "linux")
        if len(parts) > 3 or not all(parts):
            raise InputError(
                f"platform {text!r} is not os/arch[/variant]", hint="write it like linux/ppc64le"
            )
        os, named, *variant = parts
        architecture = _NAMED_BY_KERNELS.get(named, named)
        if os == "linux" and architecture not in ARCHITECTURES:
            known = sorted(ARCHITECTURES)
            raise InputError(
                f"platform {text!r} names an unknown architecture", hint=meant(named, known)
            )
        return cls(os, architecture, *variant)


def machine_name(number: int, elf_class: int, byte_order: str) -> str:
    """Name an ELF file's machine as OCI would, or as ``e_machine N`` where no name is known."""
    return MACHINE_NAMES.get((number, elf_class, byte_order), f"e_machine {number}")
