"""The product's sandbox (``elfgate.trial``), with emulators out of Debian's packages.

Its users and its network are the host's, as the lab's roots belong to the host's users and its
programs are packages of its own choice.
"""

import functools
import platform
from pathlib import Path

from elfgate.trial import emulation, heads, sandbox, users
from elfgate.trial.sandbox import SandboxError
from lab import debian
from lab.alone import alone
from lab.fetched import LabError, cache

_QEMU_SUITE = "trixie"


class Sandbox(sandbox.Sandbox):
    """Runs programs of one architecture, one after the other.

    Args:
        architecture: An OCI architecture (a name of ``lab.debian.ARCHITECTURES``).

    Raises:
        LabError: if its emulator is not served.
    """

    def __init__(self, architecture: str) -> None:
        super().__init__(architecture.partition("/")[0], qemu, apart=False)


def has_users() -> bool:
    """Tell whether programs can be started here as somebody else than root."""
    return users.are_many()


def unavailable() -> str:
    """Why programs cannot be started here, in one line; empty if they can."""
    if lacking := debian.unavailable():
        return lacking
    try:
        with Sandbox("ppc64le"):
            return ""
    except (LabError, SandboxError) as error:
        return (
            "no user namespace with a binfmt_misc of its own (Linux 6.7, unprivileged or as "
            f"root): {error}"
        )


@functools.cache
def qemu(architecture: str) -> Path:
    """The static qemu for an architecture, from its Debian package.

    Called ``…-binfmt-P``, it heeds the flag P.

    Raises:
        LabError: if it is not served.
    """
    host = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    with alone(cache("qemu") / "packages"):
        archive = debian.fetch(["qemu-user"], suite=_QEMU_SUITE, architecture=host)[0]
        home = cache("qemu") / archive.stem.replace("%3a", "+")
        if not home.is_dir():
            debian.root(["qemu-user"], suite=_QEMU_SUITE, architecture=host, destination=home)
    name = emulation.qemu_name(architecture)
    if heads.native(architecture):
        return home / "usr" / "bin" / f"qemu-{name}"
    return home / "usr" / "libexec" / "qemu-binfmt" / f"{name}-binfmt-P"
